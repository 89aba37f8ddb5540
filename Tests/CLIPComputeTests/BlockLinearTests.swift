import CLIPTestSupport
import Testing

@testable import CLIPCompute

@Suite struct BlockLinearTests {
    typealias Arithmetic = SixteenBitArithmetic

    /// Inputs: pairs and blocks that are full and not.
    static let depths = [1, 2, 3, 15, 16, 17, 127, 128, 129, 255, 300, 588, 768]
    static let outputCounts = [1, 15, 16, 17, 33, 48]

    /// Rows that are hard to quantise.
    static func rows(of columns: Int) -> [[Float]] {
        var numbers = SeededNumbers(seed: UInt64(columns))
        let signed = numbers.floats(columns)
        func changed(_ value: Float) -> [Float] {
            var row = signed
            row[columns * 2 / 3] = value
            return row
        }
        return [
            signed, signed.map(abs), signed.map { $0 * 1e20 }, signed.map { $0 * 1e-28 }, signed.map { $0 * 1e-35 },
            signed.map { $0 * 1e-40 }, signed.map { $0 > 0 ? 3 : -3 }, Array(repeating: 0, count: columns),
            Array(repeating: -.greatestFiniteMagnitude, count: columns), changed(1000), changed(1e30),
            changed(.infinity), changed(-.infinity), changed(.nan), changed(-.nan), changed(.leastNonzeroMagnitude),
            // Halves of a step: ties go to even.
            (0..<columns).map { $0 % 128 == 0 ? 4095 : Float($0 % 128) + 0.5 },
        ]
    }

    @Test(arguments: InstructionSet.available, depths + [2730, 4304])
    func `Rows become the numbers of the specification`(_ instructionSet: InstructionSet, _ columns: Int) {
        let kernels = instructionSet.kernels.layers.int16
        for row in BlockLinearTests.rows(of: columns) {
            let expected = Arithmetic.blocks(row)
            let pairs = (columns + 1) / 2
            var words = [Int32](repeating: -1, count: pairs + 8)
            var scales = [Float](repeating: -1, count: expected.count)
            words.withUnsafeMutableBufferPointer { words in
                scales.withUnsafeMutableBufferPointer { scales in
                    kernels.quantise(row, columns, .init(words: words.baseAddress!, scales: scales.baseAddress!))
                }
            }
            let found = words.prefix(pairs).flatMap { [Int(Int16(truncatingIfNeeded: $0)), Int($0 >> 16)] }
            // Behind an odd number of inputs stands a zero.
            let numbers = expected.flatMap(\.numbers) + (columns % 2 == 1 ? [0] : [])
            #expect(found == numbers)
            #expect(zip(scales, expected).allSatisfy { areSame($0, $1.scale) })
        }
    }

    @Test(arguments: eachInstructionSet, LinearActivation.allCases)
    func `Layers equal the specification to the bit`(_ compute: Compute, _ activation: LinearActivation) {
        for (index, depth) in BlockLinearTests.depths.enumerated() {
            let outputs = BlockLinearTests.outputCounts[index % BlockLinearTests.outputCounts.count]
            var numbers = SeededNumbers(seed: UInt64(depth))
            let input = (0..<index * 5 % 40 + 1).map { _ in numbers.floats(depth).map { $0 * 3 } }
            check(compute, input, outputs: outputs, activation, &numbers)
        }
    }

    @Test(arguments: everyCompute)
    func `Any number of rows and of threads gives the same`(_ compute: Compute) {
        for rows in 1...40 {
            var numbers = SeededNumbers(seed: UInt64(rows))
            check(compute, (0..<rows).map { _ in numbers.floats(140) }, outputs: 35, .identity, &numbers)
        }
    }

    /// Rows beyond what a task keeps in a cache.
    @Test func `Many rows are cut into tasks`() throws {
        var numbers = SeededNumbers(seed: 10)
        let input = (0..<300).map { _ in numbers.floats(1000) }
        check(try Compute(threads: 2), input, outputs: 20, .identity, &numbers)
    }

    @Test(arguments: eachInstructionSet)
    func `Hard rows spoil no others`(_ compute: Compute) {
        for columns in [16, 129, 300] {
            var numbers = SeededNumbers(seed: 4)
            check(compute, BlockLinearTests.rows(of: columns), outputs: 18, .quickGELU, &numbers)
        }
    }

