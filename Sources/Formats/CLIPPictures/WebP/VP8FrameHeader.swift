/// The header of a VP8 key frame (RFC 6386, sections 9.2 to 9.11 and 19.2).
struct VP8FrameHeader {
    /// Bytes before the first partition.
    static let startSize = 10

    /// How one segment of the picture is quantised: steps of the first coefficient and of the others.
    struct Quantiser {
        var luma: (dc: Int32, ac: Int32) = (0, 0)
        var lumaMeans: (dc: Int32, ac: Int32) = (0, 0)
        var chroma: (dc: Int32, ac: Int32) = (0, 0)
    }

    private(set) var hasSegments = false
    /// Whether each macroblock says what segment it belongs to.
    private(set) var hasSegmentMap = false
    private(set) var segmentProbabilities: [UInt8] = [255, 255, 255]
    private(set) var quantisers: [Quantiser] = []

    private(set) var loopFilter = VP8LoopFilterHeader()
    /// Bytes of the frame where each partition of coefficients lies.
    private(set) var partitions: [Range<Int>] = []

    /// Whether macroblocks without coefficients are marked, and how rare those with some are.
    private(set) var skipProbability: UInt8?
    /// `[block type 4, place 17, context 3, 11]`, the places' bands resolved.
    private(set) var coefficients: [UInt8] = []

    /// - Returns: nil unless the bytes begin with a key frame that is meant to be shown.
    static func size(_ bytes: ArraySlice<UInt8>) -> (width: Int, height: Int)? {
        guard bytes.count >= startSize else { return nil }
        let start = bytes.startIndex
        let tag = bytes[start]
        guard tag & 1 == 0, tag >> 1 & 7 <= 3, tag >> 4 & 1 == 1 else { return nil }
        guard bytes[start + 3..<start + 6].elementsEqual([0x9D, 0x01, 0x2A]) else { return nil }
        // Two bits of each are a hint on scaling.
        let width = Int(bytes[start + 6]) | Int(bytes[start + 7] & 0x3F) << 8
        let height = Int(bytes[start + 8]) | Int(bytes[start + 9] & 0x3F) << 8
        return (width, height)
    }

    /// Reads the header from the first partition, which goes on with the macroblocks' modes.
    /// - Returns: nil when the frame ends inside a header or the sizes of its partitions contradict it.
    init?(_ frame: UnsafeBufferPointer<UInt8>, _ bits: inout VP8BoolDecoder, firstPartition: Range<Int>) {
        _ = bits.flag()  // Colour space.
        _ = bits.flag()  // Whether values need no clamping; clamping does them no harm.
        let segments = readSegments(&bits)
        readFilter(&bits, segments)
        guard readPartitions(frame, count: 1 << bits.number(2), start: firstPartition.upperBound) else { return nil }
        readQuantisers(&bits, segments)
        _ = bits.flag()  // Whether probabilities are kept for later frames.
        readCoefficientProbabilities(&bits)
        if bits.flag() { skipProbability = UInt8(bits.number(8)) }
        if bits.isPastEnd { return nil }
    }

    private struct Segments {
        var isAbsolute = true
        var quantiserIndices = [0, 0, 0, 0]
        var filterLevels = [0, 0, 0, 0]
    }

    private mutating func readSegments(_ bits: inout VP8BoolDecoder) -> Segments {
        var segments = Segments()
        hasSegments = bits.flag()
        guard hasSegments else { return segments }
        hasSegmentMap = bits.flag()
        if bits.flag() {
            segments.isAbsolute = bits.flag()
            for index in 0..<4 { segments.quantiserIndices[index] = bits.optionalSigned(7) }
            for index in 0..<4 { segments.filterLevels[index] = bits.optionalSigned(6) }
        }
        if hasSegmentMap {
            for index in 0..<3 { segmentProbabilities[index] = bits.flag() ? UInt8(bits.number(8)) : 255 }
        }
        return segments
    }

    private mutating func readFilter(_ bits: inout VP8BoolDecoder, _ segments: Segments) {
        let isSimple = bits.flag()
        let level = bits.number(6)
        let sharpness = bits.number(3)
        var referenceChange = 0
        var subblockChange = 0
        let hasChanges = bits.flag()
        if hasChanges, bits.flag() {
            // Of four references and four modes only those of key frames matter.
            for index in 0..<4 {
                let change = bits.optionalSigned(6)
                if index == 0 { referenceChange = change }
            }
            for index in 0..<4 {
                let change = bits.optionalSigned(6)
                if index == 0 { subblockChange = change }
            }
        }
        let levels = (0..<4).map { index in
            guard hasSegments else { return level }
            return segments.filterLevels[index] + (segments.isAbsolute ? 0 : level)
        }
        loopFilter = VP8LoopFilterHeader(
            isOn: level > 0, isSimple: isSimple, levels: levels, sharpness: sharpness,
            referenceChange: referenceChange, subblockChange: subblockChange)
    }

    private mutating func readPartitions(_ frame: UnsafeBufferPointer<UInt8>, count: Int, start: Int) -> Bool {
        let sizesEnd = start + 3 * (count - 1)
        guard sizesEnd < frame.count else { return false }
        var position = sizesEnd
        for index in 0..<count - 1 {
            let at = start + 3 * index
            let size = Int(frame[at]) | Int(frame[at + 1]) << 8 | Int(frame[at + 2]) << 16
            let end = min(position + size, frame.count)
            partitions.append(position..<end)
            position = end
        }
        partitions.append(position..<frame.count)
        return true
    }

    private mutating func readQuantisers(_ bits: inout VP8BoolDecoder, _ segments: Segments) {
        let base = bits.number(7)
        let (lumaDC, meansDC, meansAC) = (bits.optionalSigned(4), bits.optionalSigned(4), bits.optionalSigned(4))
        let (chromaDC, chromaAC) = (bits.optionalSigned(4), bits.optionalSigned(4))
        func clamped(_ index: Int, to limit: Int = 127) -> Int { max(0, min(limit, index)) }
        quantisers = (0..<4).map { segment in
            var index = base
            if hasSegments { index = segments.quantiserIndices[segment] + (segments.isAbsolute ? 0 : base) }
            let dc = VP8Tables.dcSteps
            let ac = VP8Tables.acSteps
            return Quantiser(
                luma: (dc[clamped(index + lumaDC)], ac[clamped(index)]),
                lumaMeans: (2 * dc[clamped(index + meansDC)], max(8, ac[clamped(index + meansAC)] * 155 / 100)),
                chroma: (dc[clamped(index + chromaDC, to: 117)], ac[clamped(index + chromaAC)]))
        }
    }

    private mutating func readCoefficientProbabilities(_ bits: inout VP8BoolDecoder) {
        var bands = VP8Tables.coefficients
        for index in bands.indices where bits.bit(VP8Tables.coefficientUpdates[index]) {
            bands[index] = UInt8(bits.number(8))
        }
        let bandSize = 3 * 11
        for type in 0..<4 {
            for band in VP8Tables.bands {
                let start = (type * 8 + band) * bandSize
                coefficients += bands[start..<start + bandSize]
            }
        }
    }
}
