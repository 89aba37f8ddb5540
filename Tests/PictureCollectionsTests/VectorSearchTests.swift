import CLIP
import CLIPCompute
import Testing

@testable import PictureCollections

@Suite struct VectorSearchTests {
    @Test(arguments: InstructionSet.available, [1, 3])
    func `The nearest rows are those of the largest products`(_ instructionSet: InstructionSet, threads: Int) throws {
        let (count, dimension) = (1300, 20)
        var state: UInt64 = 5
        let values = (0..<(count + 3) * dimension).map { _ -> Float in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
        }
        let rows = (0..<count + 3).map { Array(values[$0 * dimension..<($0 + 1) * dimension]) }
        let queries = rows.suffix(3).map { Embedding(values: $0) }
        let matrix = PanelPackedMatrix(values, outputs: count, inputs: dimension)
        let compute = try Compute(instructionSet: instructionSet, threads: threads)
        let found = try compute.nearest(to: queries, in: matrix, top: 7)
        for (query, neighbors) in zip(queries, found) {
            let scores = rows.prefix(count).map { row in
                zip(row, query.values).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            }
            let best = scores.indices.sorted { scores[$0] > scores[$1] }.prefix(7)
            #expect(neighbors.map(\.number) == Array(best))
            for neighbor in neighbors { #expect(abs(Double(neighbor.score) - scores[neighbor.number]) < 1e-5) }
        }
        #expect(throws: CLIPError.self) { try compute.nearest(to: [Embedding(values: [1])], in: matrix, top: 1) }
    }
}
