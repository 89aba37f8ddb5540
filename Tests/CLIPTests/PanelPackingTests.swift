import CLIPCompute
import CLIPSystem
import Testing

@testable import CLIP
@testable import CLIPWeights

/// Checkpoint matrices become panels, number by number, and none that is no number gets through.
@Suite struct PanelPackingTests {
    static let shapes = [(3, 5), (16, 64), (35, 37), (64, 16), (17, 1)]

    private func tensor(_ bits: [UInt64], _ type: ElementType, _ shape: [Int]) throws -> StoredTensor {
        let size = type.byteCount
        let file = try MappedFile(PathBytes("made up"), kind: .model, byteCount: bits.count * size) { target in
            for (index, bits) in bits.enumerated() {
                for byte in 0..<size {
                    target[index * size + byte] = UInt8(truncatingIfNeeded: bits >> (8 * UInt64(byte)))
                }
            }
        }
        return StoredTensor(
            name: "weight", type: type, shape: shape, offset: 0, byteCount: bits.count * size, file: file)
    }

    private func bits(of value: Double, _ type: ElementType) -> UInt64 {
        switch type {
        case .f16: UInt64(Float16(value).bitPattern)
        case .bf16: UInt64(Float(value).bitPattern >> 16)
        case .f64: value.bitPattern
        default: UInt64(Float(value).bitPattern)
        }
    }

    /// Whole numbers and halves that all types hold.
    private func value(_ index: Int) -> Double { Double(index * 7 % 255 - 127) / 2 }

    private func number(_ panels: PanelPackedMatrix, _ output: Int, _ input: Int) -> Double {
        let index = (output / 16 * panels.inputs + input) * 16 + output % 16
        return panels.elementType == .float16
            ? Double(panels.bytes.loadUnaligned(fromByteOffset: 2 * index, as: Float16.self))
            : Double(panels.bytes.loadUnaligned(fromByteOffset: 4 * index, as: Float.self))
    }

    @Test(arguments: [ElementType.f8E4M3, .f8E5M2], PanelPackingTests.shapes)
    func `Numbers of eight bits become half precision`(type: ElementType, shape: (Int, Int)) throws {
        let (outputs, inputs) = shape
        let finite = type == .f8E4M3 ? 0x7F : 0x7C
        let bytes = (0..<outputs * inputs).map { (index: Int) -> UInt64 in
            let sign: UInt64 = index.isMultiple(of: 2) ? 0 : 0x80
            return sign | UInt64(index * 37 % finite)
        }
        for isTransposed in [false, true] {
            let tensor = try tensor(bytes, type, isTransposed ? [inputs, outputs] : [outputs, inputs])
            let floats = try tensor.floats()
            let panels = try PanelPacking(
                tensor: tensor, outputs: outputs, inputs: inputs, isTransposed: isTransposed
            ).packed(threads: 2)
            #expect(panels.elementType == .float16)
            for output in 0..<(outputs + 15) / 16 * 16 {
                for input in 0..<inputs {
                    let index = isTransposed ? input * outputs + output : output * inputs + input
                    let expected = output < outputs ? Double(floats[index]) : 0
                    #expect(number(panels, output, input) == expected)
                }
            }
        }
        for place in [0, outputs * inputs - 1] {
            var damaged = bytes
            damaged[place] = type == .f8E4M3 ? 0xFF : 0x7C
            let tensor = try tensor(damaged, type, [outputs, inputs])
            #expect(throws: CLIPError.self) {
                try PanelPacking(tensor: tensor, outputs: outputs, inputs: inputs, isTransposed: false).packed(
                    threads: 1)
            }
        }
    }

    @Test(arguments: [ElementType.f32, .f16, .bf16, .f64], PanelPackingTests.shapes)
    func `Panels hold the weights and zeros behind the last`(type: ElementType, shape: (Int, Int)) throws {
        let (outputs, inputs) = shape
        for isTransposed in [false, true] {
            let values = (0..<outputs * inputs).map { bits(of: value($0), type) }
            let tensor = try tensor(values, type, isTransposed ? [inputs, outputs] : [outputs, inputs])
            let packing = PanelPacking(tensor: tensor, outputs: outputs, inputs: inputs, isTransposed: isTransposed)
            for threads in [1, 3] {
                let panels = try packing.packed(threads: threads)
                for output in 0..<(outputs + 15) / 16 * 16 {
                    for input in 0..<inputs {
                        let index = isTransposed ? input * outputs + output : output * inputs + input
                        let expected = output < outputs ? value(index) : 0
                        #expect(number(panels, output, input) == expected)
                    }
                }
            }
        }
    }

    @Test(arguments: [ElementType.f32, .f16, .bf16, .f64])
    func `An infinity or no number is found wherever it stands, the largest number is none`(type: ElementType) throws {
        let (outputs, inputs) = (19, 22)
        let special: [UInt64]
        let largest: UInt64
        switch type {
        case .f16: (special, largest) = ([0x7C00, 0xFC00, 0x7E00, 0x7C01], 0x7BFF)
        case .bf16: (special, largest) = ([0x7F80, 0xFF80, 0x7FC0, 0x7F81], 0x7F7F)
        case .f64:
            (special, largest) = ([0x7FF0 << 48, 0xFFF0 << 48, 0x7FF8 << 48, 0x7FF0 << 48 | 1], 0x47EF_FFFF_E000_0000)
        default: (special, largest) = ([0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0x7F80_0001], 0x7F7F_FFFF)
        }
        let plain = (0..<outputs * inputs).map { bits(of: value($0), type) }
        for isTransposed in [false, true] {
            let shape = isTransposed ? [inputs, outputs] : [outputs, inputs]
            func isRefused(_ bits: UInt64, at index: Int) throws -> Bool {
                var values = plain
                values[index] = bits
                let tensor = try tensor(values, type, shape)
                do {
                    _ = try PanelPacking(
                        tensor: tensor, outputs: outputs, inputs: inputs, isTransposed: isTransposed
                    ).packed(threads: 2)
                    try tensor.checkFinite(threads: 2)
                    return false
                } catch {
                    return error.description.contains("at index \(index)")
                }
            }
            for index in plain.indices { #expect(try isRefused(special[index % 4], at: index)) }
            #expect(try !isRefused(largest, at: 5))
        }
    }
}
