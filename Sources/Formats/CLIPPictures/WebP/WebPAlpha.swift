/// The opacity of a lossy WebP picture, from its `ALPH` chunk (WebP container specification, "Alpha").
enum WebPAlpha {
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
