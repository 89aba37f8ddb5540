#if arch(x86_64)
package import CLIPKernels
import CLIPKernelsAVX512
import _Builtin_intrinsics.intel

/// Integer products with AVX-512 VNNI: four of an unsigned and a signed byte at once, summed in 32 bits.
enum AVX512VNNIProducts: IntegerUnit {
    typealias Sums = SIMD16<Int32>

    @inline(__always) static var tileRows: Int { 12 }
    @inline(__always) static var steps: Int { 1 }

    @inline(__always)
    static func weights(_ source: UnsafeRawPointer, step: Int) -> Sums { source.loadUnaligned(as: Sums.self) }

    @inline(__always)
    static func add(_ sums: Sums, _ word: Sums, _ weights: Sums) -> Sums {
        unsafeBitCast(
            _mm512_dpbusd_epi32(
                unsafeBitCast(sums, to: SIMD8<Int64>.self), unsafeBitCast(word, to: SIMD8<Int64>.self),
                unsafeBitCast(weights, to: SIMD8<Int64>.self)), to: Sums.self)
    }

    /// The instruction adds in any case.
    @inline(__always)
    static func products(_ word: Sums, _ weights: Sums) -> Sums { add(word, word, weights) }
}

extension KernelTable {
    /// The kernels for machines with AVX-512 F, BW, DQ, VL and VNNI: those of AVX-512 but for integer products.
    package static let avx512VNNI = KernelTable.avx512(
        roofs: RoofKernels(KernelTable.avx512.roofs, AVX512VNNIProducts.self), tileRows: AVX512VNNIProducts.tileRows
    ) { AVX512VNNIProducts.tile($0) }
}
#endif
