/// The sums of a few rows by two vectors of columns, held in registers while K runs.
///
/// A tile is one row, or a tile above another tile: composed types unroll where they are inlined, whatever the number
/// of rows.
@usableFromInline package protocol Tile {
    associatedtype Unit: VectorUnit
    static var rows: Int { get }
    init()

    /// Takes up sums that `store` wrote.
    mutating func load(_ source: UnsafePointer<Float>, stride: Int)

    /// Adds the outer product of a column of A (its elements `rowStride` apart) and a row of B.
    mutating func accumulate(
        _ a: UnsafePointer<Float>, rowStride: Int, _ left: Unit.Vector, _ right: Unit.Vector)

    /// Writes the sums, row after row, `stride` floats apart.
    func store(_ target: UnsafeMutablePointer<Float>, stride: Int)
}

/// A tile of one row.
@frozen @usableFromInline
package struct TileRow<Unit: VectorUnit>: Tile {
    @usableFromInline var left = Unit.Vector(repeating: 0)
    @usableFromInline var right = Unit.Vector(repeating: 0)

    @inlinable @inline(__always)
    package static var rows: Int { 1 }

    @inlinable @inline(__always)
    package init() {}

    @inlinable @inline(__always)
    package mutating func load(_ source: UnsafePointer<Float>, stride: Int) {
        left = Unit.load(source)
        right = Unit.load(source + Unit.width)
    }

    @inlinable @inline(__always)
    package mutating func accumulate(
        _ a: UnsafePointer<Float>, rowStride: Int, _ left: Unit.Vector, _ right: Unit.Vector
    ) {
        let factor = Unit.Vector(repeating: a.pointee)
        self.left = Unit.multiplyAdd(factor, left, self.left)
        self.right = Unit.multiplyAdd(factor, right, self.right)
    }

    @inlinable @inline(__always)
    package func store(_ target: UnsafeMutablePointer<Float>, stride: Int) {
        Unit.store(left, target)
        Unit.store(right, target + Unit.width)
    }
}

/// A tile above another.
@frozen @usableFromInline
package struct TileStack<Top: Tile, Bottom: Tile>: Tile where Top.Unit == Bottom.Unit {
    @usableFromInline package typealias Unit = Top.Unit

    @usableFromInline var top = Top()
    @usableFromInline var bottom = Bottom()

    @inlinable @inline(__always)
    package static var rows: Int { Top.rows + Bottom.rows }

    @inlinable @inline(__always)
    package init() {}

    @inlinable @inline(__always)
    package mutating func load(_ source: UnsafePointer<Float>, stride: Int) {
        top.load(source, stride: stride)
        bottom.load(source + Top.rows * stride, stride: stride)
    }

    @inlinable @inline(__always)
    package mutating func accumulate(
        _ a: UnsafePointer<Float>, rowStride: Int, _ left: Unit.Vector, _ right: Unit.Vector
    ) {
        top.accumulate(a, rowStride: rowStride, left, right)
        bottom.accumulate(a + Top.rows * rowStride, rowStride: rowStride, left, right)
    }

    @inlinable @inline(__always)
    package func store(_ target: UnsafeMutablePointer<Float>, stride: Int) {
        top.store(target, stride: stride)
        bottom.store(target + Top.rows * stride, stride: stride)
    }
}

@usableFromInline package typealias Tile1<Unit: VectorUnit> = TileRow<Unit>
@usableFromInline package typealias Tile2<Unit: VectorUnit> = TileStack<Tile1<Unit>, Tile1<Unit>>
@usableFromInline package typealias Tile3<Unit: VectorUnit> = TileStack<Tile2<Unit>, Tile1<Unit>>
@usableFromInline package typealias Tile4<Unit: VectorUnit> = TileStack<Tile2<Unit>, Tile2<Unit>>
@usableFromInline package typealias Tile5<Unit: VectorUnit> = TileStack<Tile3<Unit>, Tile2<Unit>>
@usableFromInline package typealias Tile6<Unit: VectorUnit> = TileStack<Tile3<Unit>, Tile3<Unit>>
@usableFromInline package typealias Tile7<Unit: VectorUnit> = TileStack<Tile4<Unit>, Tile3<Unit>>
@usableFromInline package typealias Tile8<Unit: VectorUnit> = TileStack<Tile4<Unit>, Tile4<Unit>>
@usableFromInline package typealias Tile9<Unit: VectorUnit> = TileStack<Tile5<Unit>, Tile4<Unit>>
@usableFromInline package typealias Tile10<Unit: VectorUnit> = TileStack<Tile5<Unit>, Tile5<Unit>>
@usableFromInline package typealias Tile11<Unit: VectorUnit> = TileStack<Tile6<Unit>, Tile5<Unit>>
@usableFromInline package typealias Tile12<Unit: VectorUnit> = TileStack<Tile6<Unit>, Tile6<Unit>>
