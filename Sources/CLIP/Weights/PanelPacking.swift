internal import Dispatch
internal import TensorCore
internal import Weights

/// Turns a checkpoint's matrix into panels while it is loaded. Half precision stays half precision, everything else
/// becomes f32: no weight changes its value.
struct PanelPacking {
    /// The checkpoint's matrix.
    let tensor: StoredTensor
    let outputs: Int
    let inputs: Int
    /// Whether the checkpoint holds `[inputs, outputs]`.
    let isTransposed: Bool

    /// The panels' element type.
    var elementType: PanelPackedMatrix.ElementType { tensor.type == .f16 ? .float16 : .float32 }

    /// Packs on `threads` threads.
    /// - Throws: `CLIPError` when a weight is infinite or not a number.
    func packed(threads: Int) throws(CLIPError) -> PanelPackedMatrix {
        let buffer = WeightBuffer(
            byteCount: PanelPackedMatrix.byteCount(inputs: inputs, outputs: outputs, elementType))
        let panels = PanelPackedMatrix.panelCount(outputs: outputs)
        tensor.file.prefetch(tensor.offset..<tensor.offset + tensor.byteCount)
        // A share per thread is no less than about a million weights: starting a thread costs as much as those.
        let weights = panels * PanelPackedMatrix.panelWidth * inputs
        let shares = max(1, min(threads, panels, weights >> 20))
        let clean = FiniteFlags(count: shares)
        DispatchQueue.concurrentPerform(iterations: shares) { share in
            let range = panels * share / shares..<panels * (share + 1) / shares
            clean[share] = tensor.withBytes { pack($0, panels: range, into: buffer.bytes) }
        }
        guard clean.all else { throw CLIPError(nonFinite: tensor) }
        return PanelPackedMatrix(
            inputs: inputs, outputs: outputs, elementType: elementType, bytes: UnsafeRawBufferPointer(buffer.bytes),
            owner: buffer)
    }

    /// - Returns: whether all weights of these panels are finite.
    private func pack(
        _ source: UnsafeRawBufferPointer, panels: Range<Int>, into target: UnsafeMutableRawBufferPointer
    ) -> Bool {
        switch tensor.type {
        case .f32: pack(source, panels, into: target, as: UInt32.self, exponent: 0x7F80_0000) { $0 }
        case .f16: pack(source, panels, into: target, as: UInt16.self, exponent: 0x7C00) { $0 }
        case .bf16:
            pack(source, panels, into: target, as: UInt16.self, exponent: 0x7F80) {
                SIMD4<UInt32>(truncatingIfNeeded: $0) &<< 16
            }
        default:
            pack(source, panels, into: target, as: UInt64.self, exponent: 0x7FF0_0000_0000_0000) { bits in
                var kept = SIMD4<UInt32>()
                for lane in 0..<4 { kept[lane] = Float(Double(bitPattern: bits[lane])).bitPattern }
                return kept
            }
        }
    }

    /// Squares of 4 × 4 weights are turned in registers: reading a panel column by column would take a step of a whole
    /// row for every number.
    @inline(__always)
    private func pack<Stored: FixedWidthInteger & SIMDScalar, Kept: FixedWidthInteger & SIMDScalar>(
        _ source: UnsafeRawBufferPointer, _ panels: Range<Int>, into target: UnsafeMutableRawBufferPointer,
        as type: Stored.Type, exponent: Stored, convert: (SIMD4<Stored>) -> SIMD4<Kept>
    ) -> Bool {
        let width = PanelPackedMatrix.panelWidth
        let size = MemoryLayout<Stored>.size
        let (rowStep, columnStep) = isTransposed ? (size, outputs * size) : (inputs * size, size)
        guard let source = source.baseAddress, let target = target.baseAddress else { return true }
        let square = isTransposed ? 0 : inputs / 4 * 4
        let exponents = SIMD4(repeating: exponent)
        var special = SIMDMask<SIMD4<Stored>.MaskStorage>(repeating: false)
        for panel in panels {
            let rows = min(width, outputs - panel * width)
            let first = source + panel * width * rowStep
            let output = (target + panel * width * inputs * MemoryLayout<Kept>.size)
                .assumingMemoryBound(to: Kept.self)
            for row in stride(from: 0, to: rows / 4 * 4, by: 4) {
                let line = first + row &* rowStep
                for column in stride(from: 0, to: square, by: 4) {
                    let place = line + column &* size
                    let a = PanelPacking.four(place, as: type)
                    let b = PanelPacking.four(place + rowStep, as: type)
                    let c = PanelPacking.four(place + 2 &* rowStep, as: type)
                    let d = PanelPacking.four(place + 3 &* rowStep, as: type)
                    special = special .| (a & exponents .== exponents) .| (b & exponents .== exponents)
                    special = special .| (c & exponents .== exponents) .| (d & exponents .== exponents)
                    let slot = output + (column &* width &+ row)
                    for lane in 0..<4 {
                        UnsafeMutableRawPointer(slot + lane &* width).storeBytes(
                            of: convert(SIMD4(a[lane], b[lane], c[lane], d[lane])), as: SIMD4<Kept>.self)
                    }
                }
            }
            for column in 0..<inputs {
                let place = first + column &* columnStep
                let slot = output + column &* width
                for row in (column < square ? rows / 4 * 4 : 0)..<rows {
                    let bits = Stored(
                        littleEndian: place.loadUnaligned(fromByteOffset: row &* rowStep, as: Stored.self))
                    special[0] = special[0] || bits & exponent == exponent
                    slot[row] = convert(SIMD4(repeating: bits))[0]
                }
                for row in rows..<width { slot[row] = 0 }
            }
        }
        return !(special[0] || special[1] || special[2] || special[3])
    }

    @inline(__always)
    private static func four<Stored: FixedWidthInteger & SIMDScalar>(
        _ place: UnsafeRawPointer, as type: Stored.Type
    ) -> SIMD4<Stored> {
        let bits = place.loadUnaligned(as: SIMD4<Stored>.self)
        return SIMD4(bits[0].littleEndian, bits[1].littleEndian, bits[2].littleEndian, bits[3].littleEndian)
    }
}

extension CLIPError {
    /// The error about the first weight of `tensor` that is infinite or not a number.
    init(nonFinite tensor: StoredTensor) {
        do {
            try tensor.checkFinite()
            self.init(.model, path: tensor.file.path, "tensor \"\(tensor.name)\" has numbers out of range")
        } catch {
            self.init(error)
        }
    }
}

/// A flag per thread, each written by one thread alone.
private final class FiniteFlags: @unchecked Sendable {
    private let flags: UnsafeMutableBufferPointer<Bool>

    init(count: Int) {
        flags = .allocate(capacity: count)
        flags.initialize(repeating: false)
    }

    deinit { flags.deallocate() }

    var all: Bool { flags.allSatisfy { $0 } }

    subscript(index: Int) -> Bool {
        get { flags[index] }
        set { flags[index] = newValue }
    }
}
