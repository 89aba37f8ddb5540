import struct CLIPKernels.LevelRows
import struct CLIPKernels.LinearOutput
import struct CLIPKernels.RowScale
import struct CLIPKernels.WeightPanels
import func CLIPKernels.evenBlock
@testable import CLIPCompute
import CLIPTestSupport
import Testing

@Suite struct QuantisedLinearTests {
    /// Inputs: groups of four that are full and not, one group, and many.
    static let depths = [1, 2, 3, 4, 5, 7, 16, 30, 33, 64, 101, 260]
    static let outputCounts = [1, 15, 16, 17, 31, 33, 48, 70]

    @Test(arguments: InstructionSet.available)
    func `Sums are exact`(_ instructionSet: InstructionSet) {
        for depth in QuantisedLinearTests.depths {
            for (index, outputs) in QuantisedLinearTests.outputCounts.enumerated() {
                var numbers = SeededNumbers(seed: UInt64(depth * 100 + outputs))
                let rows = (depth * 7 + index * 11) % 40 + 1
                let levels = (0..<rows * depth).map { _ in Int32((numbers.next() + 1) * 127.5) }
                let weights = (0..<outputs * depth).map { _ in Int8(numbers.next() * 127) }
                expectExactSums(instructionSet, levels, weights, rows: rows, outputs: outputs)
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func `Every number of rows is exact`(_ instructionSet: InstructionSet) {
        var numbers = SeededNumbers(seed: 40)
        let (depth, outputs) = (21, 35)
        let weights = (0..<outputs * depth).map { _ in Int8(numbers.next() * 127) }
        for rows in 1...40 {
            let levels = (0..<rows * depth).map { _ in Int32((numbers.next() + 1) * 127.5) }
            expectExactSums(instructionSet, levels, weights, rows: rows, outputs: outputs)
        }
    }

    /// The products that 16-bit sums of 8-bit products would cut off, of the largest weights that there are.
    @Test(arguments: InstructionSet.available)
    func `Extremes do not saturate`(_ instructionSet: InstructionSet) {
        for depth in [4, 7, 64, 3072] {
            for weight in [Int8(-127), 127] {
                for level in [Int32(0), 127, 128, 255] {
                    let (rows, outputs) = (3, 17)
                    expectExactSums(
                        instructionSet, Array(repeating: level, count: rows * depth),
                        Array(repeating: weight, count: outputs * depth), rows: rows, outputs: outputs)
                }
            }
            // Signs that alternate within a pair and within a group.
            let (rows, outputs) = (7, 18)
            let weights = (0..<outputs * depth).map { Int8([127, -127, -127, 127, 127][$0 % 5]) }
            let levels = (0..<rows * depth).map { Int32([255, 0, 255][$0 % 3]) }
            expectExactSums(instructionSet, levels, weights, rows: rows, outputs: outputs)
        }
    }

    /// Levels, scale and zero of rows, against the definition.
    @Test(arguments: InstructionSet.available)
    func `Quantises rows by their range`(_ instructionSet: InstructionSet) {
        for columns in [1, 3, 4, 15, 16, 17, 64, 75, 768] {
            var numbers = SeededNumbers(seed: UInt64(columns))
            let signed = numbers.floats(columns).map { $0 * 9 }
            let rows = [
                signed, signed.map(abs), signed.map { -abs($0) }, signed.map { $0 + 40 }, signed.map { $0 * 1e-20 },
                signed.map { $0 * 1e20 }, Array(repeating: 0, count: columns), Array(repeating: -3, count: columns),
            ]
            let found = quantise(instructionSet, rows)
            for (row, (levels, scale)) in zip(rows, found) {
                let low = min(0, row.min()!), high = max(0, row.max()!)
                #expect(scale.scale == (high - low) / 255)
                #expect((0...255).contains(scale.zero))
                #expect(levels.allSatisfy { (0...255).contains($0) })
                for (value, level) in zip(row, levels) {
                    let back = Double(scale.scale) * Double(level - scale.zero)
                    #expect(abs(back - Double(value)) <= Double(scale.scale) * 1.001, "\(columns): \(value), \(level)")
                }
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func `A row has the same levels in every tile`(_ instructionSet: InstructionSet) {
        for columns in [1, 5, 16, 30, 77] {
            var numbers = SeededNumbers(seed: UInt64(columns))
            let rows = (0..<12).map { _ in numbers.floats(columns) }
            let alone = rows.map { quantise(instructionSet, [$0])[0] }
            for count in 2...12 {
                let found = quantise(instructionSet, Array(rows.prefix(count)))
                for (row, expected) in zip(found, alone) {
                    #expect(row.levels == expected.levels, "\(count) rows of \(columns)")
                    #expect(row.scale.scale == expected.scale.scale && row.scale.zero == expected.scale.zero)
                }
            }
        }
    }

    @Test func `Every instruction set finds the same levels`() {
        var numbers = SeededNumbers(seed: 5)
        // Halves of a step among them: the tie is rounded alike.
        let rows = (0..<20).map { _ in numbers.floats(200) } + [(0..<256).map { Float($0) / 2 }]
        for row in rows {
            let expected = quantise(.baseline, [row])[0]
            for instructionSet in InstructionSet.available {
                let found = quantise(instructionSet, [row])[0]
                #expect(found.levels == expected.levels)
                #expect(found.scale.scale == expected.scale.scale && found.scale.zero == expected.scale.zero)
            }
        }
    }

    @Test(arguments: eachInstructionSet, LinearActivation.allCases)
    func `Is close to the layer in floats`(_ compute: Compute, _ activation: LinearActivation) {
        for (rows, inputs, outputs) in [(1, 64, 16), (3, 75, 17), (13, 300, 33), (50, 768, 70)] {
            var numbers = SeededNumbers(seed: 77)
            let input = numbers.floats(rows * inputs).map { $0 + 0.3 }
            // Sums that reach as far as every activation tells numbers apart.
            let drawn = numbers.floats(outputs * inputs)
            let largest =
                Reference.linear(
                    input, drawn, bias: [Float](repeating: 0, count: outputs), rows: rows, outputs: outputs
                )
                .map(abs).max() ?? 1
            let values = drawn.map { $0 * Float(5 / largest) }
            let bias = numbers.floats(outputs)
            let residual = numbers.floats(rows * outputs)
            let weights = PanelPackedMatrix(values, outputs: outputs, inputs: inputs, elementType: .int8)
            let found = linear(
                compute, input, weights, bias: bias, rows: rows, activation: activation, residual: residual)
            let sums = Reference.linear(input, values, bias: bias, rows: rows, outputs: outputs)
            let expected = zip(sums, residual).map { Reference.activate(activation, $0 + Double($1)) }
            #expect(largestError(found, expected) < 0.02, "\(rows) × \(inputs) × \(outputs)")
        }
    }

    @Test(arguments: InstructionSet.available)
    func `Is the same to the bit for any rows and threads`(_ instructionSet: InstructionSet) throws {
        let (inputs, outputs) = (75, 83)
        var numbers = SeededNumbers(seed: 9)
        let input = numbers.floats(32 * inputs)
        let weights = PanelPackedMatrix(
            numbers.floats(outputs * inputs), outputs: outputs, inputs: inputs, elementType: .int8)
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

    /// Rows beyond what a task keeps in a cache.
    @Test func `Many rows are cut into tasks`() throws {
        let (rows, inputs, outputs) = (700, 1000, 20)
        var numbers = SeededNumbers(seed: 10)
        let input = numbers.floats(rows * inputs)
        let weights = PanelPackedMatrix(
            numbers.floats(outputs * inputs), outputs: outputs, inputs: inputs, elementType: .int8)
        let bias = numbers.floats(outputs)
        let compute = try Compute(threads: 2)
        let found = linear(compute, input, weights, bias: bias, rows: rows)
        for row in [0, 1, 349, 350, 698, 699] {
            let alone = linear(
                compute, Array(input[row * inputs..<(row + 1) * inputs]), weights, bias: bias, rows: 1)
            #expect(alone == Array(found[row * outputs..<(row + 1) * outputs]))
        }
    }

    @Test(arguments: eachInstructionSet)
    func `Mixes element types in one pass`(_ compute: Compute) {
        var numbers = SeededNumbers(seed: 3)
        let (rows, inputs, outputs) = (14, 24, 20)
        let input = numbers.floats(rows * inputs)
        let values = numbers.floats(outputs * inputs)
        let types: [PanelPackedMatrix.ElementType] = [.int8, .float32, .int8, .int16]
        let target = Activations(rows: rows, columns: types.count * outputs)
        input.withUnsafeBufferPointer { input in
            compute.linear(
                types.enumerated().map { index, type in
                    LinearProduct(
                        Linear(PanelPackedMatrix(values, outputs: outputs, inputs: inputs, elementType: type)),
                        Rows(input.baseAddress!, stride: inputs, count: rows),
                        into: target.all.columns(from: index * outputs))
                })
        }
        let expected = Reference.linear(
            input, values, bias: Array(repeating: 0, count: outputs), rows: rows, outputs: outputs)
        for (index, type) in types.enumerated() {
            let found = (0..<rows).flatMap { row in (0..<outputs).map { target.row(row)[index * outputs + $0] } }
            #expect(largestError(found, expected) < [.int8: 0.02, .int16: 1e-3][type] ?? 1e-6)
        }
    }

    @Test func `An infinite input is not hidden`() throws {
        for instructionSet in InstructionSet.available {
            let compute = try Compute(instructionSet: instructionSet, threads: 1)
            var input = [Float](repeating: 1, count: 40)
            input[17] = .infinity
            let weights = PanelPackedMatrix(
                Array(repeating: 1, count: 40), outputs: 1, inputs: 40, elementType: .int8)
            let found = linear(compute, input, weights, bias: [0], rows: 1)
            #expect(!found[0].isFinite)
        }
    }

    // MARK: -

    /// Runs the kernel on levels as they stand, zero 3, scales 1, and compares with whole-number arithmetic.
    private func expectExactSums(
        _ instructionSet: InstructionSet, _ levels: [Int32], _ weights: [Int8], rows: Int, outputs: Int
    ) {
        let depth = levels.count / rows
        let kernels = instructionSet.kernels.layers.int8
        let groups = PanelPackedMatrix.groupCount(inputs: depth, .int8)
        let padded = PanelPackedMatrix.paddedOutputs(outputs)
        var panels = [Int8](repeating: 0, count: padded * groups * 4)
        var sums = [Int32](repeating: 0, count: padded)
        for output in 0..<outputs {
            for k in 0..<depth {
                let weight = weights[output * depth + k]
                panels[((output / 16 * groups + k / 4) * 16 + output % 16) * 4 + k % 4] = weight
                sums[output] += Int32(weight)
            }
        }
        let tileCount = (rows + kernels.tileRows - 1) / kernels.tileRows
        var words: [Int32] = []
        for tile in 0..<tileCount {
            let range = evenBlock(tile, of: tileCount, rows: rows)
            for group in 0..<groups {
                for step in 0..<kernels.steps {
                    for row in range {
                        // Garbage behind the last level must not count.
                        let four: [Int32] = (0..<4).map { k in
                            let level = group * 4 + k < depth ? levels[row * depth + group * 4 + k] : 255
                            return level + kernels.leastLevel
                        }
                        // Four bytes, or two words of sixteen bits.
                        let parts = kernels.steps == 1 ? four : [four[step], 0, four[step + 2], 0]
                        words.append(parts.reversed().reduce(0) { word, part in word << 8 | part & 255 })
                    }
                }
            }
        }
        let rowScales = [RowScale](repeating: RowScale(scale: 1, zero: 3 + kernels.leastLevel), count: rows)
        let scales = [Float](repeating: 1, count: padded)
        var target = [Float](repeating: 1234, count: rows * outputs + 64)
        words.withUnsafeBufferPointer { words in
            rowScales.withUnsafeBufferPointer { rowScales in
                let input = LevelRows(
                    words: words.baseAddress!, scales: rowScales.baseAddress!, count: rows, tileCount: tileCount)
                panels.withUnsafeBytes { panels in
                    scales.withUnsafeBufferPointer { scales in
                        sums.withUnsafeBufferPointer { sums in
                            let weights = WeightPanels(
                                panels.baseAddress!, .int8, depth: depth, columns: outputs, scales: scales.baseAddress!,
                                sums: sums.baseAddress!)
                            target.withUnsafeMutableBufferPointer { target in
                                kernels.linear(
                                    input, 0..<tileCount, weights,
                                    LinearOutput(MutableRows(target.baseAddress!, stride: outputs, count: rows)))
                            }
                        }
                    }
                }
            }
        }
        let expected = (0..<rows * outputs).map { index in
            let (row, output) = index.quotientAndRemainder(dividingBy: outputs)
            var sum = 0
            for k in 0..<depth { sum += (Int(levels[row * depth + k]) - 3) * Int(weights[output * depth + k]) }
            return Float(sum)
        }
        #expect(Array(target.dropLast(64)) == expected, "\(rows) × \(depth) × \(outputs)")
        #expect(target.suffix(64).allSatisfy { $0 == 1234 })
    }

    /// The levels of rows that are quantised as one tile, in the rows' order.
    private func quantise(
        _ instructionSet: InstructionSet, _ rows: [[Float]]
    ) -> [(levels: [Int32], scale: RowScale)] {
        let kernels = instructionSet.kernels.layers.int8
        let columns = rows[0].count
        let wordCount = PanelPackedMatrix.groupCount(inputs: columns, .int8) * kernels.steps
        var words = [Int32](repeating: 0, count: rows.count * wordCount)
        var scales = [RowScale](repeating: RowScale(scale: 0, zero: 0), count: rows.count)
        let input = rows.flatMap { $0 }
        input.withUnsafeBufferPointer { input in
            kernels.quantise(
                Rows(input.baseAddress!, stride: columns, count: rows.count), columns, &words, &scales)
        }
        return rows.indices.map { row in
            let levels = (0..<columns).map { column in
                let (group, place) = column.quotientAndRemainder(dividingBy: 4)
                guard kernels.steps == 2 else {
                    return (words[group * rows.count + row] >> (8 * Int32(place)) - kernels.leastLevel) & 255
                }
                return words[(group * 2 + place % 2) * rows.count + row] >> (16 * Int32(place / 2)) & 0xFFFF
            }
            return (levels, RowScale(scale: scales[row].scale, zero: scales[row].zero - kernels.leastLevel))
        }
    }
}
