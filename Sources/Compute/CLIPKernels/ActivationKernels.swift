/// What a linear layer applies to its output.
@usableFromInline package enum LinearActivation: Sendable, CaseIterable {
    case identity
    /// x·σ(1.702x).
    case quickGELU
    /// x·Φ(x), with the error function.
    case gelu
    /// x·½(1 + tanh(√(2/π)(x + 0.044715x³))).
    case tanhGELU
}

extension VectorUnit {
    @inlinable @inline(__always)
    package static func quickGELU(_ x: Vector) -> Vector {
        let one = Vector(repeating: 1)
        return x / (one + exponential(x * Vector(repeating: -1.702)))
    }

    @inlinable @inline(__always)
    package static func gelu(_ x: Vector) -> Vector {
        let half = x * Vector(repeating: 0.5)
        return multiplyAdd(half, errorFunction(x * Vector(repeating: 0.707_106_77)), half)
    }

    /// ½(1 + tanh u) is σ(2u).
    @inlinable @inline(__always)
    package static func tanhGELU(_ x: Vector) -> Vector {
        let cubic = multiplyAdd(x * x, x * Vector(repeating: 0.044_715), x)
        return x / (Vector(repeating: 1) + exponential(cubic * Vector(repeating: -1.595_769_1)))
    }
}
