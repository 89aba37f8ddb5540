/// GIF: the first picture, on its canvas.
package enum GIFDecoder: PictureDecoder {
    package static let formatName = "GIF"

    /// The most pixels that a byte of LZW data can make: a code of 12 bits stands for less than 4096 of them.
    private static let largestExpansion = 4096

    package static func recognises(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8)
    }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(PictureError) -> DecodedPicture {
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
    ) throws(PictureError) -> [UInt8] {
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
