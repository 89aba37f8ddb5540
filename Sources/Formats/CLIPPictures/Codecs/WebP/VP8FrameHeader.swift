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

/// How strongly the edges of macroblocks are smoothed (RFC 6386, sections 9.6 and 15).
struct VP8LoopFilterHeader {
    /// What one macroblock needs.
    struct Strength {
        /// 0 for no filter at all.
        var limit = 0
        var interiorLimit = 0
        /// Differences over this are real edges.
        var edgeThreshold = 0
    }

    var isOn = false
    /// The simple filter smooths luma alone.
    var isSimple = false
    /// Strength of each segment and kind of macroblock.
    private var strengths: [Strength] = []

    init() {}

    /// - Parameters:
    ///   - levels: of each segment.
    ///   - referenceChange: what is added in key frames.
    ///   - subblockChange: what is added where subblocks are predicted one by one.
    init(
        isOn: Bool, isSimple: Bool, levels: [Int], sharpness: Int, referenceChange: Int, subblockChange: Int
    ) {
        self.isOn = isOn
        self.isSimple = isSimple
        strengths = levels.flatMap { base in
            [0, subblockChange].map { change in
                let level = max(0, min(63, base + referenceChange + change))
                guard level > 0 else { return Strength() }
                var interior = level
                if sharpness > 0 { interior = min(interior >> (sharpness > 4 ? 2 : 1), 9 - sharpness) }
                interior = max(1, interior)
                return Strength(
                    limit: 2 * level + interior, interiorLimit: interior,
                    edgeThreshold: level >= 40 ? 2 : level >= 15 ? 1 : 0)
            }
        }
    }

    func strength(segment: Int, hasSubblocks: Bool) -> Strength { strengths[2 * segment + (hasSubblocks ? 1 : 0)] }
}

/// The arithmetic decoder of VP8 (RFC 6386, section 7).
struct VP8BoolDecoder {
    private let input: UnsafeBufferPointer<UInt8>
    private var position = 0
    /// Bits read but not used; the highest eight of the `8 + bits` lowest are compared with the split.
    private var value: UInt64 = 0
    private var bits = -8
    /// One less than the range of RFC 6386: 127…254.
    private var range: UInt32 = 254
    /// Whether bits past the end were asked for. They are zeros.
    private(set) var isPastEnd = false

    init(_ input: UnsafeBufferPointer<UInt8>) {
        self.input = input
        load()
    }

    @inline(__always)
    private mutating func load() {
        if position &+ 8 <= input.count {
            let word = UnsafeRawPointer(input.baseAddress!).loadUnaligned(fromByteOffset: position, as: UInt64.self)
            value = value &<< 56 | UInt64(bigEndian: word) &>> 8
            bits = bits &+ 56
            position &+= 7
        } else if position < input.count {
            value = value &<< 8 | UInt64(input[position])
            bits = bits &+ 8
            position &+= 1
        } else {
            value = value &<< 8
            bits = isPastEnd ? 0 : bits &+ 8
            isPastEnd = true
        }
    }

    /// Reads a bit that is 0 with a probability of `probability` / 256.
    @inline(__always)
    mutating func bit(_ probability: UInt8) -> Bool {
        if bits < 0 { load() }
        let split = (range &* UInt32(probability)) &>> 8
        let place = UInt64(truncatingIfNeeded: bits)
        let isOne = UInt32(truncatingIfNeeded: value &>> place) > split
        let newRange: UInt32
        if isOne {
            newRange = range &- split
            value = value &- UInt64(split &+ 1) &<< place
        } else {
            newRange = split &+ 1
        }
        // Scaled up until the highest of the eight bits is set.
        let shift = (newRange | 1).leadingZeroBitCount &- 24
        range = newRange &<< UInt32(truncatingIfNeeded: shift) &- 1
        bits = bits &- shift
        return isOne
    }

    /// An unsigned number, most significant bit first.
    mutating func number(_ count: Int) -> Int {
        (0..<count).reduce(0) { value, _ in value << 1 | (bit(128) ? 1 : 0) }
    }

    /// A number and its sign, if a flag says that there is one; else 0.
    mutating func optionalSigned(_ count: Int) -> Int {
        guard flag() else { return 0 }
        let magnitude = number(count)
        return flag() ? -magnitude : magnitude
    }

    mutating func flag() -> Bool { bit(128) }
}
