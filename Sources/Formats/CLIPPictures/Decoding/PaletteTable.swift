/// The RGB colours that one-byte indices stand for.
struct PaletteTable {
    /// 256 colours, red in the lowest byte of each.
    private let colours: [UInt32]

    /// - Parameter rgb: `[entries, 3]`; indices past the last entry show black.
    init(rgb: some Collection<UInt8>) {
        var colours = [UInt32](repeating: 0, count: 256)
        for (offset, sample) in rgb.prefix(768).enumerated() {
            colours[offset / 3] |= UInt32(sample) << UInt32(8 * (offset % 3))
        }
        self.colours = colours
    }

    /// Indices of at most eight bits that are the light itself.
    static let gray = PaletteTable(rgb: (0..<768).map { UInt8($0 / 3) })

    /// The same with one colour in another's place.
    func replacing(_ index: Int, with colour: UInt32) -> PaletteTable {
        var changed = colours
        changed[index] = colour
        return PaletteTable(colours: changed)
    }

    private init(colours: [UInt32]) { self.colours = colours }

    subscript(index: UInt8) -> (red: UInt8, green: UInt8, blue: UInt8) {
        let colour = colours[Int(index)]
        return (
            UInt8(truncatingIfNeeded: colour), UInt8(truncatingIfNeeded: colour >> 8),
            UInt8(truncatingIfNeeded: colour >> 16)
        )
    }

    /// Looks up one byte for every three of `output`.
    func expand(_ indices: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>) {
        let count = output.count / 3
        precondition(indices.count >= count && output.count == 3 * count)
        guard count > 0, let target = UnsafeMutableRawPointer(output.baseAddress) else { return }
        colours.withUnsafeBufferPointer { colours in
            // Each store of four bytes spills into the next pixel, which is written after it.
            for x in 0..<count - 1 {
                target.storeBytes(
                    of: colours[Int(indices[x])].littleEndian, toByteOffset: 3 &* x, as: UInt32.self)
            }
            let last = colours[Int(indices[count - 1])]
            for channel in 0..<3 {
                output[3 * count - 3 + channel] = UInt8(truncatingIfNeeded: last >> UInt32(8 * channel))
            }
        }
    }

    /// Looks up indices of 1, 2, 4 or 8 bits, the first in the highest bits of a byte.
    func expand(
        packed source: UnsafeBufferPointer<UInt8>, bits: Int, to output: UnsafeMutableBufferPointer<UInt8>
    ) {
        guard bits < 8 else { return expand(source, to: output) }
        let perByte = 8 / bits
        let mask = UInt8(truncatingIfNeeded: 1 << bits - 1)
        let indices = [UInt8](unsafeUninitializedCapacity: output.count / 3) { indices, count in
            count = output.count / 3
            for x in 0..<count {
                let shift = 8 &- bits &- x % perByte &* bits
                indices[x] = source[x / perByte] &>> UInt8(truncatingIfNeeded: shift) & mask
            }
        }
        indices.withUnsafeBufferPointer { expand($0, to: output) }
    }
}
