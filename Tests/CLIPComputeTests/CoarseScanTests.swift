import CLIPTestSupport
import Testing

@testable import CLIPCompute

/// Products that reach a threshold, found through whole numbers, against all products in floats.
@Suite struct CoarseScanTests {
    private struct Found: Equatable, Comparable {
        let query: Int
        let vector: Int
        let product: UInt32

        static func < (a: Found, b: Found) -> Bool { (a.query, a.vector) < (b.query, b.vector) }
    }

    /// Vectors around a few middles, some of them the same as others, some with a number that is far from the rest.
    private func vectors(_ count: Int, dimension: Int, outlier: Float, _ generator: inout SeededGenerator) -> [Float] {
        let middles = (0..<5).map { _ in (0..<dimension).map { _ in Float.random(in: -1...1, using: &generator) } }
        var all: [Float] = []
        for vector in 0..<count {
            var values = middles[vector % 5].map { $0 + Float.random(in: -0.4...0.4, using: &generator) }
            if vector % 7 == 3 { values = middles[vector % 5] }
            values[(vector / 9) % dimension] += outlier
            let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            all += values.map { vector % 31 == 30 ? 0 : $0 / length }
        }
        return all
    }

    private func found(
        _ compute: Compute, _ queries: [Float], _ matrix: PanelPackedMatrix, reaching threshold: Float
    ) -> (coarse: [Found], exact: [Found]) {
        let dimension = matrix.inputs
        let count = queries.count / dimension
        let rows = Activations(rows: count, columns: dimension)
        for row in 0..<count {
            for column in 0..<dimension { rows.row(row)[column] = queries[row * dimension + column] }
        }
        let coarse = compute.scan(
            Rows(rows.all), CoarseVectors(matrix, compute), initial: { [Found]() }, reaching: { _, _ in threshold }
        ) { $0.append(Found(query: $1, vector: $2, product: $3.bitPattern)) }
        let exact = compute.scan(
            Rows(rows.all), blocks: [PanelRows(matrix, rows: 0..<matrix.outputs)], initial: { [Found]() }
        ) { state, _, products in
            for query in 0..<count {
                for vector in 0..<matrix.outputs where products[query][vector] >= threshold {
                    state.append(Found(query: query, vector: vector, product: products[query][vector].bitPattern))
                }
            }
        }
        return (coarse.flatMap { $0 }.sorted(), exact.flatMap { $0 }.sorted())
    }

