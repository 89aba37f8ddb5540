internal import CLIPKernels

#if arch(x86_64)
import _Builtin_intrinsics.intel
#endif

extension BaselineUnit: QuantisingUnit {
    @inline(__always)
    static func floats(_ integers: Integers) -> Vector {
        #if arch(x86_64)
        _mm_cvtepi32_ps(unsafeBitCast(integers, to: SIMD2<Int64>.self))
        #else
        Vector(integers)
        #endif
    }
}

/// Integer products on every machine.
enum BaselineProducts: PairProducts {
    typealias Sums = SIMD4<Int32>

    #if arch(x86_64)
    @inline(__always) static var tileRows: Int { 6 }

    @inline(__always)
    static func sumOfPairs(_ a: Sums, _ b: Sums) -> Sums {
        unsafeBitCast(
            _mm_madd_epi16(unsafeBitCast(a, to: SIMD2<Int64>.self), unsafeBitCast(b, to: SIMD2<Int64>.self)),
            to: Sums.self)
    }

    @inline(__always)
    static func shiftedLeft(_ x: Sums) -> Sums {
        unsafeBitCast(_mm_slli_epi16(unsafeBitCast(x, to: SIMD2<Int64>.self), 8), to: Sums.self)
    }

    @inline(__always)
    static func shiftedRight(_ x: Sums) -> Sums {
        unsafeBitCast(_mm_srai_epi16(unsafeBitCast(x, to: SIMD2<Int64>.self), 8), to: Sums.self)
    }
    #else
    @inline(__always) static var tileRows: Int { 12 }

    @inline(__always)
    static func sumOfPairs(_ a: Sums, _ b: Sums) -> Sums {
        let first = ((a &<< 16) &>> 16) &* ((b &<< 16) &>> 16)
        return first &+ (a &>> 16) &* (b &>> 16)
    }

    @inline(__always)
    static func shiftedLeft(_ x: Sums) -> Sums {
        unsafeBitCast(unsafeBitCast(x, to: SIMD8<Int16>.self) &<< 8, to: Sums.self)
    }

    @inline(__always)
    static func shiftedRight(_ x: Sums) -> Sums {
        unsafeBitCast(unsafeBitCast(x, to: SIMD8<Int16>.self) &>> 8, to: Sums.self)
    }
    #endif
}

extension QuantisedKernels {
    /// The kernels for every machine.
    static let baseline = QuantisedKernels(
        tileRows: BaselineProducts.tileRows, steps: BaselineProducts.steps,
        quantise: {
            BaselineUnit.quantise($0, steps: BaselineProducts.steps) { BaselineUnit.storePairs($0, $1) }
        },
        linear: {
            BaselineUnit.quantisedLinear($0, tileRows: BaselineProducts.tileRows, steps: BaselineProducts.steps) {
                BaselineProducts.tile($0)
            }
        })
}
