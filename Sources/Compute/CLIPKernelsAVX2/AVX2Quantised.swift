#if arch(x86_64)
import _Builtin_intrinsics.intel
internal import CLIPKernels

extension AVX2Unit: QuantisingUnit {
    @inline(__always)
    static func floats(_ integers: Integers) -> Vector {
        _mm256_cvtepi32_ps(unsafeBitCast(integers, to: SIMD4<Int64>.self))
    }
}

/// Integer products with AVX2.
enum AVX2Products: PairProducts {
    typealias Sums = SIMD8<Int32>

    @inline(__always) static var tileRows: Int { 6 }

    @inline(__always)
    static func sumOfPairs(_ a: Sums, _ b: Sums) -> Sums {
        unsafeBitCast(
            _mm256_madd_epi16(
                unsafeBitCast(a, to: SIMD4<Int64>.self), unsafeBitCast(b, to: SIMD4<Int64>.self)), to: Sums.self)
    }

    @inline(__always)
    static func shiftedLeft(_ x: Sums) -> Sums {
        unsafeBitCast(_mm256_slli_epi16(unsafeBitCast(x, to: SIMD4<Int64>.self), 8), to: Sums.self)
    }

    @inline(__always)
    static func shiftedRight(_ x: Sums) -> Sums {
        unsafeBitCast(_mm256_srai_epi16(unsafeBitCast(x, to: SIMD4<Int64>.self), 8), to: Sums.self)
    }
}

extension QuantisedKernels {
    /// The kernels for machines with AVX2, FMA and F16C.
    static let avx2 = QuantisedKernels(
        tileRows: AVX2Products.tileRows, steps: AVX2Products.steps,
        quantise: {
            AVX2Unit.quantise($0, steps: AVX2Products.steps) { AVX2Unit.storePairs($0, $1) }
        },
        linear: {
            AVX2Unit.quantisedLinear($0, tileRows: AVX2Products.tileRows, steps: AVX2Products.steps) {
                AVX2Products.tile($0)
            }
        })
}
#endif
