package import CLIPSystem

/// GIF: the first picture, on its canvas.
package enum GIFDecoder: PictureDecoder {
    package static let formatName = "GIF"
    package static let fileExtensions = ["gif"]

    /// The most pixels that a byte of LZW data can make: a code of 12 bits stands for less than 4096 of them.
    private static let largestExpansion = 4096

    package static func recognises(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8)
    }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> DecodedPicture {
        let frame = try GIFFrame(bytes, format: formatName)
        _ = try options.checkedPixelCount(format: formatName, width: frame.width, height: frame.height)
        guard
            frame.frameWidth * frame.frameHeight / largestExpansion <= frame.compressed.count
                || options.allowTruncated
        else {
            throw .truncated(
                format: formatName, offset: bytes.count,
                problem: "\(frame.compressed.count) bytes of data can't hold"
                    + " \(frame.frameWidth) × \(frame.frameHeight) pixels")
        }
        let indices = try decompress(frame, fileSize: bytes.count, options)
        return DecodedPicture(
            bitmap: Bitmap(width: frame.width, height: frame.height, pixels: paint(frame, indices, options)))
    }

    /// - Returns: an index for each pixel of the frame in the order of the file, and the decoder's slack.
    private static func decompress(
        _ frame: GIFFrame, fileSize: Int, _ options: DecodingOptions
    ) throws(CLIPError) -> [UInt8] {
        let wanted = frame.frameWidth * frame.frameHeight
        var indices = pictureMemory(wanted + LZWDecoder.slack)
        let decoder = LZWDecoder(flavour: .gif, literalBits: frame.literalBits)
        let (written, ending) = frame.compressed.withUnsafeBufferPointer { input in
            indices.withUnsafeMutableBufferPointer { decoder.decode(input, into: $0) }
        }
        if written == wanted { return indices }
        // The last copy may have scribbled into the slack of what is missing.
        for index in written..<indices.count { indices[index] = UInt8(frame.transparentIndex ?? 0) }
        if options.allowTruncated { return indices }
        switch ending {
        case .undefinedCode(let position):
            throw .malformed(
                format: formatName, offset: frame.dataStart + position + position / 255,
                problem: "the compressed data uses a code that it has not defined")
        case .endsEarly where !frame.isWhole:
            throw .truncated(format: formatName, offset: fileSize, problem: "inside the picture's data")
        case .endsEarly, .complete:
            throw .truncated(
                format: formatName, offset: fileSize,
                problem: "the picture's data has \(written) pixels of \(wanted)")
        }
    }

    private static func paint(_ frame: GIFFrame, _ indices: [UInt8], _ options: DecodingOptions) -> [UInt8] {
        var table = frame.palette.map { PaletteTable(rgb: $0) } ?? .gray
        if let transparent = frame.transparentIndex, options.alpha == .white {
            table = table.replacing(transparent, with: 0xFFFFFF)
        }
        let rowBytes = 3 * frame.width
        let background = [UInt8](repeating: UInt8(frame.transparentIndex ?? 0), count: frame.width)
        return [UInt8](unsafeUninitializedCapacity: rowBytes * frame.height) { pixels, count in
            preferLargePages(pixels)
            if frame.frameWidth < frame.width || frame.frameHeight < frame.height {
                background.withUnsafeBufferPointer { background in
                    for y in 0..<frame.height {
                        let row = y * rowBytes..<(y + 1) * rowBytes
                        table.expand(background, to: UnsafeMutableBufferPointer(rebasing: pixels[row]))
                    }
                }
            }
            indices.withUnsafeBufferPointer { indices in
                for (index, y) in rows(of: frame).enumerated() {
                    let source = indices[index * frame.frameWidth..<(index + 1) * frame.frameWidth]
                    let start = (frame.top + y) * rowBytes + 3 * frame.left
                    let target = pixels[start..<start + 3 * frame.frameWidth]
                    table.expand(
                        UnsafeBufferPointer(rebasing: source), to: UnsafeMutableBufferPointer(rebasing: target))
                }
            }
            count = rowBytes * frame.height
        }
    }

    /// The rows of the frame in the order of the file.
    private static func rows(of frame: GIFFrame) -> [Int] {
        guard frame.isInterlaced else { return Array(0..<frame.frameHeight) }
        return [(0, 8), (4, 8), (2, 4), (1, 2)].flatMap { start, step in
            stride(from: start, to: frame.frameHeight, by: step)
        }
    }
}

/// The first picture of a GIF file, its data still compressed.
private struct GIFFrame {
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
    init(_ bytes: [UInt8], format: String) throws(CLIPError) {
        func truncated(_ problem: String) -> CLIPError {
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

    private mutating func readFrame(_ bytes: [UInt8], _ start: Int, _ format: String) throws(CLIPError) {
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
    ) throws(CLIPError) -> ArraySlice<UInt8>? {
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
