/// The first picture of a GIF file, its data still compressed.
struct GIFFrame {
    /// Size of the canvas, which the frame's place may make larger.
    private(set) var width: Int
    private(set) var height: Int
    private(set) var left = 0
    private(set) var top = 0
    private(set) var frameWidth = 0
    private(set) var frameHeight = 0
    private(set) var isInterlaced = false
    /// RGB; nil where indices are light.
    private(set) var palette: ArraySlice<UInt8>?
    private(set) var transparentIndex: Int?
    /// Bits of an index in the compressed data.
    private(set) var literalBits = 0
    private(set) var compressed: [UInt8] = []
    /// False when the file ends inside the compressed data.
    private(set) var isWhole = false
    /// Where the compressed data begins.
    private(set) var dataStart = 0

    /// Reads up to the end of the first picture's data (GIF89a specification, sections 17 to 26).
    init(_ bytes: [UInt8], format: String) throws(PictureError) {
        func truncated(_ problem: String) -> PictureError {
            .truncated(format: format, offset: bytes.count, problem: problem)
        }
        guard bytes.count >= 13 else { throw truncated("inside its header") }
        width = littleEndian16(bytes, at: 6)
        height = littleEndian16(bytes, at: 8)
        var position = 13
        palette = try GIFFrame.palette(flags: bytes[10], bytes, &position, format)

        while position < bytes.count {
            position += 1
            switch bytes[position - 1] {
            case UInt8(ascii: "!"):
                guard position < bytes.count else { throw truncated("inside an extension") }
                let isGraphicControl = bytes[position] == 0xF9
                position += 1
                if isGraphicControl, position + 5 <= bytes.count, bytes[position] >= 4, bytes[position + 1] & 1 == 1 {
                    transparentIndex = Int(bytes[position + 4])
                }
                GIFFrame.skipBlocks(bytes, &position)
            case UInt8(ascii: ","):
                guard position + 9 <= bytes.count else { throw truncated("inside a frame's header") }
                try readFrame(bytes, position, format)
                return
            case UInt8(ascii: ";"):
                throw .malformed(format: format, offset: position - 1, problem: "the file ends without a picture")
            default:
                // Stray bytes between blocks are stepped over, as everybody does.
                break
            }
        }
        throw truncated("before the first picture")
    }

    private mutating func readFrame(_ bytes: [UInt8], _ start: Int, _ format: String) throws(PictureError) {
        left = littleEndian16(bytes, at: start)
        top = littleEndian16(bytes, at: start + 2)
        frameWidth = littleEndian16(bytes, at: start + 4)
        frameHeight = littleEndian16(bytes, at: start + 6)
        guard frameWidth > 0, frameHeight > 0 else {
            throw .malformed(
                format: format, offset: start + 4,
                problem: "the picture is \(frameWidth) × \(frameHeight) pixels, expected at least 1 × 1")
        }
        width = max(width, left + frameWidth)
        height = max(height, top + frameHeight)
        let flags = bytes[start + 8]
        isInterlaced = flags & 0x40 != 0
        var position = start + 9
        if flags & 0x80 != 0 { palette = try GIFFrame.palette(flags: flags, bytes, &position, format) }

        guard position < bytes.count else {
            throw .truncated(format: format, offset: bytes.count, problem: "before the picture's data")
        }
        literalBits = Int(bytes[position])
        guard (1...8).contains(literalBits) else {
            throw .malformed(
                format: format, offset: position, problem: "indices of \(literalBits) bits, expected 1 to 8")
        }
        position += 1
        dataStart = position
        while position < bytes.count {
            let count = Int(bytes[position])
            position += 1
            if count == 0 {
                isWhole = true
                return
            }
            compressed.append(contentsOf: bytes[position..<min(position + count, bytes.count)])
            position += count
        }
    }

    private static func palette(
        flags: UInt8, _ bytes: [UInt8], _ position: inout Int, _ format: String
    ) throws(PictureError) -> ArraySlice<UInt8>? {
        guard flags & 0x80 != 0 else { return nil }
        let count = 3 << (Int(flags & 7) + 1)
        guard bytes.count - position >= count else {
            throw .truncated(format: format, offset: bytes.count, problem: "inside a palette")
        }
        let palette = bytes[position..<position + count]
        position += count
        // A grey ramp is no palette to Pillow: indices past its end are light, not black.
        return palette.enumerated().allSatisfy { Int($0.element) == $0.offset / 3 } ? nil : palette
    }

    private static func skipBlocks(_ bytes: [UInt8], _ position: inout Int) {
        while position < bytes.count {
            let count = Int(bytes[position])
            position += 1 + count
            if count == 0 { return }
        }
    }
}
