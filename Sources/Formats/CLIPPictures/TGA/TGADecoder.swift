/// Targa: palette, RGB and grey, plain and run-length coded.
package enum TGADecoder: PictureDecoder {
    package static let formatName = "TGA"

    package static func recognises(_ bytes: [UInt8]) -> Bool { TGAHeader(bytes) != nil }

    package static func mayRecognise(beginning bytes: [UInt8]) -> Bool { TGAHeader(bytes, mayGoOn: true) != nil }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(PictureError) -> DecodedPicture {
        guard let header = TGAHeader(bytes) else {
            throw .malformed(format: formatName, offset: 0, problem: "the header contradicts itself")
        }
        let count = try options.checkedPixelCount(format: formatName, width: header.width, height: header.height)
        let rowBytes = (header.width * header.bitsPerPixel + 7) / 8
        let needed = rowBytes * header.height
        func truncated(_ found: Int) -> PictureError {
            .truncated(
                format: formatName, offset: bytes.count,
                problem: "\(header.width) × \(header.height) pixels need \(needed) bytes, found \(found)")
        }
        let available = max(0, bytes.count - header.pixelOffset)
        // A run makes at most 128 pixels of the bytes of one and its head.
        let mostBytes = header.isRunLengthCoded ? available * 128 : available
        guard mostBytes >= needed || options.allowTruncated else { throw truncated(available) }
        var samples: [UInt8]
        if header.isRunLengthCoded {
            samples = expand(bytes, header, to: needed)
        } else {
            let start = min(header.pixelOffset, bytes.count)
            samples = Array(bytes[start..<min(start + needed, bytes.count)])
        }
        guard samples.count == needed || options.allowTruncated else { throw truncated(samples.count) }
        samples.append(contentsOf: repeatElement(0, count: needed - samples.count))

        let colour = TGAColour(bytes, header, options)
        var pixels = pictureMemory(3 * count)
        samples.withUnsafeBufferPointer { samples in
            pixels.withUnsafeMutableBufferPointer { pixels in
                for y in 0..<header.height {
                    let row = header.isTopDown ? y : header.height - 1 - y
                    colour.convert(
                        UnsafeBufferPointer(rebasing: samples[y * rowBytes..<(y + 1) * rowBytes]),
                        to: UnsafeMutableBufferPointer(
                            rebasing: pixels[3 * row * header.width..<3 * (row + 1) * header.width]))
                }
            }
        }
        let bitmap = Bitmap(width: header.width, height: header.height, pixels: pixels)
        return DecodedPicture(bitmap: header.isRightToLeft ? bitmap.upright(orientation: 2) : bitmap)
    }

    /// Undoes run lengths: a head of 128 and more repeats the next pixel, others count literal ones.
    private static func expand(_ bytes: [UInt8], _ header: TGAHeader, to size: Int) -> [UInt8] {
        let pixelBytes = header.bitsPerPixel / 8
        var output: [UInt8] = []
        output.reserveCapacity(size)
        var position = header.pixelOffset
        while output.count < size, position < bytes.count {
            let head = Int(bytes[position])
            let count = head & 0x7F + 1
            position += 1
            if head & 0x80 != 0 {
                guard position + pixelBytes <= bytes.count else { break }
                for _ in 0..<count { output.append(contentsOf: bytes[position..<position + pixelBytes]) }
                position += pixelBytes
            } else {
                let end = min(position + count * pixelBytes, bytes.count)
                output.append(contentsOf: bytes[position..<end])
                position = end
            }
        }
        if output.count > size { output.removeLast(output.count - size) }
        return output
    }
}
