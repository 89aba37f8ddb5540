import struct CLIPKernels.AttentionHead
@testable import CLIPCompute
import CLIPTestSupport
import Testing

@Suite struct QuantisedAttentionTests {
    /// The instruction sets that have it.
    static let kernels = InstructionSet.available.compactMap(\.kernels.layers.int8.attention)

    @Test func `Is close to the reference`() {
        for attention in QuantisedAttentionTests.kernels {
            for (queries, keys, width) in [
                (1, 1, 1), (2, 3, 5), (11, 15, 4), (12, 16, 16), (13, 17, 24), (25, 31, 64), (50, 50, 64), (3, 100, 80),
                (257, 257, 64),
            ] {
                let head = HeadOfNumbers(queries: queries, keys: keys, width: width)
                let found = head.attended(attention)
                let expected = Reference.attention(
                    head.queries, head.keys, head.values, width: width, causalPosition: nil)
                // Numbers up to 1 in steps of 1/127, averaged.
                #expect(largestError(found, expected) < 0.012, "\(queries) queries, \(keys) keys of \(width)")
            }
        }
    }

    /// A query that fits one key alone finds its value, to half a step of the column's largest.
    @Test func `A clear choice is kept`() {
        for attention in QuantisedAttentionTests.kernels {
            let (count, width) = (40, 64)
            var head = HeadOfNumbers(queries: count, keys: count, width: width)
            head.queries = (0..<count * width).map { $0 % width == $0 / width ? 400 : 0 }
            head.keys = (0..<count * width).map { $0 % width == $0 / width ? 1 : 0 }
            let found = head.attended(attention)
            #expect(largestError(found, head.values.map(Double.init)) <= 1 / 253.9)
        }
    }

    /// However the weights are rounded, their sum is 1.
    @Test func `The same value everywhere is the answer`() {
        for attention in QuantisedAttentionTests.kernels {
            var head = HeadOfNumbers(queries: 30, keys: 123, width: 16)
            head.values = (0..<123 * 16).map { Float($0 % 16) - 7.5 }
            for (index, value) in head.attended(attention).enumerated() {
                #expect(abs(value - (Float(index % 16) - 7.5)) < 4e-6)
            }
        }
    }

    @Test func `Is the same to the bit for any queries and runs`() {
        for attention in QuantisedAttentionTests.kernels {
            let head = HeadOfNumbers(queries: 41, keys: 130, width: 48)
            let expected = head.attended(attention)
            for runs in [[0..<1, 1..<130], [0..<64, 64..<65, 65..<130]] {
                #expect(head.attended(attention, runs: runs) == expected)
            }
            for query in 0..<41 {
                var alone = head
                alone.queries = Array(head.queries[query * 48..<(query + 1) * 48])
                #expect(alone.attended(attention) == Array(expected[query * 48..<(query + 1) * 48]))
            }
        }
    }

    @Test func `Huge and infinite numbers are not hidden`() {
        for attention in QuantisedAttentionTests.kernels {
            var head = HeadOfNumbers(queries: 5, keys: 120, width: 16)
            head.values[37] = .infinity
            #expect(head.attended(attention).contains { !$0.isFinite })
            head = HeadOfNumbers(queries: 5, keys: 120, width: 16)
            head.queries = head.queries.map { $0 * 1e15 }
            head.keys = head.keys.map { $0 * 1e15 }
            #expect(head.attended(attention).allSatisfy { abs($0) <= 1.001 })
        }
    }

    /// Many keys without a mask, and nothing else.
    @Test func `Is taken where it pays`() throws {
        let best = try Compute(instructionSet: .best, threads: 2)
        let hasKernel = InstructionSet.best.kernels.layers.int8.attention != nil
        for (tokens, isCausal, pays) in [(130, false, true), (50, false, false), (130, true, false)] {
            let found = [false, true].map { isQuantised in
                var numbers = SeededNumbers(seed: 3)
                let input = Activations(rows: tokens, columns: 96)
                for row in 0..<tokens { for column in 0..<96 { input.row(row)[column] = numbers.next() } }
                let target = Activations(rows: tokens, columns: 32)
                best.attention(
                    [
                        AttentionSequence(
                            queries: Rows(input.all), keyRows: [0..<tokens], causalPosition: isCausal ? 0 : nil,
                            target: target.all)
                    ], keys: Rows(input.all).columns(from: 32), values: Rows(input.all).columns(from: 64), heads: 2,
                    headWidth: 16, isQuantised: isQuantised)
                return (0..<tokens).flatMap { row in (0..<32).map { target.row(row)[$0] } }
            }
            #expect((found[0] != found[1]) == (pays && hasKernel))
            #expect(largestError(found[1], found[0].map(Double.init)) < 0.012)
        }
    }
}

/// Queries, keys and values of one head, each row-major.
private struct HeadOfNumbers {
    let width: Int
    var queries: [Float]
    var keys: [Float]
    var values: [Float]

    init(queries: Int, keys: Int, width: Int) {
        var numbers = SeededNumbers(seed: UInt64(queries * 1000 + keys + width))
        self.width = width
        self.queries = numbers.floats(queries * width)
        self.keys = numbers.floats(keys * width)
        values = numbers.floats(keys * width)
    }

    /// What `attention` makes of them, and of nothing else around them.
    func attended(_ attention: (AttentionHead) -> Void, runs: [Range<Int>]? = nil) -> [Float] {
        let (queryCount, keyCount) = (queries.count / width, keys.count / width)
        let stride = 3 * width + 7
        // Numbers that belong to nobody are no numbers.
        var rows = [Float](repeating: .nan, count: max(queryCount, keyCount) * stride + 64)
        for (third, numbers) in [queries, keys, values].enumerated() {
            for (index, number) in numbers.enumerated() {
                rows[index / width * stride + third * width + index % width] = number
            }
        }
        let targetStride = width + 3
        var target = [Float](repeating: 1234, count: queryCount * targetStride + 64)
        rows.withUnsafeBufferPointer { rows in
            target.withUnsafeMutableBufferPointer { target in
                (runs ?? [0..<keyCount]).withUnsafeBufferPointer { runs in
                    let all = Rows(rows.baseAddress!, stride: stride, count: max(queryCount, keyCount))
                    attention(
                        AttentionHead(
                            all[0..<queryCount], keys: all.columns(from: width), values: all.columns(from: 2 * width),
                            keyRows: runs, headWidth: width, scale: 1 / Float(width).squareRoot(),
                            causalPosition: nil,
                            target: MutableRows(target.baseAddress!, stride: targetStride, count: queryCount)))
                }
            }
        }
        for index in target.indices where index >= queryCount * targetStride || index % targetStride >= width {
            #expect(target[index] == 1234)
        }
        return (0..<queryCount * width).map { target[$0 / width * targetStride + $0 % width] }
    }
}
