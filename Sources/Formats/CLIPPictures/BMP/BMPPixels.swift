/// The pixels of a BMP or an icon.
enum BMPPixels {
    /// - Parameter start: where the pixels begin.
    /// - Returns: `[height, width, 3]`, the top row first.
    static func decode(
        _ bytes: [UInt8], at start: Int, _ header: BMPHeader, format: String, options: DecodingOptions
    ) throws(PictureError) -> [UInt8] {
        let count = try options.checkedPixelCount(format: format, width: header.width, height: header.height)
        guard start < bytes.count || options.allowTruncated else {
            throw .truncated(
                format: format, offset: bytes.count, problem: "its header says that the pixels begin at byte \(start)")
        }
        let palette = PaletteTable(rgb: header.palette)
        if case .runLength(let bitsPerIndex) = header.compression {
            let runs = BMPRunLength(bitsPerIndex: bitsPerIndex, width: header.width, count: count)
            let indices = try runs.decode(bytes, at: min(start, bytes.count), format: format, options)
            return rows(of: header) { y, row in
                let source = indices[y * header.width..<(y + 1) * header.width]
                source.withUnsafeBufferPointer { palette.expand($0, to: row) }
            }
        }

        // The last row needs no padding.
        let needed = header.rowStride * (header.height - 1) + header.rowBytes
        guard bytes.count - start >= needed || options.allowTruncated else {
            throw .truncated(
                format: format, offset: bytes.count,
                problem: "\(header.width) × \(header.height) pixels need \(needed) bytes from byte \(start) on")
        }
        let colour = BMPColour(masks: header.masks, compositesOverWhite: options.alpha == .white)
        return bytes.withUnsafeBufferPointer { bytes in
            rows(of: header) { y, row in
                let offset = start + y * header.rowStride
                guard bytes.count - offset >= header.rowBytes else { return row.initialize(repeating: 0) }
                let source = UnsafeBufferPointer(rebasing: bytes[offset..<offset + header.rowBytes])
                switch header.bitsPerPixel {
                case 24: swapRedAndBlue(source, row)
                case 16: colour.convert16(source, row)
                case 32: colour.convert32(source, row)
                default: palette.expand(packed: source, bits: header.bitsPerPixel, to: row)
                }
            }
        }
    }

    /// Calls `fill` for every row in the order of the file with the three bytes a pixel to be filled.
    private static func rows(
        of header: BMPHeader, _ fill: (Int, UnsafeMutableBufferPointer<UInt8>) -> Void
    ) -> [UInt8] {
        let rowBytes = 3 * header.width
        return [UInt8](unsafeUninitializedCapacity: rowBytes * header.height) { pixels, count in
            preferLargePages(pixels)
            for y in 0..<header.height {
                let row = header.isTopDown ? y : header.height - 1 - y
                fill(y, UnsafeMutableBufferPointer(rebasing: pixels[row * rowBytes..<(row + 1) * rowBytes]))
            }
            count = rowBytes * header.height
        }
    }

    private static func swapRedAndBlue(
        _ source: UnsafeBufferPointer<UInt8>, _ row: UnsafeMutableBufferPointer<UInt8>
    ) {
        precondition(source.count == row.count)
        for x in stride(from: 0, to: row.count - 2, by: 3) {
            row[x] = source[x + 2]
            row[x + 1] = source[x + 1]
            row[x + 2] = source[x]
        }
    }
}
