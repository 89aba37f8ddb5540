// Products and sums are rounded apart: the same bits on every instruction set, of which the poorest has nothing fused.

extension VectorUnit {
    /// a · b, rounded, plus c, rounded.
    @inlinable @inline(__always)
    package static func multiplyThenAdd(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector { a * b + c }

    /// eˣ within 2 ulp for −87 ≤ x ≤ 88; beyond, the value at the nearer end.
    @inlinable @inline(__always)
    package static func exponential(_ x: Vector) -> Vector {
        let clamped = maximum(minimum(x, Vector(repeating: 88)), Vector(repeating: -87))
        // Adding 1.5 · 2²³ rounds to a whole number, which then stands in the low bits; 127 more is the exponent's bias.
        let shift = Vector(repeating: 0x1.8p23 + 127)
        let shifted = multiplyThenAdd(clamped, Vector(repeating: 1.442_695), shift)
        let whole = shifted - shift
        // ln 2 in two parts, the first with enough trailing zeros that its product is exact.
        let rest = multiplyThenAdd(
            whole, Vector(repeating: 2.121_944_4e-4),
            multiplyThenAdd(whole, Vector(repeating: -0.693_359_375), clamped))
        // eʳ on |r| ≤ ln 2 / 2, a minimax fit.
        var sum = Vector(repeating: 1.381_460_2e-3)
        sum = multiplyThenAdd(sum, rest, Vector(repeating: 8.368_716e-3))
        sum = multiplyThenAdd(sum, rest, Vector(repeating: 4.166_839e-2))
        sum = multiplyThenAdd(sum, rest, Vector(repeating: 1.666_652_1e-1))
        sum = multiplyThenAdd(sum, rest, Vector(repeating: 0.499_999_94))
        sum = multiplyThenAdd(sum, rest, Vector(repeating: 1))
        sum = multiplyThenAdd(sum, rest, Vector(repeating: 1))
        let power = unsafeBitCast(shifted, to: Integers.self) &<< Integers(repeating: 23)
        return sum * unsafeBitCast(power, to: Vector.self)
    }

    @inlinable @inline(__always)
    package static func quickGELU(_ x: Vector) -> Vector {
        let one = Vector(repeating: 1)
        return x / (one + exponential(x * Vector(repeating: -1.702)))
    }

    /// What is no number stays so, which instructions for a maximum see differently.
    @inlinable @inline(__always)
    package static func relu(_ x: Vector) -> Vector {
        let zero = Vector(repeating: 0)
        return choose(zero, x, where: x, isBelow: zero)
    }

    @inlinable @inline(__always)
    package static func relu6(_ x: Vector) -> Vector {
        let (six, positive) = (Vector(repeating: 6), relu(x))
        return choose(six, positive, where: six, isBelow: positive)
    }

    @inlinable @inline(__always)
    package static func silu(_ x: Vector) -> Vector {
        x / (Vector(repeating: 1) + exponential(Vector(repeating: 0) - x))
    }

    /// x · Φ(x), Φ being the normal distribution, within 2⁻²³ · |x|, as max(0, x) − |x| · Φ(−|x|).
    @inlinable @inline(__always)
    package static func gelu(_ x: Vector) -> Vector {
        // From 6.2 on Φ(−|x|) is below 3e-10.
        let magnitude = minimum(absolute(x), Vector(repeating: 6.2))
        // log₂ 2Φ(−|x|), a minimax fit whose errors count as much as Φ(−|x|) is large.
        let exponent = multiplyThenAdd(
            multiplyThenAdd(
                polynomial(magnitude, -6.106_660_7e-6, 2.684_748e-7), fourth(magnitude),
                polynomial(magnitude, 7.014_808_7e-3, -7.719_092e-5, -2.275_644_4e-4, 5.548_773_7e-5)),
            fourth(magnitude), polynomial(magnitude, first: -1.151_104_9, -0.459_212_48, -5.247_505_8e-2))
        // As in the exponential: its whole number, less the 1 of the factor 2, and 2ʳ of the rest r on |r| ≤ ½, a minimax fit.
        let shift = Vector(repeating: 0x1.8p23 - 1)
        let shifted = exponent + shift
        let rest = exponent - (shifted - shift)
        let above = multiplyThenAdd(
            multiplyThenAdd(
                Vector(repeating: 1.535_336e-4), rest * rest, polynomial(rest, 9.618_437e-3, 1.339_887_5e-3)),
            fourth(rest), polynomial(rest, first: 0.693_147_2, 0.240_226_48, 5.550_332_4e-2))
        let power = above + Vector(repeating: 1)
        let whole = unsafeBitCast(shifted, to: Integers.self) &<< Integers(repeating: 23)
        let tail = unsafeBitCast(unsafeBitCast(power, to: Integers.self) &+ whole, to: Vector.self)
        return relu(x) - magnitude * tail
    }

    /// a + b · x.
    @inlinable @inline(__always)
    static func polynomial(_ x: Vector, _ a: Float, _ b: Float) -> Vector {
        multiplyThenAdd(Vector(repeating: b), x, Vector(repeating: a))
    }

    /// b · x + (c + d · x) · x².
    @inlinable @inline(__always)
    static func polynomial(_ x: Vector, first b: Float, _ c: Float, _ d: Float) -> Vector {
        multiplyThenAdd(polynomial(x, c, d), x * x, Vector(repeating: b) * x)
    }

    /// a + b · x + (c + d · x) · x²: of pairs of terms (Estrin's scheme) fewer wait for others than of one term after the other.
    @inlinable @inline(__always)
    static func polynomial(_ x: Vector, _ a: Float, _ b: Float, _ c: Float, _ d: Float) -> Vector {
        multiplyThenAdd(polynomial(x, c, d), x * x, polynomial(x, a, b))
    }

    /// x⁴.
    @inlinable @inline(__always)
    static func fourth(_ x: Vector) -> Vector { (x * x) * (x * x) }

    @inlinable @inline(__always)
    static func absolute(_ x: Vector) -> Vector {
        unsafeBitCast(unsafeBitCast(x, to: Integers.self) & Integers(repeating: 0x7FFF_FFFF), to: Vector.self)
    }

    /// ½(1 + tanh u) is σ(2u).
    @inlinable @inline(__always)
    package static func tanhGELU(_ x: Vector) -> Vector {
        let cubic = multiplyThenAdd(x * x, x * Vector(repeating: 0.044_715), x)
        return x / (Vector(repeating: 1) + exponential(cubic * Vector(repeating: -1.595_769_1)))
    }
}
