/// Lossless WebP (WebP lossless specification): the data of a `VP8L` chunk, or of a compressed `ALPH` chunk.
struct VP8LDecoder {
    /// Bytes of a stream's header.
    static let headerSize = 5

    /// Reads the header of a `VP8L` chunk.
    /// - Returns: nil unless it begins as one.
    static func size(_ header: ArraySlice<UInt8>) -> (width: Int, height: Int, hasAlpha: Bool)? {
        guard header.count >= headerSize, header.first == 0x2F else { return nil }
        let bits = header.dropFirst().prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard bits >> 29 == 0 else { return nil }
        return (bits & 0x3FFF + 1, bits >> 14 & 0x3FFF + 1, bits >> 28 & 1 == 1)
    }

    private let width: Int
    private let height: Int
    private var transforms: [VP8LTransform] = []

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    /// Decodes the pixels that follow the header.
    /// - Parameter body: gets each row, from the top, in ARGB. Rows that are missing at the end are not given.
    /// - Returns: false when rows are missing.
    mutating func decode(
        _ input: UnsafeBufferPointer<UInt8>, _ body: (Int, UnsafeBufferPointer<UInt32>) -> Void
    ) throws(VP8LError) -> Bool {
        var bits = VP8LBitReader(input)
        let packedWidth = try readTransforms(&bits)
        let image = try VP8LEntropyImage(&bits, width: packedWidth, height: height, isMain: true)
        var row = [UInt32](repeating: 0, count: width)
        row.withUnsafeMutableBufferPointer { row in
            image.pixels.withUnsafeBufferPointer { pixels in
                for y in 0..<image.decodedCount / packedWidth {
                    for x in 0..<packedWidth { row[x] = pixels[y * packedWidth + x] }
                    for index in transforms.indices.reversed() { transforms[index].undo(row, y: y) }
                    body(y, UnsafeBufferPointer(row))
                }
            }
        }
        return image.isWhole
    }

    /// - Returns: the width of the rows that are coded.
    private mutating func readTransforms(_ bits: inout VP8LBitReader) throws(VP8LError) -> Int {
        var codedWidth = width
        var seen: Set<Int> = []
        while bits.read(1) == 1 {
            let type = bits.read(2)
            guard seen.insert(type).inserted else { throw .corrupt("a transform occurs twice") }
            switch type {
            case 0, 1:
                let blockBits = bits.read(3) + 2
                let blocks = try VP8LEntropyImage(
                    &bits, width: subsampled(codedWidth, blockBits), height: subsampled(height, blockBits),
                    isMain: false)
                transforms.append(
                    VP8LTransform(
                        kind: type == 0 ? .predictor : .crossColour, width: codedWidth, blockBits: blockBits,
                        data: blocks.pixels))
            case 2:
                transforms.append(VP8LTransform(kind: .subtractGreen, width: codedWidth))
            default:
                let count = bits.read(8) + 1
                var palette = try VP8LEntropyImage(&bits, width: count, height: 1, isMain: false).pixels
                for index in 1..<max(count, 1) { palette[index] = VP8LPixel.added(palette[index], palette[index - 1]) }
                let packing = count <= 2 ? 3 : count <= 4 ? 2 : count <= 16 ? 1 : 0
                transforms.append(
                    VP8LTransform(kind: .colourIndexing(bits: packing), width: codedWidth, data: palette))
                codedWidth = subsampled(codedWidth, packing)
            }
        }
        return codedWidth
    }
}
