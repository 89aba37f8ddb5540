package import CLIPKernels

#if arch(x86_64)
import _Builtin_intrinsics.intel
#elseif arch(arm64)
import _Builtin_intrinsics.arm.neon
#endif

/// What every machine has: SSE2 on x86-64, NEON on arm64.
enum BaselineUnit: VectorUnit {
    typealias Vector = SIMD4<Float>
    typealias Integers = SIMD4<Int32>

    #if arch(arm64)
    // Of more rows the four rows of B, two vectors each, and some of A would find no registers.
    @inline(__always) static var tileRows: Int { 8 }
    @inline(__always) static var multipliesByLane: Bool { true }

    /// By steps of which the compiler makes a lane: single lanes taken from a vector it would load one by one.
    @inline(__always)
    static func spread(_ source: UnsafePointer<Float>) -> (Vector, Vector, Vector, Vector) {
        let floats = load(source)
        let (low, high) = (vzip1q_f32(floats, floats), vzip2q_f32(floats, floats))
        return (vzip1q_f32(low, low), vzip2q_f32(low, low), vzip1q_f32(high, high), vzip2q_f32(high, high))
    }

    @inline(__always)
    static func multiplyAdd(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector { c.addingProduct(a, b) }
    #else
    @inline(__always) static var tileRows: Int { 6 }

    // There is no fused instruction: asking for one would call the mathematics library for every lane.
    @inline(__always)
    static func multiplyAdd(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector { a * b + c }
    #endif

    #if arch(arm64)
    // Of what is no number and a number, the number: so do other instruction sets where the first is none.
    @inline(__always)
    static func maximum(_ a: Vector, _ b: Vector) -> Vector { vmaxnmq_f32(a, b) }

    @inline(__always)
    static func minimum(_ a: Vector, _ b: Vector) -> Vector { vminnmq_f32(a, b) }
    #else
    @inline(__always)
    static func maximum(_ a: Vector, _ b: Vector) -> Vector { b.replacing(with: a, where: b .< a) }

    @inline(__always)
    static func minimum(_ a: Vector, _ b: Vector) -> Vector { b.replacing(with: a, where: a .< b) }
    #endif

    @inline(__always)
    static func choose(_ a: Vector, _ b: Vector, where x: Vector, isBelow y: Vector) -> Vector {
        b.replacing(with: a, where: x .< y)
    }

    #if arch(arm64)
    @inline(__always)
    static func widen(_ source: UnsafeRawPointer) -> Vector {
        Vector(source.loadUnaligned(as: SIMD4<Float16>.self))
    }

    /// The two vectors lie side by side: a panel holds four.
    @inline(__always)
    static func widen(_ source: UnsafeRawPointer, offset: Int) -> (Vector, Vector) {
        let halves = source.loadUnaligned(as: SIMD8<Float16>.self)
        return (Vector(halves.lowHalf), Vector(halves.highHalf))
    }
    #else
    /// By integer arithmetic: the conversion of Float16 itself is a call per number without its instructions.
    @inline(__always)
    static func widen(_ source: UnsafeRawPointer) -> Vector {
        let halves = SIMD2(source.loadUnaligned(as: Int64.self), 0)
        let bits = unsafeBitCast(_mm_unpacklo_epi16(halves, SIMD2(0, 0)), to: SIMD4<Int32>.self)
        let magnitude = bits & 0x7FFF
        // The exponent's bias grows from 15 to 127, the largest exponent from 31 to 255.
        let normal = (magnitude &<< 13) &+ (112 &<< 23)
        let special = normal &+ (112 &<< 23)
        // Subnormals count 2⁻²⁴: as whole numbers they convert without the stall that subnormal floats cost.
        let whole = _mm_cvtepi32_ps(unsafeBitCast(magnitude, to: SIMD2<Int64>.self))
        let finite = choose(
            whole * 0x1p-24, unsafeBitCast(normal, to: Vector.self), where: whole, isBelow: Vector(repeating: 0x0400))
        let value = choose(
            finite, unsafeBitCast(special, to: Vector.self), where: whole, isBelow: Vector(repeating: 0x7C00))
        let sign = (bits &<< 16) & SIMD4(repeating: .min)
        return unsafeBitCast(unsafeBitCast(value, to: SIMD4<Int32>.self) | sign, to: Vector.self)
    }
    #endif
}

extension BaselineUnit: QuantisingUnit {
    @inline(__always)
    static func floats(_ integers: Integers) -> Vector {
        #if arch(x86_64)
        _mm_cvtepi32_ps(unsafeBitCast(integers, to: SIMD2<Int64>.self))
        #elseif arch(arm64)
        vcvtq_f32_s32(integers)
        #else
        Vector(integers)
        #endif
    }

    @inline(__always)
    static func larger(_ a: Integers, _ b: Integers) -> Integers { a.replacing(with: b, where: a .< b) }

    @inline(__always)
    static func storeHalves(_ numbers: Integers, _ target: UnsafeMutableRawPointer) {
        #if arch(x86_64)
        let numbers = unsafeBitCast(numbers, to: SIMD2<Int64>.self)
        target.storeBytes(of: _mm_packs_epi32(numbers, numbers)[0], as: Int64.self)
        #else
        target.storeBytes(of: SIMD4<Int16>(truncatingIfNeeded: numbers), as: SIMD4<Int16>.self)
        #endif
    }
}

#if arch(arm64)
extension BaselineUnit: ByteQuantisingUnit {
    @inline(__always) static var leastLevel: Int32 { -128 }

    @inline(__always)
    static func storeBytes(_ levels: Integers, _ target: UnsafeMutableRawPointer) {
        let halves = vmovn_s32(levels)
        let bytes = vmovn_s16(SIMD8(lowHalf: halves, highHalf: halves))
        target.storeBytes(of: unsafeBitCast(bytes, to: SIMD2<Int32>.self)[0], as: Int32.self)
    }
}
#endif

#if !arch(arm64)
/// Integer products on every machine.
enum BaselineProducts: PairProducts {
    typealias Sums = SIMD4<Int32>

    @inline(__always) static var tileRows: Int { 6 }

    @inline(__always)
    static func floats(_ sums: Sums) -> BaselineUnit.Vector { BaselineUnit.floats(sums) }

    #if arch(x86_64)
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

extension KernelTable {
    /// The kernels for every machine.
    package static let baseline = KernelTable(
        layers: LayerKernels(
            BaselineUnit.self, int8: QuantisedKernels(BaselineUnit.self, BaselineProducts.self),
            int16: BlockKernels(BaselineUnit.self, BaselineProducts.self)),
        pictures: PictureKernels(BaselinePictures.self), roofs: RoofKernels(BaselineUnit.self, BaselineProducts.self))
}
#else
extension KernelTable {
    /// The kernels for every machine.
    package static let baseline = KernelTable(
        layers: LayerKernels(
            BaselineUnit.self,
            int8: QuantisedKernels(BaselineUnit.self, tileRows: NEONByteProducts.tileRows) {
                NEONByteProducts.tile($0)
            },
            int16: BlockKernels(BaselineUnit.self, tileRows: NEONPairs.tileRows) { NEONPairs.blockTile($0) }),
        pictures: PictureKernels(BaselinePictures.self),
        roofs: RoofKernels(BaselineUnit.self, NEONByteProducts.self, NEONPairs.self))

    /// The same with integer sums by `tile`, which reads a group of four levels as one word of signed bytes.
    package static func baseline(
        roofs: RoofKernels, tileRows: Int, tile: @escaping @Sendable (IntegerTileJob) -> Void
    ) -> KernelTable {
        var layers = baseline.layers
        layers.int8 = QuantisedKernels(BaselineUnit.self, tileRows: tileRows, tile: tile)
        return KernelTable(layers: layers, pictures: baseline.pictures, roofs: roofs)
    }
}
#endif
