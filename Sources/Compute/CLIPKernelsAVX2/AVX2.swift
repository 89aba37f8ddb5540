#if arch(x86_64)
package import CLIPKernels
import _Builtin_intrinsics.intel

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

extension AVX2Unit: ByteQuantisingUnit {
    @inline(__always) static var leastLevel: Int32 { 0 }

    @inline(__always)
    static func floats(_ integers: Integers) -> Vector {
        _mm256_cvtepi32_ps(unsafeBitCast(integers, to: SIMD4<Int64>.self))
    }

    @inline(__always)
    static func larger(_ a: Integers, _ b: Integers) -> Integers {
        unsafeBitCast(
            _mm256_max_epi32(unsafeBitCast(a, to: SIMD4<Int64>.self), unsafeBitCast(b, to: SIMD4<Int64>.self)),
            to: Integers.self)
    }

    /// The instruction narrows each half of a vector by itself: the numbers stand in the first and third quarter then.
    @inline(__always)
    static func storeHalves(_ numbers: Integers, _ target: UnsafeMutableRawPointer) {
        let numbers = unsafeBitCast(numbers, to: SIMD4<Int64>.self)
        target.storeBytes(of: _mm256_packs_epi32(numbers, numbers).evenHalf, as: SIMD2<Int64>.self)
    }

    @inline(__always)
    static func storeBytes(_ levels: Integers, _ target: UnsafeMutableRawPointer) {
        let levels = unsafeBitCast(levels, to: SIMD4<Int64>.self)
        let halves = _mm256_packs_epi32(levels, levels)
        let bytes = unsafeBitCast(_mm256_packus_epi16(halves, halves), to: SIMD8<Int32>.self)
        target.storeBytes(of: SIMD2(bytes[0], bytes[4]), as: SIMD2<Int32>.self)
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
    static func floats(_ sums: Sums) -> AVX2Unit.Vector { AVX2Unit.floats(sums) }

    @inline(__always)
    static func shiftedLeft(_ x: Sums) -> Sums {
        unsafeBitCast(_mm256_slli_epi16(unsafeBitCast(x, to: SIMD4<Int64>.self), 8), to: Sums.self)
    }

    @inline(__always)
    static func shiftedRight(_ x: Sums) -> Sums {
        unsafeBitCast(_mm256_srai_epi16(unsafeBitCast(x, to: SIMD4<Int64>.self), 8), to: Sums.self)
    }
}

extension KernelTable {
    /// The kernels for machines with AVX2, FMA and F16C.
    package static let avx2 = KernelTable(
        layers: LayerKernels(
            AVX2Unit.self, int8: QuantisedKernels(AVX2Unit.self, AVX2Products.self),
            int16: BlockKernels(AVX2Unit.self, AVX2Products.self)),
        pictures: PictureKernels(AVX2Pictures.self), roofs: RoofKernels(AVX2Unit.self, AVX2Products.self))

    /// The same with integer sums by `tile`, which reads a group of four levels as one word of bytes, and by `blockTile`.
    package static func avx2(
        roofs: RoofKernels, tileRows: Int, tile: @escaping @Sendable (IntegerTileJob) -> Void,
        blockTileRows: Int, blockTile: @escaping @Sendable (BlockTileJob) -> Void
    ) -> KernelTable {
        KernelTable(
            layers: LayerKernels(
                AVX2Unit.self, int8: QuantisedKernels(AVX2Unit.self, tileRows: tileRows, tile: tile),
                int16: BlockKernels(AVX2Unit.self, tileRows: blockTileRows, tile: blockTile)),
            pictures: KernelTable.avx2.pictures, roofs: roofs)
    }
}
#endif
