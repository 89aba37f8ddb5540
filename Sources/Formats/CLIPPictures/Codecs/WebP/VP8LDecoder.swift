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
    ) throws(StreamFault) -> Bool {
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
    private mutating func readTransforms(_ bits: inout VP8LBitReader) throws(StreamFault) -> Int {
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

/// A reversible change of the pixels that made them easier to compress (WebP lossless specification, section 4).
private struct VP8LTransform {
    enum Kind {
        case predictor
        case crossColour
        case subtractGreen
        /// Pixels are palette indices, 2^bits of them in one.
        case colourIndexing(bits: Int)
    }

    let kind: Kind
    /// Width of the rows after it is undone.
    let width: Int
    /// Blocks have 2^blockBits pixels each way.
    var blockBits = 0
    /// One pixel for each block, or the palette.
    var data: [UInt32] = []
    /// The row above, undone, with one pixel more: the first of the row itself.
    private var above: [UInt32] = []

    init(kind: Kind, width: Int, blockBits: Int = 0, data: [UInt32] = []) {
        self.kind = kind
        self.width = width
        self.blockBits = blockBits
        self.data = data
        if case .predictor = kind { above = [UInt32](repeating: 0, count: width + 1) }
    }

    /// Undoes the transform of row `y`, in place. Rows have to come in order.
    mutating func undo(_ row: UnsafeMutableBufferPointer<UInt32>, y: Int) {
        switch kind {
        case .subtractGreen: addGreen(row)
        case .crossColour: undoCrossColour(row, y)
        case .colourIndexing(let bits): lookUp(row, bits)
        case .predictor: undoPrediction(row, y)
        }
    }

    private func addGreen(_ row: UnsafeMutableBufferPointer<UInt32>) {
        for x in 0..<width {
            let pixel = row[x]
            let green = pixel >> 8 & 0xFF
            let redAndBlue = (pixel & 0x00FF_00FF &+ (green | green << 16)) & 0x00FF_00FF
            row[x] = pixel & 0xFF00_FF00 | redAndBlue
        }
    }

    private func undoCrossColour(_ row: UnsafeMutableBufferPointer<UInt32>, _ y: Int) {
        let blocksAcross = subsampled(width, blockBits)
        @inline(__always) func signed(_ value: UInt32) -> Int32 {
            Int32(Int8(truncatingIfNeeded: value))
        }
        for block in 0..<blocksAcross {
            let element = data[(y >> blockBits) * blocksAcross + block]
            let (greenToRed, greenToBlue, redToBlue) = (
                signed(element), signed(element >> 8), signed(element >> 16)
            )
            for x in block << blockBits..<min((block + 1) << blockBits, width) {
                let pixel = row[x]
                let green = signed(pixel >> 8)
                let red = (pixel >> 16 &+ UInt32(bitPattern: (greenToRed &* green) >> 5)) & 0xFF
                let change = (greenToBlue &* green) >> 5 &+ (redToBlue &* signed(red)) >> 5
                let blue = (pixel &+ UInt32(bitPattern: change)) & 0xFF
                row[x] = pixel & 0xFF00_FF00 | red << 16 | blue
            }
        }
    }

    private func lookUp(_ row: UnsafeMutableBufferPointer<UInt32>, _ bits: Int) {
        let bitsPerIndex = 8 >> bits
        let mask = UInt32(1) << UInt32(bitsPerIndex) - 1
        data.withUnsafeBufferPointer { palette in
            // From the right, so that packed pixels are read before they are overwritten.
            for x in stride(from: width - 1, through: 0, by: -1) {
                let shift = UInt32(8 + (x & (1 << bits - 1)) * bitsPerIndex)
                let index = Int(row[x >> bits] >> shift & mask)
                row[x] = index < palette.count ? palette[index] : 0
            }
        }
    }

    private mutating func undoPrediction(_ row: UnsafeMutableBufferPointer<UInt32>, _ y: Int) {
        let black: UInt32 = 0xFF00_0000
        if y == 0 {
            row[0] = VP8LPixel.added(row[0], black)
            for x in 1..<max(width, 1) { row[x] = VP8LPixel.added(row[x], row[x - 1]) }
        } else {
            let blocksAcross = subsampled(width, blockBits)
            above.withUnsafeMutableBufferPointer { above in
                row[0] = VP8LPixel.added(row[0], above[0])
                // Right of the last pixel above lies the first one of this row.
                above[width] = row[0]
                for block in 0..<blocksAcross {
                    let mode = data[(y >> blockBits) * blocksAcross + block] >> 8 & 15
                    let pixels = max(1, block << blockBits)..<min((block + 1) << blockBits, width)
                    guard !pixels.isEmpty else { continue }
                    VP8LPixel.predict(mode, row, UnsafeBufferPointer(above), pixels)
                }
            }
        }
        for x in 0..<width { above[x] = row[x] }
    }
}

/// Arithmetic on the four bytes of an ARGB pixel, and the predictors made of it (WebP lossless specification,
/// section 4.1).
private enum VP8LPixel {
    @inline(__always)
    static func added(_ a: UInt32, _ b: UInt32) -> UInt32 {
        (a & 0xFF00_FF00 &+ b & 0xFF00_FF00) & 0xFF00_FF00 | (a & 0x00FF_00FF &+ b & 0x00FF_00FF) & 0x00FF_00FF
    }

    @inline(__always)
    static func average(_ a: UInt32, _ b: UInt32) -> UInt32 {
        (((a ^ b) & 0xFEFE_FEFE) >> 1) &+ (a & b)
    }

    @inline(__always)
    private static func lanes(_ pixel: UInt32) -> SIMD4<Int16> {
        SIMD4(truncatingIfNeeded: unsafeBitCast(pixel, to: SIMD4<UInt8>.self))
    }

    @inline(__always)
    private static func clamped(_ lanes: SIMD4<Int16>) -> UInt32 {
        let low = lanes.replacing(with: 0, where: lanes .< 0)
        let high = low.replacing(with: 255, where: low .> 255)
        return unsafeBitCast(SIMD4<UInt8>(truncatingIfNeeded: high), to: UInt32.self)
    }

    @inline(__always)
    private static func magnitude(_ v: SIMD4<Int16>) -> SIMD4<Int16> {
        let sign = v &>> 15
        return (v ^ sign) &- sign
    }

    /// The one of `left` and `up` that is farther from `upLeft` on the other's side.
    @inline(__always)
    private static func selected(_ left: UInt32, _ up: UInt32, _ upLeft: UInt32) -> UInt32 {
        let corner = lanes(upLeft)
        let fromLeft = magnitude(lanes(up) &- corner).wrappedSum()
        let fromUp = magnitude(lanes(left) &- corner).wrappedSum()
        return fromLeft < fromUp ? left : up
    }

    @inline(__always)
    private static func addSubtractFull(_ left: UInt32, _ up: UInt32, _ upLeft: UInt32) -> UInt32 {
        clamped(lanes(left) &+ lanes(up) &- lanes(upLeft))
    }

    @inline(__always)
    private static func addSubtractHalf(_ mean: UInt32, _ upLeft: UInt32) -> UInt32 {
        let centre = lanes(mean)
        let difference = centre &- lanes(upLeft)
        // Halved towards zero.
        return clamped(centre &+ (difference &- (difference &>> 15)) &>> 1)
    }

    /// Adds the prediction of one mode to the pixels of a block's row.
    static func predict(
        _ mode: UInt32, _ row: UnsafeMutableBufferPointer<UInt32>, _ above: UnsafeBufferPointer<UInt32>,
        _ pixels: Range<Int>
    ) {
        @inline(__always) func add(_ prediction: (_ left: UInt32, _ x: Int) -> UInt32) {
            var left = row[pixels.lowerBound - 1]
            for x in pixels {
                left = added(row[x], prediction(left, x))
                row[x] = left
            }
        }
        switch mode {
        case 1: add { left, _ in left }
        case 2: add { _, x in above[x] }
        case 3: add { _, x in above[x + 1] }
        case 4: add { _, x in above[x - 1] }
        case 5: add { left, x in average(average(left, above[x + 1]), above[x]) }
        case 6: add { left, x in average(left, above[x - 1]) }
        case 7: add { left, x in average(left, above[x]) }
        case 8: add { _, x in average(above[x - 1], above[x]) }
        case 9: add { _, x in average(above[x], above[x + 1]) }
        case 10: add { left, x in average(average(left, above[x - 1]), average(above[x], above[x + 1])) }
        case 11: add { left, x in selected(left, above[x], above[x - 1]) }
        case 12: add { left, x in addSubtractFull(left, above[x], above[x - 1]) }
        case 13: add { left, x in addSubtractHalf(average(left, above[x]), above[x - 1]) }
        default: add { _, _ in 0xFF00_0000 }
        }
    }
}
