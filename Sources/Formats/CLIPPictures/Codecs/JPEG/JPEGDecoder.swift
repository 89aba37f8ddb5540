package import CLIPSystem

/// JPEG (ITU-T T.81, JFIF): baseline, extended sequential and progressive, Huffman or arithmetic codes, 8 bits a sample.
///
/// Pixels are those of the reference decoder with its default settings (accurate integer transform, fancy
/// upsampling), and Pillow's where that converts to RGB.
package enum JPEGDecoder: PictureDecoder {
    package static let formatName = JPEGMarker.formatName
    package static let fileExtensions = ["jpg", "jpeg", "jpe", "jfif"]

    package static func recognises(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0xFF, 0xD8, 0xFF]) }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> DecodedPicture {
        try bytes.withUnsafeBufferPointer { (bytes) throws(CLIPError) in
            var file = JPEGFile(bytes, options: options)
            let (frame, scan) = try file.readHeaders()
            // Of the headers alone: what stands between scans doesn't count.
            let orientation = file.orientation
            let pixels = try decodePixels(&file, frame, firstScan: scan)
            let bitmap = Bitmap(
                width: frame.width, height: frame.height, pixels: pixels, reduction: 8 / frame.blockSize,
                fullWidth: frame.codedWidth, fullHeight: frame.codedHeight)
            return DecodedPicture(bitmap: bitmap, orientation: orientation)
        }
    }

    private static func decodePixels(
        _ file: inout JPEGFile, _ frame: JPEGFrame, firstScan: JPEGScanHeader
    ) throws(CLIPError) -> [UInt8] {
        var failure: CLIPError?
        let byteCount = frame.width * frame.height * 3
        let pixels = [UInt8](unsafeUninitializedCapacity: byteCount) { memory, initialisedCount in
            do throws(CLIPError) {
                let output = UnsafeMutableBufferPointer(rebasing: memory[..<byteCount])
                preferLargePages(output)
                let canvas = JPEGCanvas(
                    frame, colour: file.colour(of: frame), pixels: output, options: file.options)
                if !frame.isProgressive, !frame.isArithmetic, firstScan.members.count == frame.components.count {
                    try JPEGStreamedPicture.decode(&file, firstScan, into: canvas)
                } else {
                    try JPEGBufferedPicture.decode(&file, firstScan, into: canvas)
                }
                initialisedCount = byteCount
            } catch {
                failure = error
                initialisedCount = 0
            }
        }
        if let failure { throw failure }
        return pixels
    }
}
