@testable import CLIPCompute
import CLIPTestSupport
import Testing

@Suite struct LinearTests {
    /// Rows, inputs, outputs: tiles that are full, empty but for one, and everything between.
    static let shapes: [(Int, Int, Int)] = [
        (1, 1, 1), (1, 7, 16), (2, 16, 17), (3, 5, 15), (4, 9, 31), (5, 33, 32), (6, 12, 33), (7, 64, 47), (8, 3, 48),
        (9, 10, 64), (10, 1, 65), (11, 31, 20), (12, 8, 96), (13, 17, 5), (15, 15, 16), (16, 16, 15), (17, 17, 130),
        (25, 100, 40), (50, 96, 70), (257, 20, 36), (600, 4, 3),
    ]

    @Test(arguments: eachInstructionSet, [PanelPackedMatrix.ElementType.float32, .float16])
    func `Matches the reference`(_ compute: Compute, _ elementType: PanelPackedMatrix.ElementType) {
        for (rows, inputs, outputs) in LinearTests.shapes {
            var numbers = SeededNumbers(seed: UInt64(rows * 1000 + outputs))
            let input = numbers.floats(rows * inputs)
            var values = numbers.floats(outputs * inputs)
            if elementType == .float16 { values = values.map { rounded($0) } }
            let bias = numbers.floats(outputs)
            let weights = PanelPackedMatrix(values, outputs: outputs, inputs: inputs, elementType: elementType)
            let found = linear(compute, input, weights, bias: bias, rows: rows)
            let expected = Reference.linear(input, values, bias: bias, rows: rows, outputs: outputs)
            #expect(largestError(found, expected) < 1e-6, "\(rows) × \(inputs) × \(outputs)")
        }
    }

    @Test(arguments: eachInstructionSet, LinearActivation.allCases)
    func `Adds the residual, then activates`(_ compute: Compute, _ activation: LinearActivation) {
        for (rows, inputs, outputs) in [(1, 2, 16), (3, 5, 17), (13, 40, 33), (31, 8, 64)] {
            var numbers = SeededNumbers(seed: 77)
            let input = numbers.floats(rows * inputs).map { $0 * 4 }
            let values = numbers.floats(outputs * inputs)
            let bias = numbers.floats(outputs)
            let residual = numbers.floats(rows * outputs)
            let weights = PanelPackedMatrix(values, outputs: outputs, inputs: inputs)
            let found = linear(
                compute, input, weights, bias: bias, rows: rows, activation: activation, residual: residual)
            let sums = Reference.linear(input, values, bias: bias, rows: rows, outputs: outputs)
            let expected = zip(sums, residual).map { Reference.activate(activation, $0 + Double($1)) }
            #expect(largestError(found, expected) < 1e-6, "\(rows) × \(inputs) × \(outputs)")
        }
    }

    @Test(arguments: InstructionSet.available, [PanelPackedMatrix.ElementType.float32, .float16, .int8])
    func `Two layers after one another are the same to the bit for any threads`(
        _ instructionSet: InstructionSet, _ elementType: PanelPackedMatrix.ElementType
    ) throws {
        // So many rows that one thread takes some at a time through both layers, and eight don't.
        let (rows, width, hidden) = (2000, 24, 40)
        var numbers = SeededNumbers(seed: 13)
        let first = Linear(
            PanelPackedMatrix(numbers.floats(hidden * width), outputs: hidden, inputs: width, elementType: elementType),
            bias: ParameterVector(numbers.floats(hidden)))
        let second = Linear(
            PanelPackedMatrix(numbers.floats(width * hidden), outputs: width, inputs: hidden, elementType: elementType),
            bias: ParameterVector(numbers.floats(width)))
        let input = Activations(rows: rows, columns: width)
        for row in 0..<rows { input.row(row).update(from: numbers.floats(width), count: width) }
        let found = try [1, 8].map { threads in
            let target = Activations(rows: rows, columns: width)
            let compute = try Compute(instructionSet: instructionSet, threads: threads)
            compute.linear(first, .gelu, second, input, addedTo: target)
            return (0..<rows).map { row in (0..<width).map { target.row(row)[$0] } }
        }
        #expect(found[0] == found[1])
        let middle = Activations(rows: rows, columns: hidden)
        let apart = Activations(rows: rows, columns: width)
        let compute = try Compute(instructionSet: instructionSet, threads: 1)
        compute.linear([LinearProduct(first, input, into: middle, activation: .gelu)])
        compute.linear([LinearProduct(second, middle, addedTo: apart)])
        #expect(found[0] == (0..<rows).map { row in (0..<width).map { apart.row(row)[$0] } })
    }

