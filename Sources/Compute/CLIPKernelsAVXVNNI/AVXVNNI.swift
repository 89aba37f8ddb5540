#if arch(x86_64)
package import CLIPKernels
import CLIPKernelsAVX2
import _Builtin_intrinsics.intel

/// Integer products with AVX-VNNI: four of an unsigned and a signed byte at once, summed in 32 bits.
enum AVXVNNIProducts: QuadProducts {
    typealias Sums = SIMD8<Int32>

    @inline(__always) static var tileRows: Int { 6 }

    @inline(__always)
    static func add(_ sums: Sums, _ word: Sums, _ weights: Sums) -> Sums {
        unsafeBitCast(
            _mm256_dpbusd_avx_epi32(
                unsafeBitCast(sums, to: SIMD4<Int64>.self), unsafeBitCast(word, to: SIMD4<Int64>.self),
                unsafeBitCast(weights, to: SIMD4<Int64>.self)), to: Sums.self)
    }
}

/// Two products of 16-bit numbers at once, summed in 32 bits.
enum AVXVNNIPairs: BlockProducts {
    typealias Sums = SIMD8<Int32>

    @inline(__always) static var tileRows: Int { 6 }
    @inline(__always) static var productsPerLane: Int { 2 }

    @inline(__always)
    static func add(_ sums: Sums, _ word: Sums, _ weights: Sums) -> Sums {
        unsafeBitCast(
            _mm256_dpwssd_avx_epi32(
                unsafeBitCast(sums, to: SIMD4<Int64>.self), unsafeBitCast(word, to: SIMD4<Int64>.self),
                unsafeBitCast(weights, to: SIMD4<Int64>.self)), to: Sums.self)
    }

    @inline(__always)
    static func products(_ word: Sums, _ weights: Sums) -> Sums { add(word, word, weights) }

    @inline(__always)
    static func floats(_ sums: Sums) -> SIMD8<Float> {
        _mm256_cvtepi32_ps(unsafeBitCast(sums, to: SIMD4<Int64>.self))
    }
}

extension KernelTable {
    /// The kernels for machines with AVX2 and AVX-VNNI, but without AVX-512: those of AVX2 but for integer products.
    package static let avxVNNI = KernelTable.avx2(
        roofs: RoofKernels(KernelTable.avx2.roofs, AVXVNNIProducts.self, AVXVNNIPairs.self),
        tileRows: AVXVNNIProducts.tileRows, tile: { AVXVNNIProducts.tile($0) },
        blockTileRows: AVXVNNIPairs.tileRows, blockTile: { AVXVNNIPairs.blockTile($0) })
}
#endif
