import protocol CLIPKernels.VectorUnit
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The formulas of `VectorMath`, with the arithmetic of machines that fuse multiplication and addition and of those that
/// don't, against the mathematics library in double precision.
@Suite struct VectorFunctionTests {
    @Test func `The exponential is within two units in the last place`() {
        let inputs = magnitudes(upTo: 88).flatMap { [$0, -$0] }.filter { $0 >= -87 }
        #expect(worstError(inputs, FusedUnit.exponential, exp) <= 2)
        #expect(worstError(inputs, SeparateUnit.exponential, exp) <= 2)
    }

    /// Of positive numbers: of negative ones other errors count, see `VectorMathTests`.
    @Test func `Activations are within two units in the last place`() {
        let inputs = magnitudes(upTo: 1e12)
        let gelu = { (x: Double) in 0.5 * x * erfc(-x / 2.0.squareRoot()) }
        #expect(worstError(inputs, FusedUnit.gelu, gelu) <= 2)
        #expect(worstError(inputs, SeparateUnit.gelu, gelu) <= 2)
        let quickGELU = { (x: Double) in x / (1 + exp(-1.702 * x)) }
        #expect(worstError(inputs, FusedUnit.quickGELU, quickGELU) <= 2)
        #expect(worstError(inputs, SeparateUnit.quickGELU, quickGELU) <= 2)
        let tanhGELU = { (x: Double) in
            x / (1 + exp(-2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        }
        #expect(worstError(inputs, FusedUnit.tanhGELU, tanhGELU) <= 2)
        #expect(worstError(inputs, SeparateUnit.tanhGELU, tanhGELU) <= 2)
    }

    /// Numbers of every exponent, more of those where functions bend.
    private func magnitudes(upTo limit: Float) -> [Float] {
        let spread = stride(from: UInt32(0), through: limit.bitPattern, by: 1_200_007).map { Float(bitPattern: $0) }
        let bend = stride(from: Float(0.1).bitPattern, through: min(limit, 100).bitPattern, by: 20_011)
        return spread + bend.map { Float(bitPattern: $0) } + [limit]
    }

    /// The largest distance from `exact`, in units of the last place of a 32-bit float there.
    private func worstError(
        _ inputs: [Float], _ function: (SIMD4<Float>) -> SIMD4<Float>, _ exact: (Double) -> Double
    ) -> Double {
        var worst = 0.0
        for first in stride(from: 0, to: inputs.count, by: 4) {
            var vector = SIMD4<Float>(repeating: 0)
            for lane in 0..<min(4, inputs.count - first) { vector[lane] = inputs[first + lane] }
            let found = function(vector)
            for lane in 0..<4 {
                let expected = exact(Double(vector[lane]))
                let unit = Float(max(abs(expected), Double(Float.leastNormalMagnitude))).ulp
                let error = abs(Double(found[lane]) - expected) / Double(unit)
                worst = error <= worst ? worst : error
            }
        }
        return worst
    }
}

/// Four lanes in plain Swift.
private protocol PlainUnit: VectorUnit where Vector == SIMD4<Float>, Integers == SIMD4<Int32> {}

extension PlainUnit {
    static var tileRows: Int { 6 }
    static func maximum(_ a: Vector, _ b: Vector) -> Vector { b.replacing(with: a, where: b .< a) }
    static func minimum(_ a: Vector, _ b: Vector) -> Vector { b.replacing(with: a, where: a .< b) }
    static func choose(_ a: Vector, _ b: Vector, where x: Vector, isBelow y: Vector) -> Vector {
        b.replacing(with: a, where: x .< y)
    }
    static func widen(_ source: UnsafeRawPointer) -> Vector { Vector(repeating: 0) }
}

private enum FusedUnit: PlainUnit {
    static func multiplyAdd(_ a: SIMD4<Float>, _ b: SIMD4<Float>, _ c: SIMD4<Float>) -> SIMD4<Float> {
        c.addingProduct(a, b)
    }
}

private enum SeparateUnit: PlainUnit {
    static func multiplyAdd(_ a: SIMD4<Float>, _ b: SIMD4<Float>, _ c: SIMD4<Float>) -> SIMD4<Float> { a * b + c }
}
