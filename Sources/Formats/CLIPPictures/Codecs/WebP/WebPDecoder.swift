package import CLIPSystem

/// WebP: lossy and lossless, with opacity; of an animation the first frame on its canvas.
package enum WebPDecoder: PictureDecoder {
    package static let formatName = "WebP"
    package static let fileExtensions = ["webp"]

    package static func recognises(_ bytes: [UInt8]) -> Bool {
        bytes.count >= 12 && bytes.starts(with: "RIFF".utf8) && bytes[8..<12].elementsEqual("WEBP".utf8)
    }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> DecodedPicture {
        let file = try WebPFile(bytes, format: formatName)
        _ = try options.checkedPixelCount(format: formatName, width: file.width, height: file.height)
        if let cut = file.cut, !options.allowTruncated {
            throw .truncated(format: formatName, offset: bytes.count, problem: cut)
        }
        let isOverWhite = file.hasAlpha && options.alpha == .white
        let frame =
            switch file.coding {
            case .lossless: try losslessPixels(bytes, file, isOverWhite: isOverWhite, options)
            case .lossy: try lossyPixels(bytes, file, isOverWhite: isOverWhite, options)
            }
        let pixels = onCanvas(frame, file, outside: isOverWhite ? 255 : 0)
        return DecodedPicture(
            bitmap: Bitmap(width: file.width, height: file.height, pixels: pixels), orientation: file.orientation)
    }

    private static func truncated(_ bytes: [UInt8]) -> CLIPError {
        .truncated(format: formatName, offset: bytes.count, problem: "inside the picture's data")
    }

    private static func losslessPixels(
        _ bytes: [UInt8], _ file: WebPFile, isOverWhite: Bool, _ options: DecodingOptions
    ) throws(CLIPError) -> [UInt8] {
        let rowBytes = 3 * file.frameWidth
        let byteCount = rowBytes * file.frameHeight
        var decoder = VP8LDecoder(width: file.frameWidth, height: file.frameHeight)
        let data = file.picture.dropFirst(VP8LDecoder.headerSize)
        var result: Result<Bool, StreamFault> = .success(true)
        let pixels = [UInt8](unsafeUninitializedCapacity: byteCount) { pixels, count in
            preferLargePages(pixels)
            var rowCount = 0
            do throws(StreamFault) {
                let isWhole = try bytes.withUnsafeBufferPointer { (bytes) throws(StreamFault) in
                    let input = UnsafeBufferPointer(rebasing: bytes[data.startIndex..<data.endIndex])
                    return try decoder.decode(input) { y, row in
                        let target = pixels[y * rowBytes..<(y + 1) * rowBytes]
                        write(row, to: UnsafeMutableBufferPointer(rebasing: target), isOverWhite: isOverWhite)
                        rowCount = y + 1
                    }
                }
                result = .success(isWhole)
            } catch {
                result = .failure(error)
            }
            // Memory of a picture that is refused is never touched.
            guard result == .success(true) || options.allowTruncated else { return count = 0 }
            UnsafeMutableBufferPointer(rebasing: pixels[(rowCount * rowBytes)..<byteCount])
                .initialize(repeating: isOverWhite ? 255 : 0)
            count = byteCount
        }
        switch result {
        case .success(true): return pixels
        case .success(false), .failure(.endsEarly):
            if options.allowTruncated { return pixels }
            throw truncated(bytes)
        case .failure(.corrupt(let problem)):
            throw .malformed(format: formatName, offset: file.picture.lowerBound, problem: problem)
        }
    }

    /// ARGB to RGB.
    private static func write(
        _ row: UnsafeBufferPointer<UInt32>, to target: UnsafeMutableBufferPointer<UInt8>, isOverWhite: Bool
    ) {
        precondition(target.count == 3 * row.count)
        for x in 0..<row.count {
            let pixel = row[x]
            var red = UInt8(truncatingIfNeeded: pixel >> 16)
            var green = UInt8(truncatingIfNeeded: pixel >> 8)
            var blue = UInt8(truncatingIfNeeded: pixel)
            let alpha = UInt8(truncatingIfNeeded: pixel >> 24)
            if isOverWhite, alpha < 255 {
                (red, green, blue) = (overWhite(red, alpha), overWhite(green, alpha), overWhite(blue, alpha))
            }
            target[3 &* x] = red
            target[3 &* x &+ 1] = green
            target[3 &* x &+ 2] = blue
        }
    }

    private static func lossyPixels(
        _ bytes: [UInt8], _ file: WebPFile, isOverWhite: Bool, _ options: DecodingOptions
    ) throws(CLIPError) -> [UInt8] {
        var pixels = try VP8Decoder.decode(bytes, file.picture, format: formatName, options)
        guard let chunk = file.alpha else { return pixels }
        guard let alpha = WebPAlpha.decode(bytes, chunk, width: file.frameWidth, height: file.frameHeight) else {
            if options.allowTruncated { return pixels }
            throw .malformed(format: formatName, offset: chunk.lowerBound, problem: "the opacity (ALPH) is broken")
        }
        guard isOverWhite else { return pixels }
        pixels.withUnsafeMutableBufferPointer { pixels in
            alpha.withUnsafeBufferPointer { alpha in
                for index in 0..<alpha.count where alpha[index] < 255 {
                    for channel in 3 &* index..<3 &* index &+ 3 {
                        pixels[channel] = overWhite(pixels[channel], alpha[index])
                    }
                }
            }
        }
        return pixels
    }

    /// Puts the frame in its place on the canvas.
    private static func onCanvas(_ frame: [UInt8], _ file: WebPFile, outside: UInt8) -> [UInt8] {
        if file.frameWidth == file.width, file.frameHeight == file.height { return frame }
        var canvas = [UInt8](repeating: outside, count: 3 * file.width * file.height)
        let rowBytes = 3 * file.frameWidth
        for y in 0..<file.frameHeight {
            let start = 3 * ((file.top + y) * file.width + file.left)
            canvas.replaceSubrange(start..<start + rowBytes, with: frame[y * rowBytes..<(y + 1) * rowBytes])
        }
        return canvas
    }
}

