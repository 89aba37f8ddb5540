internal import CLIPCompute
internal import CLIPThreads
internal import CLIPWeights
internal import CLIPSystem

/// Turns a checkpoint's matrix into panels while it is loaded. Half precision stays half precision, numbers of eight bits
/// become that, everything else becomes f32: no weight changes its value.
struct PanelPacking {
    /// The checkpoint's matrix.
    let tensor: StoredTensor
    let outputs: Int
    let inputs: Int
    /// Whether the checkpoint holds `[inputs, outputs]`.
    let isTransposed: Bool

    /// The panels' element type.
    var elementType: PanelPackedMatrix.ElementType {
        switch tensor.type {
        case .f16, .f8E4M3, .f8E5M2: .float16
        default: .float32
        }
    }

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
        let areFinite = Parallel(threads: shares).orderedMap(Array(0..<shares)) { share in
            pack(panels * share / shares..<panels * (share + 1) / shares, into: buffer)
        }
        guard !areFinite.contains(false) else { throw CLIPError(nonFinite: tensor) }
        return PanelPackedMatrix(
            inputs: inputs, outputs: outputs, elementType: elementType, bytes: UnsafeRawBufferPointer(buffer.bytes),
            owner: buffer)
    }

    /// Packs some panels, about a megabyte at a time: pages that the system has just cleared are still in a cache.
    /// - Returns: whether all weights of these panels are finite.
    private func pack(_ panels: Range<Int>, into buffer: WeightBuffer) -> Bool {
        let panelBytes = PanelPackedMatrix.byteCount(inputs: inputs, outputs: 1, elementType)
        let group = max(1, (1 << 20) / panelBytes)
        var isClean = true
        for start in stride(from: panels.lowerBound, to: panels.upperBound, by: group) {
            let part = start..<min(start + group, panels.upperBound)
            buffer.populate(part.lowerBound * panelBytes..<part.upperBound * panelBytes)
            isClean = tensor.withBytes { pack($0, panels: part, into: buffer.bytes) } && isClean
        }
        return isClean
    }

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
        case .f8E4M3:
            pack(source, panels, into: target, as: UInt8.self, exponent: 0x7F) { bits in
                var kept = SIMD4<UInt16>()
                for lane in 0..<4 { kept[lane] = ElementType.f8E4M3.halfBits(of: bits[lane]) }
                return kept
            }
        case .f8E5M2:
            pack(source, panels, into: target, as: UInt8.self, exponent: 0x7C) {
                SIMD4<UInt16>(truncatingIfNeeded: $0) &<< 8
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
    /// row for every number. Sixteen of them lie in as many cache lines, read and written while those are near.
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
        // One more than the largest exponent of a finite number reaches the bit of the sign. Comparing lanes would take
        // several times as long as all the rest.
        let step = SIMD4(repeating: exponent & (~exponent &+ 1))
        var special = SIMD4<Stored>()
        for panel in panels {
            let rows = min(width, outputs - panel * width)
            let first = source + panel * width * rowStep
            let output = (target + panel * width * inputs * MemoryLayout<Kept>.size)
                .assumingMemoryBound(to: Kept.self)
            for block in stride(from: 0, to: square, by: width) {
                for row in stride(from: 0, to: rows / 4 * 4, by: 4) {
                    for column in stride(from: block, to: min(block &+ width, square), by: 4) {
                        let place = first + (row &* rowStep &+ column &* size)
                        let a = PanelPacking.four(place, as: type)
                        let b = PanelPacking.four(place + rowStep, as: type)
                        let c = PanelPacking.four(place + 2 &* rowStep, as: type)
                        let d = PanelPacking.four(place + 3 &* rowStep, as: type)
                        special |= ((a & exponents) &+ step) | ((b & exponents) &+ step)
                        special |= ((c & exponents) &+ step) | ((d & exponents) &+ step)
                        let slot = UnsafeMutableRawPointer(output + (column &* width &+ row))
                        let line = width &* MemoryLayout<Kept>.size
                        func put(_ lane: Int, _ weights: SIMD4<Stored>) {
                            slot.storeBytes(of: convert(weights), toByteOffset: lane &* line, as: SIMD4<Kept>.self)
                        }
                        put(0, SIMD4(a[0], b[0], c[0], d[0]))
                        put(1, SIMD4(a[1], b[1], c[1], d[1]))
                        put(2, SIMD4(a[2], b[2], c[2], d[2]))
                        put(3, SIMD4(a[3], b[3], c[3], d[3]))
                    }
                }
            }
            for column in 0..<inputs {
                let place = first + column &* columnStep
                let slot = output + column &* width
                for row in (column < square ? rows / 4 * 4 : 0)..<rows {
                    let bits = Stored(
                        littleEndian: place.loadUnaligned(fromByteOffset: row &* rowStep, as: Stored.self))
                    special[0] |= (bits & exponent) &+ step[0]
                    slot[row] = convert(SIMD4(repeating: bits))[0]
                }
                for row in rows..<width { slot[row] = 0 }
            }
        }
        let sign = ~(Stored.max >> 1)
        return (special[0] | special[1] | special[2] | special[3]) & sign == 0
    }

    @inline(__always)
    private static func four<Stored: FixedWidthInteger & SIMDScalar>(
        _ place: UnsafeRawPointer, as type: Stored.Type
    ) -> SIMD4<Stored> {
        let bits = place.loadUnaligned(as: SIMD4<Stored>.self)
        return SIMD4(bits[0].littleEndian, bits[1].littleEndian, bits[2].littleEndian, bits[3].littleEndian)
    }
}

extension StoredTensor {
    /// - Throws: `CLIPError` when a number is infinite or not a number.
    func checkFinite(threads: Int) throws(CLIPError) {
        let rows = shape.first ?? 1
        let shares = max(1, min(threads, rows, elementCount >> 20))
        let areFinite = Parallel(threads: shares).orderedMap(Array(0..<shares)) { share in
            let part = shares == 1 ? self : self.rows(rows * share / shares..<rows * (share + 1) / shares)
            return part.firstNonFinite() == nil
        }
        guard !areFinite.contains(false) else { throw CLIPError(nonFinite: self) }
    }
}

extension CLIPError {
    /// The error about the first weight of `tensor` that is infinite or not a number.
    init(nonFinite tensor: StoredTensor) {
        do throws(CLIPError) {
            try tensor.checkFinite()
            self.init(.model, path: tensor.file.path, "tensor \"\(tensor.name)\" has numbers out of range")
        } catch {
            self = error
        }
    }
}

/// Memory for weights that were converted while they were loaded, aligned for any vector load.
final class WeightBuffer: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        bytes = .allocate(byteCount: byteCount, alignment: 64)
    }

    /// Has the system map the pages of `range`, which are about to be written.
    ///
    /// One by one, at the first write, that takes longer than packing. Large pages are no way out: a virtual machine's
    /// are the first that it gives back to its host, and it waits for them ten times as long.
    func populate(_ range: Range<Int>) {
        #if !canImport(Darwin)
        let page = Int(getpagesize())
        guard range.count >= page, let base = bytes.baseAddress else { return }
        let start = UnsafeMutableRawPointer(bitPattern: UInt(bitPattern: base + range.lowerBound) & ~UInt(page - 1))
        let populateWrite: Int32 = 23
        // Linux before 5.14 doesn't know this advice; pages are then mapped when they are written.
        if let start { _ = madvise(start, base + range.upperBound - start, populateWrite) }
        #endif
    }

    deinit {
        bytes.deallocate()
    }
}
