package import CLIPSystem

/// TIFF and BigTIFF (TIFF 6.0): the first picture, its orientation by its own tag.
package enum TIFFDecoder: PictureDecoder {
    package static let formatName = "TIFF"
    package static let fileExtensions = ["tif", "tiff"]

    package static func recognises(_ bytes: [UInt8]) -> Bool { TIFFDirectory.recognises(bytes) }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> DecodedPicture {
        let directory = try TIFFDirectory(bytes, format: formatName)
        let layout = try TIFFLayout(directory, fileSize: bytes.count, format: formatName, options)
        let pixels =
            layout.compression == 7
            ? try TIFFJPEG(layout: layout, bytes: bytes, tables: directory.bytes(347)).decode(options)
            : try decode(bytes, directory, layout, options)
        return DecodedPicture(
            bitmap: Bitmap(width: layout.width, height: layout.height, pixels: pixels),
            orientation: layout.orientation)
    }

    private static func decode(
        _ bytes: [UInt8], _ directory: TIFFDirectory, _ layout: TIFFLayout, _ options: DecodingOptions
    ) throws(CLIPError) -> [UInt8] {
        let chunks = TIFFChunkDecoder(
            layout: layout, bytes: bytes, isLittleEndian: directory.isLittleEndian, format: formatName)
        let colour = TIFFColour(layout, directory, options)
        try checkData(layout, fileSize: bytes.count, options)
        let planes = layout.isPlanar ? layout.samplesPerPixel : 1
        var pixels = pictureMemory(3 * layout.width * layout.height)
        // Planes are put together before they are colours.
        var together = layout.isPlanar ? pictureMemory(layout.width * layout.height * planes) : []
        let perPlane = layout.chunksAcross * layout.chunksDown

        for index in 0..<perPlane * planes {
            let place = index % perPlane
            let top = place / layout.chunksAcross * layout.chunkHeight
            let left = place % layout.chunksAcross * layout.chunkWidth
            let isTile = layout.chunkWidth != layout.width || layout.chunksAcross > 1
            let shownRows = min(layout.chunkHeight, layout.height - top)
            let (data, present) = try chunks.decode(index, rows: isTile ? layout.chunkHeight : shownRows)
            // Of a tile the rows below the picture may be missing.
            guard present >= shownRows * layout.chunkRowBytes || options.allowTruncated else {
                throw .truncated(
                    format: formatName, offset: bytes.count,
                    problem: "strip or tile \(index) has \(present) bytes of \(shownRows * layout.chunkRowBytes)")
            }
            let columns = min(layout.chunkWidth, layout.width - left)
            for y in 0..<shownRows {
                let source = y * layout.chunkRowBytes..<(y + 1) * layout.chunkRowBytes
                let first = (top + y) * layout.width + left
                data.withUnsafeBufferPointer { data in
                    let row = UnsafeBufferPointer(rebasing: data[source])
                    if layout.isPlanar {
                        together.withUnsafeMutableBufferPointer { together in
                            let start = first * planes + index / perPlane
                            let end = start + (columns - 1) * planes + 1
                            colour.reduce(
                                row, to: UnsafeMutableBufferPointer(rebasing: together[start..<end]), step: planes)
                        }
                    } else {
                        pixels.withUnsafeMutableBufferPointer { pixels in
                            let target = UnsafeMutableBufferPointer(rebasing: pixels[3 * first..<3 * (first + columns)])
                            convert(row, columns, colour, layout, to: target)
                        }
                    }
                }
            }
        }
        if layout.isPlanar {
            together.withUnsafeBufferPointer { together in
                pixels.withUnsafeMutableBufferPointer { colour.convert(together, to: $0) }
            }
        }
        return pixels
    }

    private static func convert(
        _ row: UnsafeBufferPointer<UInt8>, _ columns: Int, _ colour: TIFFColour, _ layout: TIFFLayout,
        to target: UnsafeMutableBufferPointer<UInt8>
    ) {
        if colour.isIndexed { return colour.lookUp(row, to: target) }
        if layout.bitsPerSample == 8 { return colour.convert(row, to: target) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: columns * layout.samplesPerPixel) { samples in
            colour.reduce(row, to: samples, step: 1)
            colour.convert(UnsafeBufferPointer(samples), to: target)
        }
    }

    /// Refuses sizes that the data can't fill, before memory is taken for them: no compression here makes more than
    /// 4096 bytes of one, but fax, which repeats a row with a bit.
    private static func checkData(
        _ layout: TIFFLayout, fileSize: Int, _ options: DecodingOptions
    ) throws(CLIPError) {
        let largestExpansion =
            switch layout.compression {
            case 1: 1
            case 3, 4: max(layout.width, 4096)
            default: 4096
            }
        let bits = layout.width * layout.height * layout.samplesPerPixel * layout.bitsPerSample
        guard bits / 8 / largestExpansion <= fileSize || options.allowTruncated else {
            throw .truncated(
                format: formatName, offset: fileSize,
                problem: "\(fileSize) bytes can't hold \(layout.width) × \(layout.height) pixels")
        }
    }
}