/// The opacity of a lossy WebP picture, from its `ALPH` chunk (WebP container specification, "Alpha").
private enum WebPAlpha {
    /// - Returns: `[height, width]`, or nil for data that is broken.
    static func decode(_ bytes: [UInt8], _ chunk: Range<Int>, width: Int, height: Int) -> [UInt8]? {
        guard let flags = bytes[chunk].first else { return nil }
        let data = chunk.dropFirst()
        guard flags >> 6 <= 1, flags >> 4 & 3 <= 1 else { return nil }
        var plane: [UInt8]
        switch flags & 3 {
        case 0:
            guard data.count >= width * height else { return nil }
            plane = Array(bytes[data.startIndex..<data.startIndex + width * height])
        case 1:
            plane = [UInt8](repeating: 255, count: width * height)
            var decoder = VP8LDecoder(width: width, height: height)
            let isWhole = bytes.withUnsafeBufferPointer { bytes in
                let input = UnsafeBufferPointer(rebasing: bytes[data.startIndex..<data.endIndex])
                return try? decoder.decode(input) { y, row in
                    for x in 0..<width { plane[y * width + x] = UInt8(truncatingIfNeeded: row[x] >> 8) }
                }
            }
            guard isWhole == true else { return nil }
        default: return nil
        }
        unfilter(&plane, method: flags >> 2 & 3, width: width, height: height)
        return plane
    }

    private static func unfilter(_ plane: inout [UInt8], method: UInt8, width: Int, height: Int) {
        guard method > 0 else { return }
        plane.withUnsafeMutableBufferPointer { plane in
            for x in 1..<max(width, 1) { plane[x] &+= plane[x - 1] }
            for y in 1..<max(height, 1) {
                let start = y * width
                switch method {
                case 1:
                    plane[start] &+= plane[start - width]
                    for i in start + 1..<max(start + width, start + 1) { plane[i] &+= plane[i - 1] }
                case 2:
                    for i in start..<start + width { plane[i] &+= plane[i - width] }
                default:
                    plane[start] &+= plane[start - width]
                    for i in start + 1..<max(start + width, start + 1) {
                        let gradient = Int(plane[i - 1]) + Int(plane[i - width]) - Int(plane[i - width - 1])
                        plane[i] &+= UInt8(max(0, min(255, gradient)))
                    }
                }
            }
        }
    }
}