    @Test(arguments: InstructionSet.available, [PanelPackedMatrix.ElementType.float32, .float16])
    func `Is the same to the bit for any rows and threads`(
        _ instructionSet: InstructionSet, _ elementType: PanelPackedMatrix.ElementType
    ) throws {
        let (inputs, outputs) = (75, 83)
        var numbers = SeededNumbers(seed: 9)
        let input = numbers.floats(32 * inputs)
        let weights = PanelPackedMatrix(
            numbers.floats(outputs * inputs), outputs: outputs, inputs: inputs, elementType: elementType)
        let bias = numbers.floats(outputs)
        let one = try Compute(instructionSet: instructionSet, threads: 1)
        let alone = (0..<32).flatMap { row in
            linear(one, Array(input[row * inputs..<(row + 1) * inputs]), weights, bias: bias, rows: 1)
        }
        for threads in [1, 2, 3, 8] {
            let compute = try Compute(instructionSet: instructionSet, threads: threads)
            for rows in [7, 19, 32] {
                let found = linear(compute, Array(input[..<(rows * inputs)]), weights, bias: bias, rows: rows)
                #expect(found == Array(alone[..<(rows * outputs)]), "\(rows) rows, \(threads) threads")
            }
        }
    }

    @Test(arguments: eachInstructionSet)
    func `Runs several products in one pass`(_ compute: Compute) {
        var numbers = SeededNumbers(seed: 3)
        let (rows, inputs) = (14, 24)
        let input = numbers.floats(rows * inputs)
        let sizes = [5, 40, 16]
        let values = sizes.map { numbers.floats($0 * inputs) }
        let target = Activations(rows: rows, columns: sizes.reduce(0, +))
        var column = 0
        input.withUnsafeBufferPointer { input in
            compute.linear(
                zip(sizes, values).map { size, values in
                    defer { column += size }
                    return LinearProduct(
                        Linear(PanelPackedMatrix(values, outputs: size, inputs: inputs)),
                        Rows(input.baseAddress!, stride: inputs, count: rows),
                        into: target.all.columns(from: column))
                })
        }
        column = 0
        for (size, values) in zip(sizes, values) {
            let expected = Reference.linear(
                input, values, bias: Array(repeating: 0, count: size), rows: rows, outputs: size)
            let found = (0..<rows).flatMap { row in (0..<size).map { target.row(row)[column + $0] } }
            #expect(largestError(found, expected) < 1e-6)
            column += size
        }
    }

    @Test(arguments: eachInstructionSet)
    func `Widens every half`(_ compute: Compute) {
        // Sixteen columns of 4096 numbers hold every pattern once; a row of zeros and one 1 picks them out.
        let halves = (0..<65536).map { Float16(bitPattern: UInt16($0)) }
        let values = halves.map { $0.isFinite ? Float($0) : 0 }
        let weights = PanelPackedMatrix(values, outputs: 16, inputs: 4096, elementType: .float16)
        for k in stride(from: 0, to: 4096, by: 117) {
            var input = [Float](repeating: 0, count: 4096)
            input[k] = 1
            let found = linear(compute, input, weights, bias: Array(repeating: 0, count: 16), rows: 1)
            #expect(found == (0..<16).map { values[$0 * 4096 + k] })
        }
    }

    private func rounded(_ value: Float) -> Float { Float(Float16(value)) }
}
