#if arch(x86_64)
package import CLIPKernels
import CLIPKernelsAVX512
import _Builtin_intrinsics.intel

/// Integer products with AVX-512 VNNI: four of an unsigned and a signed byte at once, summed in 32 bits.
enum AVX512VNNIProducts: QuadProducts {
    typealias Sums = SIMD16<Int32>

    @inline(__always) static var tileRows: Int { 12 }

    @inline(__always)
    static func add(_ sums: Sums, _ word: Sums, _ weights: Sums) -> Sums {
        unsafeBitCast(
            _mm512_dpbusd_epi32(
                unsafeBitCast(sums, to: SIMD8<Int64>.self), unsafeBitCast(word, to: SIMD8<Int64>.self),
                unsafeBitCast(weights, to: SIMD8<Int64>.self)), to: Sums.self)
    }
}

/// Two products of 16-bit numbers at once, summed in 32 bits.
enum AVX512VNNIPairs: BlockProducts {
    typealias Sums = SIMD16<Int32>

    /// The compiler doesn't keep the sums of eleven or twelve rows in registers.
    @inline(__always) static var tileRows: Int { 10 }
    @inline(__always) static var productsPerLane: Int { 2 }

    @inline(__always)
    static func add(_ sums: Sums, _ word: Sums, _ weights: Sums) -> Sums {
        unsafeBitCast(
            _mm512_dpwssd_epi32(
                unsafeBitCast(sums, to: SIMD8<Int64>.self), unsafeBitCast(word, to: SIMD8<Int64>.self),
                unsafeBitCast(weights, to: SIMD8<Int64>.self)), to: Sums.self)
    }

    @inline(__always)
    static func products(_ word: Sums, _ weights: Sums) -> Sums { add(word, word, weights) }

    @inline(__always)
    static func floats(_ sums: Sums) -> SIMD16<Float> {
        _mm512_cvtepi32_ps(unsafeBitCast(sums, to: SIMD8<Int64>.self))
    }
}

extension KernelTable {
    /// The kernels for machines with AVX-512 F, BW, DQ, VL and VNNI: those of AVX-512 but for integer products.
    package static let avx512VNNI = KernelTable.avx512(
        roofs: RoofKernels(KernelTable.avx512.roofs, AVX512VNNIProducts.self, AVX512VNNIPairs.self),
        tileRows: AVX512VNNIProducts.tileRows, tile: { AVX512VNNIProducts.tile($0) },
        blockTileRows: AVX512VNNIPairs.tileRows, blockTile: { AVX512VNNIPairs.blockTile($0) })
}
#endif
