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
            let quantised = matrix.quantised()
            defer { withExtendedLifetime(quantised) {} }
            let scales = try #require(quantised.columnScales)
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
                #expect(Int(scales.sums[output]) == sum)
            }
            // Everything else is padding.
            #expect(quantised.bytes.reduce(0) { $0 + abs(Int(Int8(bitPattern: $1))) } == total)
        }
    }

    @Test func `Widens back`() throws {
        let (outputs, inputs) = (19, 10)
        var numbers = SeededNumbers(seed: 1)
        let quantised = PanelPackedMatrix(
            numbers.floats(outputs * inputs), outputs: outputs, inputs: inputs, elementType: .int8)
        let widened = quantised.dequantised()
        #expect(widened.elementType == .float32)
        let again = widened.quantised()
        withExtendedLifetime((quantised, widened, again)) {
            #expect(Array(again.bytes) == Array(quantised.bytes))
            #expect(quantised.quantised().bytes.baseAddress == quantised.bytes.baseAddress)
            #expect(widened.dequantised().bytes.baseAddress == widened.bytes.baseAddress)
        }
    }
}
