import CLIPTestSupport
import Testing

@testable import CLIPCompute

/// Sums of rows of a packed matrix, against the same one number after the other.
@Suite struct PanelSumsTests {
    @Test(arguments: [1, 16, 63, 200], [1, 2])
    func `Each sum takes its rows in their order`(columns: Int, threads: Int) throws {
        var generator = SeededGenerator(seed: UInt64(columns))
        let compute = try Compute(threads: threads)
        let rows = 77
        // Far apart, so that another order gives other bits.
        let numbers = (0..<rows * columns).map { _ in
            Float.random(in: -1...1, using: &generator) * Float(1 << Int.random(in: 0..<15, using: &generator))
        }
        let owners = (0..<rows).map { _ in Int32.random(in: -1..<5, using: &generator) }
        for type in [PanelPackedMatrix.ElementType.float32, .float16] {
            let matrix = PanelPackedMatrix(numbers, outputs: rows, inputs: columns, elementType: type)
            var expected = [[Double]](repeating: [Double](repeating: 0, count: columns), count: 6)
            for row in 0..<rows where owners[row] >= 0 {
                for column in 0..<columns {
                    let number = numbers[row * columns + column]
                    let stored = type == .float16 ? Float(Float16(number)) : number
                    expected[Int(owners[row])][column] += Double(stored)
                }
            }
            #expect(compute.sums(of: matrix, owners: owners, count: 6) == expected)
        }
    }
}
