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

    /// The error function within 2 ulp.
    @inlinable @inline(__always)
    package static func errorFunction(_ x: Vector) -> Vector {
        let square = x * x
        // erf x / x − 1 on |x| ≤ 1, a minimax fit in x²: the small rest has small rounding errors.
        var near = Vector(repeating: 7.853_861e-5)
        near = multiplyThenAdd(near, square, Vector(repeating: -8.010_193_7e-4))
        near = multiplyThenAdd(near, square, Vector(repeating: 5.188_327_7e-3))
        near = multiplyThenAdd(near, square, Vector(repeating: -2.685_381_3e-2))
        near = multiplyThenAdd(near, square, Vector(repeating: 1.128_358_54e-1))
        near = multiplyThenAdd(near, square, Vector(repeating: -3.761_262_6e-1))
        near = multiplyThenAdd(near, square, Vector(repeating: 0.128_379_17))
        near = multiplyThenAdd(near, x, x)
        // −ln erfc |x| on 1 ≤ |x| ≤ 4, a minimax fit; from 4 on erf rounds to ±1.
        let negative = Vector(repeating: 0) - x
        let magnitude = minimum(maximum(x, negative), Vector(repeating: 4))
        var far = Vector(repeating: -1.876_048e-4)
        far = multiplyThenAdd(far, magnitude, Vector(repeating: 2.960_114_3e-3))
        far = multiplyThenAdd(far, magnitude, Vector(repeating: -2.188_964_2e-2))
        far = multiplyThenAdd(far, magnitude, Vector(repeating: 1.032_182_05e-1))
        far = multiplyThenAdd(far, magnitude, Vector(repeating: 6.380_122_3e-1))
        far = multiplyThenAdd(far, magnitude, Vector(repeating: 1.127_171_6))
        far = multiplyThenAdd(far, magnitude, Vector(repeating: 3.205_738_6e-4))
        let tail = Vector(repeating: 1) - exponential(Vector(repeating: 0) - far)
        let zero = Vector(repeating: 0)
        let signed = choose(zero - tail, tail, where: x, isBelow: zero)
        return choose(near, signed, where: magnitude, isBelow: Vector(repeating: 1))
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

    @inlinable @inline(__always)
    package static func gelu(_ x: Vector) -> Vector {
        let half = x * Vector(repeating: 0.5)
        return multiplyThenAdd(half, errorFunction(x * Vector(repeating: 0.707_106_77)), half)
    }

    /// ½(1 + tanh u) is σ(2u).
    @inlinable @inline(__always)
    package static func tanhGELU(_ x: Vector) -> Vector {
        let cubic = multiplyThenAdd(x * x, x * Vector(repeating: 0.044_715), x)
        return x / (Vector(repeating: 1) + exponential(cubic * Vector(repeating: -1.595_769_1)))
    }
}
