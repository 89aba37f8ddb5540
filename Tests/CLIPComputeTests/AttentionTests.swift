@testable import CLIPCompute
import CLIPTestSupport
import Testing

@Suite struct AttentionTests {
    struct Kind: CustomTestStringConvertible {
        var isCausal: Bool
        var isWhole: Bool

        static let all = [false, true].flatMap { isWhole in
            [true, false].map { Kind(isCausal: $0, isWhole: isWhole) }
        }

        var testDescription: String { "\(isCausal ? "causal" : "open"), \(isWhole ? "whole numbers" : "floats")" }
    }

    @Test(arguments: eachInstructionSet, Kind.all)
    func `Matches the reference`(_ compute: Compute, _ kind: Kind) {
        for (tokens, heads, width) in [
            (1, 1, 1), (2, 3, 5), (7, 2, 16), (16, 1, 17), (17, 2, 24), (31, 1, 64), (33, 2, 48), (50, 1, 64),
            (77, 1, 80),
            (130, 1, 20),
        ] {
            let input = self.input(tokens: tokens, heads: heads, width: width)
            let found = attend(compute, input, heads: heads, width: width, sequences: [0..<tokens], kind)
            for head in 0..<heads {
                let part = { (third: Int) -> [Float] in
                    (0..<tokens).flatMap { row in
                        (0..<width).map { input.row(row)[(third * heads + head) * width + $0] }
                    }
                }
                let expected = Reference.attention(
                    part(0), part(1), part(2), width: width, causalPosition: kind.isCausal ? 0 : nil)
                let head = (0..<tokens).flatMap { row in (0..<width).map { found.row(row)[head * width + $0] } }
                #expect(
                    largestError(head, expected) < (kind.isWhole ? 4e-4 : 2e-6), "\(tokens) tokens, head of \(width)")
            }
        }
    }

    @Test(arguments: InstructionSet.available, Kind.all)
    func `Is the same to the bit for any sequences, queries and threads`(
        _ instructionSet: InstructionSet, _ kind: Kind
    ) throws {
        let (heads, width) = (2, 24)
        let sequences = [0..<9, 9..<44, 44..<45, 45..<100]
        let input = self.input(tokens: 100, heads: heads, width: width)
        let one = try Compute(instructionSet: instructionSet, threads: 1)
        let alone = sequences.map {
            attend(one, input, heads: heads, width: width, sequences: [$0], kind)
        }
        let expected = zip(sequences, alone).flatMap { rows, result in bits(result, rows, width: heads * width) }
        for threads in [1, 2, 3, 8] {
            let compute = try Compute(instructionSet: instructionSet, threads: threads)
            let together = attend(compute, input, heads: heads, width: width, sequences: sequences, kind)
            #expect(bits(together, 0..<100, width: heads * width) == expected)
        }
        // One query alone, the last.
        let query = Activations(rows: 1, columns: heads * width)
        one.attention(
            [
                AttentionSequence(
                    queries: Rows(input.all[99..<100]), keyRows: [45..<100], causalPosition: kind.isCausal ? 54 : nil,
                    target: query.all)
            ], keys: Rows(input.all).columns(from: heads * width),
            values: Rows(input.all).columns(from: 2 * heads * width), heads: heads, headWidth: width,
            isWhole: kind.isWhole)
        #expect(bits(query, 0..<1, width: heads * width) == Array(expected.suffix(heads * width)))
    }

    @Test(arguments: InstructionSet.available, [[20, 7], [1, 2, 30, 1], [13, 12, 11], [40]])
    func `Runs of keys give the same bits as keys in one place`(_ instructionSet: InstructionSet, _ runs: [Int]) throws
    {
        for kind in Kind.all { try checkRuns(runs, instructionSet, kind) }
    }

    private func checkRuns(_ runs: [Int], _ instructionSet: InstructionSet, _ kind: Kind) throws {
        let (heads, width) = (2, 24)
        let tokens = runs.reduce(0, +)
        let input = self.input(tokens: tokens, heads: heads, width: width)
        let expected = attend(
            try Compute(instructionSet: instructionSet, threads: 1), input, heads: heads, width: width,
            sequences: [0..<tokens], kind)
        // The runs in the opposite order, a gap of one row before each.
        let scattered = Activations(rows: tokens + runs.count, columns: input.columns)
        var keyRows: [Range<Int>] = []
        var source = 0
        var end = scattered.rows
        for count in runs {
            keyRows.append(end - count..<end)
            for row in 0..<count {
                scattered.row(end - count + row).update(from: input.row(source + row), count: input.columns)
            }
            source += count
            end -= count + 1
        }
        for threads in [1, 3] {
            let compute = try Compute(instructionSet: instructionSet, threads: threads)
            let found = Activations(rows: tokens, columns: heads * width)
            var position = 0
            let sequences = keyRows.map { rows in
                defer { position += rows.count }
                return AttentionSequence(
                    queries: Rows(scattered.all[rows]), keyRows: keyRows,
                    causalPosition: kind.isCausal ? position : nil,
                    target: found.all[position..<position + rows.count])
            }
            compute.attention(
                sequences, keys: Rows(scattered.all).columns(from: heads * width),
                values: Rows(scattered.all).columns(from: 2 * heads * width), heads: heads, headWidth: width,
                isWhole: kind.isWhole)
            #expect(
                bits(found, 0..<tokens, width: heads * width) == bits(expected, 0..<tokens, width: heads * width))
        }
    }

    @Test(arguments: eachInstructionSet, [false, true])
    func `A late key changes no earlier query`(_ compute: Compute, _ isWhole: Bool) {
        let kind = Kind(isCausal: true, isWhole: isWhole)
        let input = self.input(tokens: 40, heads: 1, width: 16)
        let before = attend(compute, input, heads: 1, width: 16, sequences: [0..<40], kind)
        for column in 16..<48 { input.row(39)[column] = 1e30 }
        let after = attend(compute, input, heads: 1, width: 16, sequences: [0..<40], kind)
        #expect(bits(before, 0..<39, width: 16) == bits(after, 0..<39, width: 16))
    }

    @Test(arguments: eachInstructionSet, [false, true])
    func `Large scores stay finite`(_ compute: Compute, _ isWhole: Bool) {
        let input = self.input(tokens: 20, heads: 1, width: 8)
        for row in 0..<20 { for column in 0..<16 { input.row(row)[column] *= 1e4 } }
        let found = attend(
            compute, input, heads: 1, width: 8, sequences: [0..<20], Kind(isCausal: false, isWhole: isWhole))
        for row in 0..<20 { for column in 0..<8 { #expect(abs(found.row(row)[column]) <= 1.0005) } }
    }

    @Test(arguments: eachInstructionSet, [false, true])
    func `A bias by distance is added to scores that aren't divided`(_ compute: Compute, _ isWhole: Bool) {
        let (heads, width) = (2, 20)
        var numbers = SeededNumbers(seed: 3)
        let table = (0..<heads).map { _ in numbers.floats(2 * 90 + 1).map { 4 * $0 } }
        let bias = RelativeBias(heads: heads, reach: 90) { table[$0][$1 + 90] }
        // The sequence begins somewhere, and some of its rows are keys to none.
        for (first, unseen) in [(0, []), (3, [5]), (2, [2, 30, 31]), (9, [89])] {
            let rows = first..<90
            let seen = rows.filter { !unseen.contains($0) }
            let ends = unseen + [rows.upperBound]
            let keyRows = zip([first] + unseen.map { $0 + 1 }, ends).filter { $0 < $1 }.map { $0..<$1 }
            let input = self.input(tokens: 90, heads: heads, width: width)
            let target = Activations(rows: 90, columns: heads * width)
            compute.attention(
                [
                    AttentionSequence(
                        queries: Rows(input.all[rows]), keyRows: keyRows, causalPosition: nil, firstRow: first,
                        target: target.all[rows])
                ], keys: Rows(input.all).columns(from: heads * width),
                values: Rows(input.all).columns(from: 2 * heads * width), heads: heads, headWidth: width, scale: 1,
                bias: bias, isWhole: isWhole)
            for head in 0..<heads {
                func part(_ third: Int, _ row: Int) -> [Float] {
                    (0..<width).map { input.row(row)[(third * heads + head) * width + $0] }
                }
                let found = rows.flatMap { row in (0..<width).map { target.row(row)[head * width + $0] } }
                guard isWhole else {
                    let expected = Reference.attention(
                        rows.flatMap { part(0, $0) }, seen.flatMap { part(1, $0) }, seen.flatMap { part(2, $0) },
                        width: width, causalPosition: nil
                    ) { table[head][first + $0 - seen[$1] + 90] }
                    #expect(largestError(found, expected) < 4e-6, "from \(first)")
                    continue
                }
                let expected = rows.flatMap { row in
                    SixteenBitArithmetic.attention(
                        part(0, row), keys: seen.map { part(1, $0) }, values: seen.map { part(2, $0) },
                        bias: seen.map { table[head][row - $0 + 90] })
                }
                #expect(zip(found, expected).allSatisfy(areSame), "from \(first)")
            }
        }
    }

    private func input(tokens: Int, heads: Int, width: Int) -> Activations {
        var numbers = SeededNumbers(seed: UInt64(tokens + width))
        let input = Activations(rows: tokens, columns: 3 * heads * width)
        for row in 0..<tokens { for column in 0..<input.columns { input.row(row)[column] = numbers.next() } }
        return input
    }

    private func attend(
        _ compute: Compute, _ input: Activations, heads: Int, width: Int, sequences: [Range<Int>], _ kind: Kind
    ) -> Activations {
        let target = Activations(rows: input.rows, columns: heads * width)
        compute.attention(
            sequences.map { rows in
                AttentionSequence(
                    queries: Rows(input.all[rows]), keyRows: [rows], causalPosition: kind.isCausal ? 0 : nil,
                    target: target.all[rows])
            }, keys: Rows(input.all).columns(from: heads * width),
            values: Rows(input.all).columns(from: 2 * heads * width), heads: heads, headWidth: width,
            isWhole: kind.isWhole)
        return target
    }

    private func bits(_ matrix: Activations, _ rows: Range<Int>, width: Int) -> [UInt32] {
        rows.flatMap { row in (0..<width).map { matrix.row(row)[$0].bitPattern } }
    }
}
