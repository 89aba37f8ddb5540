/// The vector instructions of one instruction set: what the kernels of this module are written in.
///
/// Kernels are generic over it and always inlined, so that each of them is compiled once per instruction set, inside
/// the module whose compiler flags allow it. Sums, products and shifts of generic vectors become vector instructions
/// there; comparisons would go lane by lane, so that an instruction set brings them along.
@usableFromInline package protocol VectorUnit: SendableMetatype {
    associatedtype Vector: SIMD & BitwiseCopyable where Vector.Scalar == Float
    /// As many 32-bit integers as `Vector` has floats.
    associatedtype Integers: SIMD & BitwiseCopyable where Integers.Scalar == Int32

    /// Rows of the largest tile of two vectors per row whose sums stay in registers, at most twelve.
    static var tileRows: Int { get }

    /// Whether an instruction multiplies by a lane of a vector: tiles then load four neighbours of a row at once.
    static var multipliesByLane: Bool { get }

    /// Each of the four floats at `source`, in all lanes of a vector.
    static func spread(_ source: UnsafePointer<Float>) -> (Vector, Vector, Vector, Vector)

    /// a · b + c, rounded once where the instruction set can.
    static func multiplyAdd(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector

    static func maximum(_ a: Vector, _ b: Vector) -> Vector
    static func minimum(_ a: Vector, _ b: Vector) -> Vector

    /// `a` in the lanes where `x` < `y`, else `b`.
    static func choose(_ a: Vector, _ b: Vector, where x: Vector, isBelow y: Vector) -> Vector

    /// The half-precision numbers at `source`, which may start at any byte.
    static func widen(_ source: UnsafeRawPointer) -> Vector
    /// The same of two vectors, the second `offset` bytes behind the first: half a vector's where they are in one panel.
    static func widen(_ source: UnsafeRawPointer, offset: Int) -> (Vector, Vector)
}

extension VectorUnit {
    @inlinable @inline(__always)
    package static var multipliesByLane: Bool { false }

    @inlinable @inline(__always)
    package static func spread(_ source: UnsafePointer<Float>) -> (Vector, Vector, Vector, Vector) {
        (
            Vector(repeating: source[0]), Vector(repeating: source[1]), Vector(repeating: source[2]),
            Vector(repeating: source[3])
        )
    }

    @inlinable @inline(__always)
    package static func widen(_ source: UnsafeRawPointer, offset: Int) -> (Vector, Vector) {
        (widen(source), widen(source + offset))
    }

    /// Floats in a vector.
    @inlinable @inline(__always)
    package static var width: Int { MemoryLayout<Vector>.size / MemoryLayout<Float>.size }

    /// Columns of a tile.
    @inlinable @inline(__always)
    package static var tileColumns: Int { 2 * width }

    @inlinable @inline(__always)
    package static func load(_ source: UnsafePointer<Float>) -> Vector {
        UnsafeRawPointer(source).loadUnaligned(as: Vector.self)
    }

    /// The first `count` floats at `source`, then zeros.
    @inlinable @inline(__always)
    package static func load(_ source: UnsafePointer<Float>, count: Int) -> Vector {
        var vector = Vector(repeating: 0)
        for lane in 0..<count { vector[lane] = source[lane] }
        return vector
    }

    @inlinable @inline(__always)
    package static func store(_ vector: Vector, _ target: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(target).storeBytes(of: vector, as: Vector.self)
    }

    /// Stores the first `count` lanes.
    @inlinable @inline(__always)
    package static func store(_ vector: Vector, _ target: UnsafeMutablePointer<Float>, count: Int) {
        for lane in 0..<count { target[lane] = vector[lane] }
    }
}

/// The transpose of four vectors of four: their first lanes, their second lanes and so on.
@inlinable @inline(__always)
package func transposed<Scalar>(
    _ a: SIMD4<Scalar>, _ b: SIMD4<Scalar>, _ c: SIMD4<Scalar>, _ d: SIMD4<Scalar>
) -> (SIMD4<Scalar>, SIMD4<Scalar>, SIMD4<Scalar>, SIMD4<Scalar>) {
    // Interleaved halves, which every instruction set has an instruction for.
    let (ab01, ab23) = (interleaved(a.lowHalf, b.lowHalf), interleaved(a.highHalf, b.highHalf))
    let (cd01, cd23) = (interleaved(c.lowHalf, d.lowHalf), interleaved(c.highHalf, d.highHalf))
    return (
        SIMD4(lowHalf: ab01.lowHalf, highHalf: cd01.lowHalf), SIMD4(lowHalf: ab01.highHalf, highHalf: cd01.highHalf),
        SIMD4(lowHalf: ab23.lowHalf, highHalf: cd23.lowHalf), SIMD4(lowHalf: ab23.highHalf, highHalf: cd23.highHalf)
    )
}

@inlinable @inline(__always)
func interleaved<Scalar>(_ a: SIMD2<Scalar>, _ b: SIMD2<Scalar>) -> SIMD4<Scalar> {
    var result = SIMD4<Scalar>()
    result.evenHalf = a
    result.oddHalf = b
    return result
}
