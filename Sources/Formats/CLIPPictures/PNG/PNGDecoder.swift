/// PNG (ISO/IEC 15948): every colour type, depth and interlacing; of an animation the default picture.
package enum PNGDecoder: PictureDecoder {
    package static let formatName = "PNG"

    package static func recognises(_ bytes: [UInt8]) -> Bool { bytes.starts(with: PNGChunkReader.signature) }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(PictureError) -> DecodedPicture {
        let file = try PNGFile(bytes, options: options)
        let pixels = try decompress(file, fileSize: bytes.count, options)
        let bitmap = Bitmap(width: file.header.width, height: file.header.height, pixels: pixels)
        return DecodedPicture(bitmap: bitmap, orientation: file.orientation)
    }

    private static func decompress(
        _ file: PNGFile, fileSize: Int, _ options: DecodingOptions
    ) throws(PictureError) -> [UInt8] {
        var position = 0
        func imageError(_ error: InflateError) -> PictureError {
            switch error {
            case .corrupt(let problem):
                .malformed(format: formatName, offset: file.fileOffset(of: position), problem: problem)
            case .endsEarly:
                .truncated(format: formatName, offset: fileSize, problem: "inside the picture's data")
            }
        }

        var stream: ZlibStream
        do throws(InflateError) { stream = try ZlibStream(file.compressed) } catch { throw imageError(error) }
        var rows = PNGRows(file, options: options)
        while true {
            let progress = try stream.next { (piece) throws(PictureError) in
                guard rows.append(piece) else {
                    throw .malformed(
                        format: formatName, offset: file.fileOffset(of: 0), problem: "a row has an unknown filter")
                }
            }
            position = stream.position
            switch progress {
            case .more:
                // More data than the picture needs: whatever follows is not decompressed.
                if rows.isComplete { return rows.pixels }
            case .finished:
                if rows.isComplete || options.allowTruncated { return rows.pixels }
                throw .truncated(
                    format: formatName, offset: fileSize, problem: "before the picture's last row")
            case .failed(let error):
                if options.allowTruncated { return rows.pixels }
                // Every pixel is there, only the checksum is missing.
                if rows.isComplete, error == .endsEarly { return rows.pixels }
                throw imageError(error)
            }
        }
    }
}
