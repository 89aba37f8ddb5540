#if arch(x86_64)
import _Builtin_intrinsics.intel
package import CLIPKernels

/// AVX2 with FMA and F16C: machines from 2013 on.
enum AVX2Unit: VectorUnit {
    typealias Vector = SIMD8<Float>
    typealias Integers = SIMD8<Int32>

    @inline(__always) static var tileRows: Int { 6 }

    @inline(__always)
    static func multiplyAdd(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector { _mm256_fmadd_ps(a, b, c) }

    @inline(__always)
    static func maximum(_ a: Vector, _ b: Vector) -> Vector { _mm256_max_ps(a, b) }

    @inline(__always)
    static func minimum(_ a: Vector, _ b: Vector) -> Vector { _mm256_min_ps(a, b) }

    @inline(__always)
    static func choose(_ a: Vector, _ b: Vector, where x: Vector, isBelow y: Vector) -> Vector {
        b.replacing(with: a, where: x .< y)
    }

    @inline(__always)
    static func widen(_ source: UnsafeRawPointer) -> Vector {
        _mm256_cvtph_ps(source.loadUnaligned(as: SIMD2<Int64>.self))
    }
}

extension KernelTable {
    /// The kernels for machines with AVX2, FMA and F16C.
    package static let avx2 = KernelTable(
        linear: { AVX2Unit.linear($0) }, layerNorm: { AVX2Unit.layerNorm($0) },
        attention: { AVX2Unit.attention($0) }, quantised: .avx2)
}
#endif
