/// The weights of a pair of taps, each in two parts, so that products fit the 16-bit multipliers that every processor
/// has: 256 × high + low.
///
/// A weight is below 2 in magnitude, as the centre's own weight outweighs the negative lobes: `high` fits 16 bits.
struct PairedWeights: BitwiseCopyable {
    private let highParts: Int32
    private let lowParts: Int32

    init(_ first: Int32, _ second: Int32) {
        highParts = unsafeBitCast(SIMD2(Int16(first >> 8), Int16(second >> 8)), to: Int32.self)
        lowParts = unsafeBitCast(SIMD2(Int16(first & 0xFF), Int16(second & 0xFF)), to: Int32.self)
    }

    /// In every pair of lanes.
    @inline(__always)
    var high: SamplePairs { unsafeBitCast(SIMD8<Int32>(repeating: highParts), to: SamplePairs.self) }

    /// In every pair of lanes.
    @inline(__always)
    var low: SamplePairs { unsafeBitCast(SIMD8<Int32>(repeating: lowParts), to: SamplePairs.self) }

    /// The weights of taps, padded with zeros to whole units. Of every four taps, 0 and 2 are a pair, and 1 and 3.
    /// - Parameters:
    ///   - first: where the first tap is.
    ///   - unit: how many taps come at a time, a multiple of four.
    /// - Returns: the units, and `unit / 2` pairs for each.
    static func pairs(_ weights: [Int32], first: Int, unit: Int) -> (units: Range<Int>, pairs: [PairedWeights]) {
        let units = first / unit..<(first + weights.count + unit - 1) / unit
        var padded = [Int32](repeating: 0, count: units.count * unit)
        padded.replaceSubrange(
            first - units.lowerBound * unit..<first - units.lowerBound * unit + weights.count, with: weights)
        let pairs = stride(from: 0, to: padded.count, by: 4).flatMap { four in
            [PairedWeights(padded[four], padded[four + 2]), PairedWeights(padded[four + 1], padded[four + 3])]
        }
        return (units, pairs)
    }
}

/// Eight fixed-point sums of samples times weights, in the two parts that `PairedWeights` have.
struct SplitSums {
    private var high = SIMD8<Int32>.zero
    private var low = SIMD8<Int32>.zero

    @inline(__always)
    mutating func add(_ samples: SamplePairs, high highWeights: SamplePairs, low lowWeights: SamplePairs) {
        high &+= pairedProducts(samples, highWeights)
        low &+= pairedProducts(samples, lowWeights)
    }

    @inline(__always)
    var total: SIMD8<Int32> { high &<< 8 &+ low }
}

/// Fixed-point sums as samples, rounded and clipped to 0…255.
@inline(__always)
func roundedSamples(_ sums: SIMD8<Int32>) -> SIMD8<UInt8> {
    let half: Int32 = 1 << (Int32(ResampleAxis.fractionBits) - 1)
    return clampedBytes((sums &+ half) &>> Int32(ResampleAxis.fractionBits))
}