    @Test(arguments: InstructionSet.available, [1, 3, 16, 77, 512])
    func `No product that reaches the threshold is missed, and each has its bits`(
        instructionSet: InstructionSet, dimension: Int
    ) throws {
        var generator = SeededGenerator(seed: UInt64(dimension))
        for (threads, type) in [(1, PanelPackedMatrix.ElementType.float32), (2, .float16)] {
            let compute = try Compute(instructionSet: instructionSet, threads: threads)
            for outlier: Float in [0, 3, 40] {
                let all = vectors(1037, dimension: dimension, outlier: outlier, &generator)
                let matrix = PanelPackedMatrix(all, outputs: 1037, inputs: dimension, elementType: type)
                for threshold: Float in [-1, 0.3, 0.9, 0.95, 0.999, 1, 2] {
                    let (coarse, exact) = found(
                        compute, Array(all.prefix(29 * dimension)), matrix, reaching: threshold)
                    #expect(coarse == exact, "\(dimension) \(outlier) \(threshold)")
                    if threshold < 0.95 { #expect(!exact.isEmpty) }
                }
            }
        }
    }

    @Test func `Vectors and queries that are not finite reach nothing more than in floats`() throws {
        var generator = SeededGenerator(seed: 5)
        let compute = try Compute(threads: 1)
        var all = vectors(600, dimension: 48, outlier: 0, &generator)
        all[13 * 48 + 5] = .infinity
        all[590 * 48 + 7] = .nan
        all[591 * 48] = 1e38
        all[592 * 48] = -Float.leastNonzeroMagnitude
        let matrix = PanelPackedMatrix(all, outputs: 600, inputs: 48)
        for threshold: Float in [0.5, 0.95] {
            let (coarse, exact) = found(compute, Array(all.prefix(20 * 48)), matrix, reaching: threshold)
            #expect(coarse == exact)
            #expect(exact.contains { $0.query == 13 } || exact.contains { $0.vector == 13 })
        }
    }

    /// The nearest query of each vector by all products in floats, and each vector's score raised by one query after another.
    private func expected(
        _ compute: Compute, _ queries: Rows<Float>, _ matrix: PanelPackedMatrix
    ) -> (nearest: [Int32], scores: [Float]) {
        var nearest = [Int32](repeating: 0, count: matrix.outputs)
        var scores = [Float](repeating: -.infinity, count: matrix.outputs)
        _ = compute.scan(
            queries, blocks: [PanelRows(matrix, rows: 0..<matrix.outputs)], initial: {}
        ) { _, _, products in
            for query in 0..<queries.count {
                for vector in 0..<matrix.outputs where products[query][vector] > scores[vector] {
                    scores[vector] = products[query][vector]
                    nearest[vector] = Int32(query)
                }
            }
        }
        return (nearest, scores)
    }

    private func expectNearest(_ compute: Compute, _ queries: [Float], _ matrix: PanelPackedMatrix) {
        let dimension = matrix.inputs
        let rows = Activations(rows: queries.count / dimension, columns: dimension)
        for row in 0..<rows.rows {
            for column in 0..<dimension { rows.row(row)[column] = queries[row * dimension + column] }
        }
        let (all, coarse) = (Rows(rows.all), CoarseVectors(matrix, compute))
        let (nearest, scores) = expected(compute, all, matrix)
        #expect(compute.nearestQueries(all, coarse) == nearest, "\(all.count) queries of \(dimension)")
        var raised = [Float](repeating: -.infinity, count: matrix.outputs)
        for query in 0..<all.count { compute.raise(&raised, to: all[query..<query + 1], coarse) }
        #expect(raised.map(\.bitPattern) == scores.map(\.bitPattern), "\(all.count) queries of \(dimension)")
    }

    @Test(arguments: InstructionSet.available, [1, 3, 77, 512])
    func `The nearest query is that of all products, of equal ones the first`(
        instructionSet: InstructionSet, dimension: Int
    ) throws {
        var generator = SeededGenerator(seed: UInt64(dimension) + 9)
        for (threads, type) in [(1, PanelPackedMatrix.ElementType.float32), (2, .float16)] {
            let compute = try Compute(instructionSet: instructionSet, threads: threads)
            for outlier: Float in [0, 3] {
                let all = vectors(1037, dimension: dimension, outlier: outlier, &generator)
                let matrix = PanelPackedMatrix(all, outputs: 1037, inputs: dimension, elementType: type)
                // Around the same middles, the same twice, a zero among them; few, and more than are taken at once.
                for count in [1, 2, 11, 140] {
                    expectNearest(compute, Array(all.prefix(count * dimension)), matrix)
                }
            }
        }
    }

    @Test func `What is not finite is nearest to nothing, as in floats`() throws {
        var generator = SeededGenerator(seed: 6)
        let compute = try Compute(threads: 1)
        var all = vectors(1300, dimension: 48, outlier: 0, &generator)
        all[13 * 48 + 5] = .infinity
        all[17 * 48] = .nan
        all[18 * 48] = 1e38
        all[1290 * 48 + 7] = .nan
        let matrix = PanelPackedMatrix(all, outputs: 1300, inputs: 48)
        expectNearest(compute, Array(all.prefix(20 * 48)), matrix)
        expectNearest(compute, Array(all[(600 * 48)..<(700 * 48)]), matrix)
    }
}
