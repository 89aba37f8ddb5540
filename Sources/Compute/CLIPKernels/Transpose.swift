/// The transpose of four vectors of four: their first lanes, their second lanes and so on.
@inlinable @inline(__always)
package func transposed<Scalar>(
    _ a: SIMD4<Scalar>, _ b: SIMD4<Scalar>, _ c: SIMD4<Scalar>, _ d: SIMD4<Scalar>
) -> (SIMD4<Scalar>, SIMD4<Scalar>, SIMD4<Scalar>, SIMD4<Scalar>) {
    // Interleaved halves, which every instruction set has an instruction for.
    let (ab01, ab23) = (interleaved(a.lowHalf, b.lowHalf), interleaved(a.highHalf, b.highHalf))
    let (cd01, cd23) = (interleaved(c.lowHalf, d.lowHalf), interleaved(c.highHalf, d.highHalf))
    return (
        SIMD4(lowHalf: ab01.lowHalf, highHalf: cd01.lowHalf), SIMD4(lowHalf: ab01.highHalf, highHalf: cd01.highHalf),
        SIMD4(lowHalf: ab23.lowHalf, highHalf: cd23.lowHalf), SIMD4(lowHalf: ab23.highHalf, highHalf: cd23.highHalf)
    )
}

@inlinable @inline(__always)
func interleaved<Scalar>(_ a: SIMD2<Scalar>, _ b: SIMD2<Scalar>) -> SIMD4<Scalar> {
    var result = SIMD4<Scalar>()
    result.evenHalf = a
    result.oddHalf = b
    return result
}
