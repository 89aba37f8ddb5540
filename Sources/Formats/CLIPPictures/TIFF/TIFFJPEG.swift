/// JPEG inside TIFF (TIFF Technical Note 2): every strip or tile is a JPEG of its own, its tables may be apart.
struct TIFFJPEG {
    let layout: TIFFLayout
    let bytes: [UInt8]
    /// A JPEG of tables alone, from its first to its last marker.
    let tables: ArraySlice<UInt8>?

    /// - Returns: `[height, width, 3]`
    func decode(_ options: DecodingOptions) throws(PictureError) -> [UInt8] {
        var pixels = pictureMemory(3 * layout.width * layout.height)
        for index in 0..<layout.chunksAcross * layout.chunksDown {
            let top = index / layout.chunksAcross * layout.chunkHeight
            let left = index % layout.chunksAcross * layout.chunkWidth
            guard let stream = stream(index) else {
                if options.allowTruncated { continue }
                throw .truncated(format: "TIFF", offset: bytes.count, problem: "strip or tile \(index) is not a JPEG")
            }
            var limited = options
            limited.leastEdge = nil
            limited.maximumPixels = min(options.maximumPixels, layout.chunkWidth * (layout.chunkHeight + 16))
            let chunk = try JPEGDecoder.decode(stream, options: limited).bitmap
            let columns = min(layout.width - left, chunk.width)
            for y in 0..<min(layout.height - top, chunk.height) {
                let start = 3 * ((top + y) * layout.width + left)
                let source = 3 * y * chunk.width
                pixels.replaceSubrange(start..<start + 3 * columns, with: chunk.pixels[source..<source + 3 * columns])
            }
        }
        return pixels
    }

    /// A whole JPEG: the tables put in, and a marker that says what its colours are.
    private func stream(_ index: Int) -> [UInt8]? {
        guard index < layout.offsets.count, layout.offsets[index] < bytes.count else { return nil }
        let start = layout.offsets[index]
        let data = bytes[start..<start + layout.byteCounts[index]]
        guard data.starts(with: [0xFF, 0xD8]) else { return nil }
        // Adobe's marker: no transform for RGB, 1 for YCC.
        let transform: UInt8 = if case .jpegYCC = layout.colour { 1 } else { 0 }
        let adobe: [UInt8] = [0xFF, 0xEE, 0, 14] + Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, transform]
        var stream: [UInt8] = [0xFF, 0xD8]
        if layout.samplesPerPixel == 3 { stream += adobe }
        if let tables, tables.count > 4 { stream += tables.dropFirst(2).dropLast(2) }
        return stream + data.dropFirst(2)
    }
}
