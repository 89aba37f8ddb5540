/// ARGB pixels coded by prefix codes, back references and a colour cache: the picture itself after its transforms, or
/// one of the small pictures that steer it (WebP lossless specification, section 5).
struct VP8LEntropyImage {
    let width: Int
    let height: Int
    private(set) var pixels: [UInt32] = []
    /// Pixels that were decoded before the stream ended; the rest is 0.
    private(set) var decodedCount = 0

    private var cacheBits = 0
    private var codes = VP8LCodeReader()
    private var groups: [VP8LCodeGroup] = []
    /// Regions of the picture have 2^regionBits pixels each way; each has its group.
    private var regionBits = 0
    private var groupOfRegion: [UInt16] = []

    /// - Parameter isMain: whether regions may have codes of their own.
    init(_ bits: inout VP8LBitReader, width: Int, height: Int, isMain: Bool) throws(StreamFault) {
        self.width = width
        self.height = height
        if bits.read(1) == 1 {
            cacheBits = bits.read(4)
            guard (1...11).contains(cacheBits) else {
                throw .corrupt("a colour cache of \(cacheBits) bits, expected 1 to 11")
            }
        }
        try readGroups(&bits, hasRegions: isMain && bits.read(1) == 1)
        if let failure = decodePixels(&bits) {
            // What was decoded of the picture itself is worth keeping, for those who allow it.
            guard isMain, case .endsEarly = failure else { throw failure }
        }
    }

    var isWhole: Bool { decodedCount == width * height }

    private mutating func readGroups(_ bits: inout VP8LBitReader, hasRegions: Bool) throws(StreamFault) {
        var groupCount = 1
        var isUsed = [true]
        if hasRegions {
            regionBits = bits.read(3) + 2
            let regions = try VP8LEntropyImage(
                &bits, width: subsampled(width, regionBits), height: subsampled(height, regionBits), isMain: false)
            groupOfRegion = regions.pixels.map { UInt16(truncatingIfNeeded: $0 >> 8) }
            groupCount = Int(groupOfRegion.max() ?? 0) + 1
            isUsed = [Bool](repeating: false, count: groupCount)
            for group in groupOfRegion { isUsed[Int(group)] = true }
        }
        let cacheSize = cacheBits > 0 ? 1 << cacheBits : 0
        var newIndices = [UInt16](repeating: 0, count: groupCount)
        for index in 0..<groupCount {
            if isUsed[index] {
                guard let group = codes.readGroup(&bits, cacheSize: cacheSize) else { throw codeError(bits) }
                newIndices[index] = UInt16(groups.count)
                groups.append(group)
            } else {
                guard codes.skipGroup(&bits, cacheSize: cacheSize) else { throw codeError(bits) }
            }
        }
        for region in groupOfRegion.indices { groupOfRegion[region] = newIndices[Int(groupOfRegion[region])] }
    }

    private func codeError(_ bits: VP8LBitReader) -> StreamFault {
        bits.isPastEnd ? .endsEarly : .corrupt("a code is not a prefix code")
    }

    private mutating func decodePixels(_ bits: inout VP8LBitReader) -> StreamFault? {
        var cache = [UInt32](repeating: 0, count: cacheBits > 0 ? 1 << cacheBits : 1)
        var reader = bits
        var decoded = [UInt32](repeating: 0, count: width * height)
        let (count, failure) = decoded.withUnsafeMutableBufferPointer { pixels in
            cache.withUnsafeMutableBufferPointer { cache in
                codes.tables.entries.withUnsafeBufferPointer { tables in
                    groups.withUnsafeBufferPointer { groups in
                        groupOfRegion.withUnsafeBufferPointer { regions in
                            cacheBits > 0
                                ? run(&reader, pixels, cache, tables, groups, regions, usesCache: true)
                                : run(&reader, pixels, cache, tables, groups, regions, usesCache: false)
                        }
                    }
                }
            }
        }
        pixels = decoded
        decodedCount = count
        bits = reader
        return failure
    }

