import CLIPTestSupport
import Testing

@testable import CLIPCompute

@Suite struct BlockAttentionTests {
    @Test(arguments: eachInstructionSet, [nil, 0, 3])
    func `Attention equals the specification to the bit`(_ compute: Compute, _ causalPosition: Int?) {
        for (headWidth, queries, keys) in [
            (1, 1, 1), (16, 5, 9), (20, 13, 33), (64, 30, 31), (72, 12, 129), (160, 3, 260),
        ]
        where keys > causalPosition ?? 0 {
            var numbers = SeededNumbers(seed: UInt64(headWidth))
            let heads = 2
            let rows = (0..<keys + queries).map { _ in numbers.floats(heads * headWidth).map { $0 * 4 } }
            check(compute, rows, queries: queries, keys: keys, heads: heads, causalPosition)
        }
    }

    @Test(arguments: eachInstructionSet)
    func `Hard numbers give what the specification says`(_ compute: Compute) {
        for change: Float in [0, 1e-38, 1000, 1e30, .infinity, -.infinity, .nan] {
            for place in [(0, 5), (20, 5), (24, 7)] {
                var numbers = SeededNumbers(seed: 3)
                var rows = (0..<25).map { _ in numbers.floats(32) }
                rows[place.0][place.1] = change
                check(compute, rows, queries: 4, keys: 21, heads: 2, nil)
            }
        }
    }

    @Test func `Keys that are cut into runs give the same`() throws {
        var numbers = SeededNumbers(seed: 8)
        let (width, count) = (48, 37)
        let projected = numbers.floats(count * width + 64)
        func attend(_ runs: [Range<Int>]) throws -> [Float] {
            var target = [Float](repeating: 0, count: 5 * width)
            target.withUnsafeMutableBufferPointer { target in
                projected.withUnsafeBufferPointer { projected in
                    let all = Rows(projected.baseAddress!, stride: width, count: count)
                    let sequence = AttentionSequence(
                        queries: all[32..<37], keyRows: runs, causalPosition: 32,
                        target: MutableRows(target.baseAddress!, stride: width, count: 5))
                    try! Compute(threads: 1).attention(
                        [sequence], keys: all, values: all, heads: 3, headWidth: 16, isWhole: true)
                }
            }
            return target
        }
        let whole = try attend([0..<37])
        #expect(try attend([0..<9, 9..<30, 30..<37]) == whole)
    }

    @Test func `Attention is close to that in floats`() {
        var numbers = SeededNumbers(seed: 5)
        let (q, k, v) = (numbers.floats(30 * 64), numbers.floats(197 * 64), numbers.floats(197 * 64))
        func rows(_ values: [Float]) -> [[Float]] {
            stride(from: 0, to: values.count, by: 64).map { Array(values[$0..<$0 + 64]) }
        }
        let found = rows(q).flatMap { SixteenBitArithmetic.attention($0, keys: rows(k), values: rows(v)) }
        let expected = Reference.attention(q, k, v, width: 64, causalPosition: nil)
        #expect(largestError(found, expected) < 3e-4)
    }

    /// - Parameter rows: the queries, then the keys, which are the values in the opposite order.
    private func check(
        _ compute: Compute, _ rows: [[Float]], queries: Int, keys: Int, heads: Int, _ causalPosition: Int?
    ) {
        let width = rows[0].count
        let headWidth = width / heads
        let queryRows = Array(rows.prefix(queries))
        let keyRows = Array(rows.dropFirst(queries))
        let valueRows = Array(keyRows.reversed())
        let source = (queryRows + keyRows + valueRows).flatMap { $0 } + [Float](repeating: 0, count: 64)
        var target = [Float](repeating: 1234, count: queries * width + 64)
        target.withUnsafeMutableBufferPointer { target in
            source.withUnsafeBufferPointer { source in
                let all = Rows(source.baseAddress!, stride: width, count: queries + 2 * keys)
                let sequence = AttentionSequence(
                    queries: all[0..<queries], keyRows: [0..<keys], causalPosition: causalPosition,
                    target: MutableRows(target.baseAddress!, stride: width, count: queries))
                compute.attention(
                    [sequence], keys: all[queries..<queries + keys], values: all[queries + keys..<queries + 2 * keys],
                    heads: heads, headWidth: headWidth, isWhole: true)
            }
        }
        #expect(target.suffix(64).allSatisfy { $0 == 1234 })
        for query in 0..<queries {
            let seen = causalPosition.map { min(keys, $0 + query + 1) } ?? keys
            for head in 0..<heads {
                let columns = head * headWidth..<(head + 1) * headWidth
                let expected = SixteenBitArithmetic.attention(
                    Array(queryRows[query][columns]), keys: keyRows.prefix(seen).map { Array($0[columns]) },
                    values: valueRows.prefix(seen).map { Array($0[columns]) })
                let found = target[query * width..<(query + 1) * width][(query * width + columns.lowerBound)...]
                #expect(zip(found, expected).allSatisfy(areSame), "\(queries) to \(keys) of \(headWidth)")
            }
        }
    }
}
