package import Kernels

/// What every machine has: SSE2 on x86-64, NEON on arm64.
enum BaselineUnit: VectorUnit {
    typealias Vector = SIMD4<Float>
    typealias Integers = SIMD4<Int32>

    #if arch(arm64)
    @inline(__always) static var tileRows: Int { 12 }

    @inline(__always)
    static func multiplyAdd(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector { c.addingProduct(a, b) }
    #else
    @inline(__always) static var tileRows: Int { 6 }

    // There is no fused instruction: asking for one would call the mathematics library for every lane.
    @inline(__always)
    static func multiplyAdd(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector { a * b + c }
    #endif

    /// By integer arithmetic: the conversion of Float16 itself is a call per number without its instructions.
    @inline(__always)
    static func widen(_ source: UnsafeRawPointer) -> Vector {
        let bits = SIMD4<UInt32>(truncatingIfNeeded: source.loadUnaligned(as: SIMD4<UInt16>.self))
        let sign = (bits & 0x8000) &<< 16
        let magnitude = bits & 0x7FFF
        // The exponent's bias grows from 15 to 127, the largest exponent from 31 to 255.
        let normal = (magnitude &<< 13) &+ (112 &<< 23)
        // Subnormals count 2⁻²⁴: as whole numbers they convert exactly.
        let subnormal = unsafeBitCast(
            Vector(SIMD4<Int32>(truncatingIfNeeded: magnitude)) * 0x1p-24, to: SIMD4<UInt32>.self)
        let finite = normal.replacing(with: subnormal, where: magnitude .< 0x0400)
        let all = finite.replacing(with: normal &+ (112 &<< 23), where: magnitude .>= 0x7C00)
        return unsafeBitCast(all | sign, to: Vector.self)
    }
}

extension KernelTable {
    /// The kernels for every machine.
    package static let baseline = KernelTable(
        linear: { BaselineUnit.linear($0) }, layerNorm: { BaselineUnit.layerNorm($0) },
        attention: { BaselineUnit.attention($0) })
}
