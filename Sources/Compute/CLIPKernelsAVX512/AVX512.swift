#if arch(x86_64)
package import CLIPKernels
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

extension KernelTable {
    /// The kernels for machines with AVX-512 F, BW, DQ and VL.
    package static let avx512 = KernelTable(
        linear: { AVX512Unit.linear($0) }, layerNorm: { AVX512Unit.layerNorm($0) },
        attention: { AVX512Unit.attention($0) }, quantised: .avx512)
}

extension AVX512Unit: QuantisingUnit {
    @inline(__always)
    static func floats(_ integers: Integers) -> Vector {
        _mm512_cvtepi32_ps(unsafeBitCast(integers, to: SIMD8<Int64>.self))
    }

    /// Stores levels as bytes.
    @inline(__always)
    fileprivate static func storeBytes(_ levels: Integers, _ target: UnsafeMutableRawPointer) {
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
    static func shiftedLeft(_ x: Sums) -> Sums {
        unsafeBitCast(_mm512_slli_epi16(unsafeBitCast(x, to: SIMD8<Int64>.self), 8), to: Sums.self)
    }

    @inline(__always)
    static func shiftedRight(_ x: Sums) -> Sums {
        unsafeBitCast(_mm512_srai_epi16(unsafeBitCast(x, to: SIMD8<Int64>.self), 8), to: Sums.self)
    }
}

extension QuantisedKernels {
    /// The kernels for machines with AVX-512 F, BW, DQ and VL.
    static let avx512 = QuantisedKernels(
        tileRows: AVX512Products.tileRows, steps: AVX512Products.steps,
        quantise: {
            AVX512Unit.quantise($0, steps: AVX512Products.steps) { AVX512Unit.storePairs($0, $1) }
        },
        linear: {
            AVX512Unit.quantisedLinear($0, tileRows: AVX512Products.tileRows, steps: AVX512Products.steps) {
                AVX512Products.tile($0)
            }
        })

    /// The same with integer sums by `tile`, which reads a group of four levels as one word of bytes.
    package static func avx512(
        tileRows: Int, tile: @escaping @Sendable (IntegerTileJob) -> Void
    ) -> QuantisedKernels {
        QuantisedKernels(
            tileRows: tileRows, steps: 1,
            quantise: { AVX512Unit.quantise($0, steps: 1) { AVX512Unit.storeBytes($0, $1) } },
            linear: { AVX512Unit.quantisedLinear($0, tileRows: tileRows, steps: 1, tile: tile) },
            attention: {
                AVX512Unit.quantisedAttention(
                    $0, tileRows: tileRows, store: { AVX512Unit.storeBytes($0, $1) }, tile: tile)
            })
    }
}

extension RoofTable {
    package static let avx512 = RoofTable(
        multiplyAdds: { AVX512Unit.multiplyAdds($0) }, integerProducts: { AVX512Products.roof($0) },
        sum: { AVX512Unit.sum($0, $1) })
}
#endif
