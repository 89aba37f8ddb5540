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
        case .bf16: pack(source, panels, into: target, as: UInt16.self, exponent: 0x7F80) { UInt32($0) << 16 }
        default:
            pack(source, panels, into: target, as: UInt64.self, exponent: 0x7FF0_0000_0000_0000) {
                Float(Double(bitPattern: $0)).bitPattern
            }
        }
    }

    @inline(__always)
    private func pack<Stored: FixedWidthInteger, Kept: FixedWidthInteger>(
        _ source: UnsafeRawBufferPointer, _ panels: Range<Int>, into target: UnsafeMutableRawBufferPointer,
        as type: Stored.Type, exponent: Stored, convert: (Stored) -> Kept
    ) -> Bool {
        let width = PanelPackedMatrix.panelWidth
        let size = MemoryLayout<Stored>.size
        let (rowStep, columnStep) = isTransposed ? (size, outputs * size) : (inputs * size, size)
        guard let source = source.baseAddress, let target = target.baseAddress else { return true }
        var special = 0
        for panel in panels {
            let rows = min(width, outputs - panel * width)
            let first = source + panel * width * rowStep
            let output = (target + panel * width * inputs * MemoryLayout<Kept>.size)
                .assumingMemoryBound(to: Kept.self)
            for column in 0..<inputs {
                let place = first + column &* columnStep
                let slot = output + column &* width
                for row in 0..<rows {
                    let bits = Stored(
                        littleEndian: place.loadUnaligned(fromByteOffset: row &* rowStep, as: Stored.self))
                    special &+= bits & exponent == exponent ? 1 : 0
                    slot[row] = convert(bits)
                }
                for row in rows..<width { slot[row] = 0 }
            }
        }
        return special == 0
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
