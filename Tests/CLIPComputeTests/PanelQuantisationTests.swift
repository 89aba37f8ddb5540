@testable import CLIPCompute
import CLIPTestSupport
import Testing

@Suite struct PanelQuantisationTests {
    @Test(arguments: [PanelPackedMatrix.ElementType.float32, .float16])
    func `Rounds to the column's scale`(_ elementType: PanelPackedMatrix.ElementType) throws {
        for (outputs, inputs) in [(1, 1), (5, 3), (16, 4), (17, 9), (40, 30)] {
            var numbers = SeededNumbers(seed: UInt64(outputs))
            var values = numbers.floats(outputs * inputs)
            if elementType == .float16 { values = values.map { Float(Float16($0)) } }
            // A column of zeros divides by nothing.
            for input in 0..<inputs where outputs > 1 { values[inputs + input] = 0 }
            let matrix = PanelPackedMatrix(values, outputs: outputs, inputs: inputs, elementType: elementType)
            let quantised = matrix.quantised(as: .int8)
            defer { withExtendedLifetime(quantised) {} }
            let scales = try #require(quantised.columnScales)
            let sums = try #require(scales.sums)
            let groups = (inputs + 3) / 4
            #expect(quantised.bytes.count == (outputs + 15) / 16 * groups * 64)
            var total = 0
            for output in 0..<outputs {
                let row = values[output * inputs..<(output + 1) * inputs]
                let largest = row.reduce(0) { max($0, abs($1)) }
                #expect(scales.scales[output] == max(largest / 127, .leastNormalMagnitude))
                var sum = 0
                for (input, value) in row.enumerated() {
                    let offset = ((output / 16 * groups + input / 4) * 16 + output % 16) * 4 + input % 4
                    let number = Int(quantised.bytes.load(fromByteOffset: offset, as: Int8.self))
                    #expect(number == Int((value / scales.scales[output]).rounded(.toNearestOrEven)))
                    sum += number
                    total += abs(number)
                }
                #expect(Int(sums[output]) == sum)
            }
            // Everything else is padding.
            #expect(quantised.bytes.reduce(0) { $0 + abs(Int(Int8(bitPattern: $1))) } == total)
        }
    }

    @Test func `Columns of 16 bits hold the numbers of the specification`() throws {
        for (outputs, inputs) in [(1, 1), (5, 3), (16, 4), (17, 9), (40, 30)] {
            var numbers = SeededNumbers(seed: UInt64(outputs))
            var values = numbers.floats(outputs * inputs)
            for input in 0..<inputs where outputs > 1 { values[inputs + input] = 0 }
            let matrix = PanelPackedMatrix(values, outputs: outputs, inputs: inputs, elementType: .int16)
            defer { withExtendedLifetime(matrix) {} }
            let scales = try #require(matrix.columnScales)
            let pairs = (inputs + 1) / 2
            var expected = [Int16](repeating: 0, count: (outputs + 15) / 16 * pairs * 32)
            for output in 0..<outputs {
                let column = SixteenBitArithmetic.weights(Array(values[output * inputs..<(output + 1) * inputs]))
                #expect(scales.scales[output] == column.scale)
                for (input, number) in column.numbers.enumerated() {
                    expected[((output / 16 * pairs + input / 2) * 16 + output % 16) * 2 + input % 2] = Int16(number)
                }
            }
            #expect(Array(matrix.bytes.bindMemory(to: Int16.self)) == expected)
        }
    }

    @Test(arguments: [PanelPackedMatrix.ElementType.int8, .int16])
    func `Widens back`(_ type: PanelPackedMatrix.ElementType) throws {
        let (outputs, inputs) = (19, 11)
        var numbers = SeededNumbers(seed: 1)
        let quantised = PanelPackedMatrix(
            numbers.floats(outputs * inputs), outputs: outputs, inputs: inputs, elementType: type)
        let widened = quantised.dequantised()
        #expect(widened.elementType == .float32)
        let again = widened.quantised(as: type)
        withExtendedLifetime((quantised, widened, again)) {
            #expect(Array(again.bytes) == Array(quantised.bytes))
            #expect(quantised.quantised(as: type).bytes.baseAddress == quantised.bytes.baseAddress)
            #expect(widened.dequantised().bytes.baseAddress == widened.bytes.baseAddress)
        }
    }
}
