/// The weights of a pair of taps, each in two parts, so that products fit the 16-bit multipliers that every processor
/// has: 256 × high + low.
///
/// A weight has a sign and less than 24 bits.
@frozen @usableFromInline package struct PairedWeights: BitwiseCopyable, Sendable {
    @usableFromInline let highParts: Int32
    @usableFromInline let lowParts: Int32

    package init(_ first: Int32, _ second: Int32) {
        highParts = unsafeBitCast(
            SIMD2(Int16(truncatingIfNeeded: first >> 8), Int16(truncatingIfNeeded: second >> 8)), to: Int32.self)
        lowParts = unsafeBitCast(SIMD2(Int16(first & 0xFF), Int16(second & 0xFF)), to: Int32.self)
    }

    /// In every pair of lanes.
    @inlinable @inline(__always)
    var high: SIMD16<Int16> { unsafeBitCast(SIMD8<Int32>(repeating: highParts), to: SIMD16<Int16>.self) }

    /// In every pair of lanes.
    @inlinable @inline(__always)
    var low: SIMD16<Int16> { unsafeBitCast(SIMD8<Int32>(repeating: lowParts), to: SIMD16<Int16>.self) }
}

/// Eight fixed-point sums of samples times weights, in the two parts that `PairedWeights` have.
@frozen @usableFromInline struct SplitSums<Unit: PictureUnit> {
    /// Bits after the point of a weight.
    @inlinable @inline(__always)
    static var fractionBits: Int32 { 22 }

    @usableFromInline var high = SIMD8<Int32>.zero
    @usableFromInline var low = SIMD8<Int32>.zero

    @inlinable @inline(__always)
    init() {}

    @inlinable @inline(__always)
    mutating func add(_ samples: SIMD16<Int16>, high highWeights: SIMD16<Int16>, low lowWeights: SIMD16<Int16>) {
        high &+= Unit.pairedProducts(samples, highWeights)
        low &+= Unit.pairedProducts(samples, lowWeights)
    }

    @inlinable @inline(__always)
    var total: SIMD8<Int32> { high &<< 8 &+ low }

    /// Sums as samples, rounded and clipped to 0…255.
    @inlinable @inline(__always)
    static func rounded(_ sums: SIMD8<Int32>) -> SIMD8<UInt8> {
        Unit.clampedBytes((sums &+ 1 &<< (fractionBits - 1)) &>> fractionBits)
    }
}
