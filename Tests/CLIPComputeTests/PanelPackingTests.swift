@testable import CLIPCompute
import CLIPTestSupport
import Testing

@Suite struct PanelPackingTests {
    @Test(arguments: [(1, 1), (15, 3), (16, 4), (17, 5), (40, 33)])
    func `Lays panels as documented`(_ outputs: Int, _ inputs: Int) {
        var numbers = SeededNumbers(seed: 5)
        let values = numbers.floats(outputs * inputs)
        for elementType in [PanelPackedMatrix.ElementType.float32, .float16] {
            let matrix = PanelPackedMatrix(values, outputs: outputs, inputs: inputs, elementType: elementType)
            #expect(matrix.bytes.count == (outputs + 15) / 16 * 16 * inputs * elementType.byteCount)
            for column in 0..<(outputs + 15) / 16 * 16 {
                for input in 0..<inputs {
                    let index = (column / 16 * inputs + input) * 16 + column % 16
                    let found =
                        elementType == .float32
                        ? matrix.bytes.load(fromByteOffset: 4 * index, as: Float.self)
                        : Float(matrix.bytes.load(fromByteOffset: 2 * index, as: Float16.self))
                    let value = column < outputs ? values[column * inputs + input] : 0
                    #expect(found == (elementType == .float32 ? value : Float(Float16(value))))
                }
            }
        }
    }

    @Test func `A line has the value of every half there is`() {
        let values = (0..<65536).map { Float(Float16(bitPattern: UInt16($0))) }
        let matrix = PanelPackedMatrix(values, outputs: 16, inputs: 4096, elementType: .float16)
        for input in 0..<4096 {
            let line = matrix.line(panel: 0, input: input)
            for lane in 0..<16 {
                let (found, value) = (line[lane], values[4096 * lane + input])
                #expect(value.isNaN ? found.isNaN : found.bitPattern == value.bitPattern)
            }
        }
    }
}