    @inline(__always)
    private func run(
        _ bits: inout VP8LBitReader, _ pixels: UnsafeMutableBufferPointer<UInt32>,
        _ cache: UnsafeMutableBufferPointer<UInt32>, _ tables: UnsafeBufferPointer<UInt32>,
        _ groups: UnsafeBufferPointer<VP8LCodeGroup>, _ regions: UnsafeBufferPointer<UInt16>, usesCache: Bool
    ) -> (decoded: Int, StreamFault?) {
        let total = pixels.count
        let hashShift = UInt32(32 - cacheBits)
        let regionMask = regions.isEmpty ? -1 : 1 << regionBits - 1
        let regionsAcross = subsampled(width, regionBits)
        @inline(__always) func remember(_ pixel: UInt32) {
            if usesCache { cache[Int((pixel &* 0x1E35_A7BD) &>> hashShift)] = pixel }
        }

        var reader = bits
        defer { bits = reader }
        var group = groups[0]
        var position = 0
        var (x, y) = (0, 0)
        // Pixels that were there when the stream was last seen not to have ended.
        var sure = 0
        while position < total {
            if x & regionMask == 0, !regions.isEmpty {
                if reader.isPastEnd { return (sure, .endsEarly) }
                sure = position
                group = groups[Int(regions[(y >> regionBits) &* regionsAcross &+ x >> regionBits])]
            }
            reader.refill()
            let symbol = reader.symbol(group.green, tables)
            if symbol < 256 {
                let pixel: UInt32
                if let constant = group.constantColour {
                    pixel = constant | UInt32(truncatingIfNeeded: symbol) << 8
                } else {
                    let red = reader.symbol(group.red, tables)
                    reader.refill()
                    let blue = reader.symbol(group.blue, tables)
                    let alpha = reader.symbol(group.alpha, tables)
                    let low = UInt32(truncatingIfNeeded: symbol &<< 8 | blue)
                    pixel = UInt32(truncatingIfNeeded: alpha &<< 24 | red &<< 16) | low
                }
                pixels[position] = pixel
                remember(pixel)
                position &+= 1
                x &+= 1
            } else if symbol < 256 + 24 {
                let length = reader.prefixed(symbol &- 256)
                reader.refill()
                let distanceSymbol = reader.symbol(group.distance, tables)
                let distance = planeDistance(reader.prefixed(distanceSymbol))
                guard distance <= position, length <= total &- position else {
                    return (sure, reader.isPastEnd ? .endsEarly : .corrupt("a copy reaches outside the picture"))
                }
                for offset in position..<position &+ length {
                    let pixel = pixels[offset &- distance]
                    pixels[offset] = pixel
                    remember(pixel)
                }
                position &+= length
                x &+= length
                // A copy may end inside a region other than the one it began in.
                if x < width, !regions.isEmpty, x & regionMask != 0 {
                    group = groups[Int(regions[(y >> regionBits) &* regionsAcross &+ x >> regionBits])]
                }
            } else {
                let index = symbol &- 280
                guard usesCache, index < cache.count else {
                    return (sure, .corrupt("a pixel of the colour cache without a cache"))
                }
                pixels[position] = cache[index]
                remember(cache[index])
                position &+= 1
                x &+= 1
            }
            if x >= width {
                if reader.isPastEnd { return (sure, .endsEarly) }
                sure = position
                repeat {
                    x &-= width
                    y &+= 1
                } while x >= width
                if !regions.isEmpty, x & regionMask != 0 {
                    group = groups[Int(regions[(y >> regionBits) &* regionsAcross &+ x >> regionBits])]
                }
            }
        }
        return reader.isPastEnd ? (sure, .endsEarly) : (total, nil)
    }

    /// Distances up to 120 stand for places near the pixel, most likely first (section 5.2.2).
    @inline(__always)
    private func planeDistance(_ code: Int) -> Int {
        guard code <= 120 else { return code &- 120 }
        let place = Int(VP8LEntropyImage.nearPlaces[code &- 1])
        return max(1, (place >> 4) &* width &+ 8 &- (place & 15))
    }

    /// Rows up in the high four bits, 8 - columns to the left in the low ones.
    private static let nearPlaces: [UInt8] = [
        0x18, 0x07, 0x17, 0x19, 0x28, 0x06, 0x27, 0x29, 0x16, 0x1A, 0x26, 0x2A, 0x38, 0x05, 0x37, 0x39, 0x15, 0x1B,
        0x36, 0x3A, 0x25, 0x2B, 0x48, 0x04, 0x47, 0x49, 0x14, 0x1C, 0x35, 0x3B, 0x46, 0x4A, 0x24, 0x2C, 0x58, 0x45,
        0x4B, 0x34, 0x3C, 0x03, 0x57, 0x59, 0x13, 0x1D, 0x56, 0x5A, 0x23, 0x2D, 0x44, 0x4C, 0x55, 0x5B, 0x33, 0x3D,
        0x68, 0x02, 0x67, 0x69, 0x12, 0x1E, 0x66, 0x6A, 0x22, 0x2E, 0x54, 0x5C, 0x43, 0x4D, 0x65, 0x6B, 0x32, 0x3E,
        0x78, 0x01, 0x77, 0x79, 0x53, 0x5D, 0x11, 0x1F, 0x64, 0x6C, 0x42, 0x4E, 0x76, 0x7A, 0x21, 0x2F, 0x75, 0x7B,
        0x31, 0x3F, 0x63, 0x6D, 0x52, 0x5E, 0x00, 0x74, 0x7C, 0x41, 0x4F, 0x10, 0x20, 0x62, 0x6E, 0x30, 0x73, 0x7D,
        0x51, 0x5F, 0x40, 0x72, 0x7E, 0x61, 0x6F, 0x50, 0x71, 0x7F, 0x60, 0x70,
    ]
}

/// How many blocks of 2^bits pixels a side of `size` pixels has.
func subsampled(_ size: Int, _ bits: Int) -> Int { (size + 1 << bits - 1) >> bits }

extension VP8LBitReader {
    /// A length or a distance: its prefix is `symbol`, up to 18 bits follow (section 5.2.2).
    @inline(__always)
    fileprivate mutating func prefixed(_ symbol: Int) -> Int {
        guard symbol >= 4 else { return symbol &+ 1 }
        let extra = (symbol &- 2) >> 1
        let value = (2 &+ symbol & 1) &<< extra &+ next & (1 &<< extra &- 1) &+ 1
        consume(extra)
        return value
    }
}
