/// Integer dot products where an instruction takes two 16-bit products at once: 8-bit weights are widened as they are
/// loaded, activations lie widened already. Unlike sums of 8-bit products in 16 bits, nothing can saturate.
@usableFromInline package protocol PairProducts: IntegerUnit {
    /// a₀·b₀ + a₁·b₁ of the two signed 16-bit halves of each lane.
    static func sumOfPairs(_ a: Sums, _ b: Sums) -> Sums
    /// Shifts of each signed 16-bit half, by 8.
    static func shiftedLeft(_ x: Sums) -> Sums
    static func shiftedRight(_ x: Sums) -> Sums
}

extension PairProducts {
    @inlinable @inline(__always)
    package static var steps: Int { 2 }

    /// Step 0 takes the first and the third weight of a group, step 1 the others: shifts alone then widen them.
    @inlinable @inline(__always)
    package static func weights(_ source: UnsafeRawPointer, step: Int) -> Sums {
        let packed = source.loadUnaligned(as: Sums.self)
        return shiftedRight(step == 0 ? shiftedLeft(packed) : packed)
    }

    @inlinable @inline(__always)
    package static func add(_ sums: Sums, _ word: Sums, _ weights: Sums) -> Sums { sums &+ sumOfPairs(word, weights) }

    @inlinable @inline(__always)
    package static func products(_ word: Sums, _ weights: Sums) -> Sums { sumOfPairs(word, weights) }
}