    /// The largest sum that a block can have, 4095² · 128, just fits.
    @Test(arguments: eachInstructionSet)
    func `Extremes do not overflow`(_ compute: Compute) {
        for sign: Float in [1, -1] {
            let row = [Float](repeating: 2, count: 256)
            let weights = PanelPackedMatrix(
                row.map { $0 * sign }, outputs: 1, inputs: 256, elementType: .int16)
            let found = linear(compute, row, weights, bias: [0], rows: 1)
            #expect(abs(found[0] - 1024 * sign) < 1e-3)
        }
    }

    @Test(arguments: eachInstructionSet)
    func `An infinite input makes its row no numbers, and no other`(_ compute: Compute) {
        var numbers = SeededNumbers(seed: 6)
        var input = numbers.floats(3 * 200)
        input[200 + 150] = .infinity
        let weights = PanelPackedMatrix(numbers.floats(20 * 200), outputs: 20, inputs: 200, elementType: .int16)
        for activation in LinearActivation.allCases {
            let found = linear(
                compute, input, weights, bias: numbers.floats(20), rows: 3, activation: activation)
            #expect(found.indices.allSatisfy { found[$0].isNaN == (20..<40).contains($0) })
        }
    }

    /// Channels and tokens far larger than the others, as trained models have them.
    @Test func `Outliers keep the error small`() throws {
        let (rows, inputs, outputs) = (40, 768, 64)
        var numbers = SeededNumbers(seed: 12)
        let values = numbers.floats(outputs * inputs)
        let weights = PanelPackedMatrix(values, outputs: outputs, inputs: inputs, elementType: .int16)
        let plain = numbers.floats(rows * inputs)
        func error(_ change: (_ row: Int, _ column: Int) -> Float) throws -> Double {
            let input = plain.indices.map { plain[$0] * change($0 / inputs, $0 % inputs) }
            let found = linear(
                try Compute(threads: 1), input, weights, bias: Array(repeating: 0, count: outputs), rows: rows)
            let expected = Reference.linear(
                input, values, bias: Array(repeating: 0, count: outputs), rows: rows, outputs: outputs)
            // Relative to each row: a large one must not hide the others.
            return (0..<rows).map { row in
                let range = row * outputs..<(row + 1) * outputs
                let difference = range.reduce(0.0) { sum, index in
                    let difference = Double(found[index]) - expected[index]
                    return sum + difference * difference
                }
                return (difference / range.reduce(0.0) { $0 + expected[$1] * expected[$1] }).squareRoot()
            }.max()!
        }
        let outliers = [3, 200, 450, 700]
        #expect(try error { _, _ in 1 } < 3e-4)
        #expect(try error { outliers.contains($1) ? 30 : 1 } < 3e-3)
        #expect(try error { outliers.contains($1) ? 100 : 1 } < 3e-3)
        #expect(try error { row, _ in row == 7 ? 1000 : 1 } < 3e-4)
        #expect(try error { _, _ in 1e-25 } < 3e-4)
    }

    // MARK: -

    /// Computes a layer of random weights, bias and residual, and compares each number.
    private func check(
        _ compute: Compute, _ input: [[Float]], outputs: Int, _ activation: LinearActivation,
        _ numbers: inout SeededNumbers
    ) {
        let inputs = input[0].count
        let values = numbers.floats(outputs * inputs)
        let bias = numbers.floats(outputs)
        let residual = input.map { _ in numbers.floats(outputs) }
        let weights = PanelPackedMatrix(values, outputs: outputs, inputs: inputs, elementType: .int16)
        let found = linear(
            compute, input.flatMap { $0 }, weights, bias: bias, rows: input.count, activation: activation,
            residual: residual.flatMap { $0 })
        let columns = (0..<outputs).map { Arithmetic.weights(Array(values[$0 * inputs..<($0 + 1) * inputs])) }
        let expected = Arithmetic.linear(
            input, columns, bias: bias, activation: activation, residual: residual
        ).flatMap { $0 }
        #expect(zip(found, expected).allSatisfy(areSame), "\(input.count) × \(inputs) × \(outputs)")
    }
}

/// Whether two numbers are the same to the bit, all that are no numbers being one.
func areSame(_ a: Float, _ b: Float) -> Bool { a.bitPattern == b.bitPattern || a.isNaN && b.isNaN }
