#if arch(x86_64)
import _Builtin_intrinsics.intel
package import CLIPKernels

/// AVX-512 with its BW, DQ and VL extensions.
enum AVX512Unit: VectorUnit {
    typealias Vector = SIMD16<Float>
    typealias Integers = SIMD16<Int32>

    @inline(__always) static var tileRows: Int { 12 }

    @inline(__always)
    static func multiplyAdd(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector { _mm512_fmadd_ps(a, b, c) }

    @inline(__always)
    static func maximum(_ a: Vector, _ b: Vector) -> Vector { _mm512_max_ps(a, b) }

    @inline(__always)
    static func minimum(_ a: Vector, _ b: Vector) -> Vector { _mm512_min_ps(a, b) }

    @inline(__always)
    static func choose(_ a: Vector, _ b: Vector, where x: Vector, isBelow y: Vector) -> Vector {
        b.replacing(with: a, where: x .< y)
    }

    @inline(__always)
    static func widen(_ source: UnsafeRawPointer) -> Vector {
        _mm512_cvtph_ps(source.loadUnaligned(as: SIMD4<Int64>.self))
    }
}

extension KernelTable {
    /// The kernels for machines with AVX-512 F, BW, DQ and VL.
    package static let avx512 = KernelTable(
        linear: { AVX512Unit.linear($0) }, layerNorm: { AVX512Unit.layerNorm($0) },
        attention: { AVX512Unit.attention($0) }, quantised: .avx512)
}
#endif
