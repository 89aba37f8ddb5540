#if arch(x86_64)
package import CLIPKernels
import CLIPKernelsAVX2
import _Builtin_intrinsics.intel

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

extension AVX512Unit: ByteQuantisingUnit {
    @inline(__always) static var leastLevel: Int32 { 0 }

    @inline(__always)
    static func floats(_ integers: Integers) -> Vector {
        _mm512_cvtepi32_ps(unsafeBitCast(integers, to: SIMD8<Int64>.self))
    }

    @inline(__always)
    static func larger(_ a: Integers, _ b: Integers) -> Integers {
        unsafeBitCast(
            _mm512_max_epi32(unsafeBitCast(a, to: SIMD8<Int64>.self), unsafeBitCast(b, to: SIMD8<Int64>.self)),
            to: Integers.self)
    }

    @inline(__always)
    static func storeHalves(_ numbers: Integers, _ target: UnsafeMutableRawPointer) {
        target.storeBytes(
            of: _mm512_cvtepi32_epi16(unsafeBitCast(numbers, to: SIMD8<Int64>.self)), as: SIMD4<Int64>.self)
    }

    @inline(__always)
    static func storeBytes(_ levels: Integers, _ target: UnsafeMutableRawPointer) {
        target.storeBytes(
            of: _mm512_cvtepi32_epi8(unsafeBitCast(levels, to: SIMD8<Int64>.self)), as: SIMD2<Int64>.self)
    }
}

/// Integer products with AVX-512 BW.
enum AVX512Products: PairProducts {
    typealias Sums = SIMD16<Int32>

    @inline(__always) static var tileRows: Int { 12 }

    @inline(__always)
    static func sumOfPairs(_ a: Sums, _ b: Sums) -> Sums {
        unsafeBitCast(
            _mm512_madd_epi16(
                unsafeBitCast(a, to: SIMD8<Int64>.self), unsafeBitCast(b, to: SIMD8<Int64>.self)), to: Sums.self)
    }

    @inline(__always)
    static func floats(_ sums: Sums) -> AVX512Unit.Vector { AVX512Unit.floats(sums) }

    @inline(__always)
    static func shiftedLeft(_ x: Sums) -> Sums {
        unsafeBitCast(_mm512_slli_epi16(unsafeBitCast(x, to: SIMD8<Int64>.self), 8), to: Sums.self)
    }

    @inline(__always)
    static func shiftedRight(_ x: Sums) -> Sums {
        unsafeBitCast(_mm512_srai_epi16(unsafeBitCast(x, to: SIMD8<Int64>.self), 8), to: Sums.self)
    }
}

extension KernelTable {
    /// The kernels for machines with AVX-512 F, BW, DQ and VL. Pictures have no use for wider vectors than AVX2's.
    package static let avx512 = KernelTable(
        layers: LayerKernels(
            AVX512Unit.self, int8: QuantisedKernels(AVX512Unit.self, AVX512Products.self),
            int16: BlockKernels(AVX512Unit.self, AVX512Products.self)),
        pictures: KernelTable.avx2.pictures, roofs: RoofKernels(AVX512Unit.self, AVX512Products.self))

    /// The same with integer sums by `tile`, which reads a group of four levels as one word of bytes, and by `blockTile`.
    package static func avx512(
        roofs: RoofKernels, tileRows: Int, tile: @escaping @Sendable (IntegerTileJob) -> Void,
        blockTileRows: Int, blockTile: @escaping @Sendable (BlockTileJob) -> Void
    ) -> KernelTable {
        KernelTable(
            layers: LayerKernels(
                AVX512Unit.self, int8: QuantisedKernels(AVX512Unit.self, tileRows: tileRows, tile: tile),
                int16: BlockKernels(AVX512Unit.self, tileRows: blockTileRows, tile: blockTile)),
            pictures: KernelTable.avx2.pictures, roofs: roofs)
    }
}
#endif
