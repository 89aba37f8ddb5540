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

    /// The same four times: of columns of A that lie side by side, and as many rows of B.
    mutating func accumulateFour(_ a: UnsafePointer<Float>, rowStride: Int, _ b: FourRows<Unit>)

    /// Writes the sums, row after row, `stride` floats apart.
    func store(_ target: UnsafeMutablePointer<Float>, stride: Int)
}

/// Four rows of B, each as two vectors.
@frozen @usableFromInline
package struct FourRows<Unit: VectorUnit> {
    @usableFromInline let left: (Unit.Vector, Unit.Vector, Unit.Vector, Unit.Vector)
    @usableFromInline let right: (Unit.Vector, Unit.Vector, Unit.Vector, Unit.Vector)

    @inlinable @inline(__always)
    package init<Columns: TileColumns>(_ columns: inout Columns) where Columns.Unit == Unit {
        let (first, second, third, fourth) = (columns.next(), columns.next(), columns.next(), columns.next())
        left = (first.left, second.left, third.left, fourth.left)
        right = (first.right, second.right, third.right, fourth.right)
    }
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
    package mutating func accumulateFour(_ a: UnsafePointer<Float>, rowStride: Int, _ b: FourRows<Unit>) {
        let factors = Unit.spread(a)
        left = Unit.multiplyAdd(factors.0, b.left.0, left)
        right = Unit.multiplyAdd(factors.0, b.right.0, right)
        left = Unit.multiplyAdd(factors.1, b.left.1, left)
        right = Unit.multiplyAdd(factors.1, b.right.1, right)
        left = Unit.multiplyAdd(factors.2, b.left.2, left)
        right = Unit.multiplyAdd(factors.2, b.right.2, right)
        left = Unit.multiplyAdd(factors.3, b.left.3, left)
        right = Unit.multiplyAdd(factors.3, b.right.3, right)
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
    package mutating func accumulateFour(_ a: UnsafePointer<Float>, rowStride: Int, _ b: FourRows<Unit>) {
        top.accumulateFour(a, rowStride: rowStride, b)
        bottom.accumulateFour(a + Top.rows * rowStride, rowStride: rowStride, b)
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

/// The rows of B, one k after another, as a tile takes them: two vectors of columns.
@usableFromInline package protocol TileColumns<Unit> {
    associatedtype Unit: VectorUnit
    /// The next row.
    mutating func next() -> (left: Unit.Vector, right: Unit.Vector)
}

/// Panels of 32-bit floats, `[K][16]`.
@frozen @usableFromInline package struct FloatPanelColumns<Unit: VectorUnit>: TileColumns {
    @usableFromInline var position: UnsafeRawPointer
    /// From the left vector to the right one, which may be of another panel, in bytes.
    @usableFromInline let rightOffset: Int

    @inlinable @inline(__always)
    package init(_ position: UnsafeRawPointer, rightOffset: Int) {
        self.position = position
        self.rightOffset = rightOffset
    }

    @inlinable @inline(__always)
    package mutating func next() -> (left: Unit.Vector, right: Unit.Vector) {
        defer { position += 64 }
        return (
            position.loadUnaligned(as: Unit.Vector.self), (position + rightOffset).loadUnaligned(as: Unit.Vector.self)
        )
    }
}

/// Panels of 16-bit floats, `[K][16]`, widened as they are loaded.
@frozen @usableFromInline package struct HalfPanelColumns<Unit: VectorUnit>: TileColumns {
    @usableFromInline var position: UnsafeRawPointer
    @usableFromInline let rightOffset: Int

    @inlinable @inline(__always)
    package init(_ position: UnsafeRawPointer, rightOffset: Int) {
        self.position = position
        self.rightOffset = rightOffset
    }

    @inlinable @inline(__always)
    package mutating func next() -> (left: Unit.Vector, right: Unit.Vector) {
        defer { position += 32 }
        let (left, right) = Unit.widen(position, offset: rightOffset)
        return (left, right)
    }
}

/// Panels of 16-bit floats, left behind as `PackedColumns` for the tiles that follow.
@frozen @usableFromInline package struct WideningColumns<Unit: VectorUnit>: TileColumns {
    @usableFromInline var panels: HalfPanelColumns<Unit>
    @usableFromInline var target: UnsafeMutablePointer<Float>

    @inlinable @inline(__always)
    package init(_ panels: HalfPanelColumns<Unit>, into target: UnsafeMutablePointer<Float>) {
        self.panels = panels
        self.target = target
    }

    @inlinable @inline(__always)
    package mutating func next() -> (left: Unit.Vector, right: Unit.Vector) {
        let row = panels.next()
        Unit.store(row.left, target)
        Unit.store(row.right, target + Unit.width)
        target += Unit.tileColumns
        return row
    }
}

/// Rows of two vectors, one behind the other.
@frozen @usableFromInline package struct PackedColumns<Unit: VectorUnit>: TileColumns {
    @usableFromInline var position: UnsafePointer<Float>

    @inlinable @inline(__always)
    package init(_ position: UnsafePointer<Float>) { self.position = position }

    @inlinable @inline(__always)
    package mutating func next() -> (left: Unit.Vector, right: Unit.Vector) {
        defer { position += Unit.tileColumns }
        return (Unit.load(position), Unit.load(position + Unit.width))
    }
}

/// A row-major matrix whose rows lie `stride` floats apart.
@frozen @usableFromInline package struct MatrixColumns<Unit: VectorUnit>: TileColumns {
    @usableFromInline var position: UnsafePointer<Float>
    @usableFromInline let stride: Int

    @inlinable @inline(__always)
    package init(_ position: UnsafePointer<Float>, stride: Int) {
        self.position = position
        self.stride = stride
    }

    @inlinable @inline(__always)
    package mutating func next() -> (left: Unit.Vector, right: Unit.Vector) {
        defer { position += stride }
        return (Unit.load(position), Unit.load(position + Unit.width))
    }
}

/// How the elements of A lie.
@usableFromInline package protocol TileRows {
    /// The element one column behind `position`.
    static func next(_ position: UnsafePointer<Float>, stride: Int) -> UnsafePointer<Float>
    /// From one row of a column to the next.
    static func rowStride(_ stride: Int) -> Int
    /// Whether columns lie side by side.
    static var isRowMajor: Bool { get }
}

/// Row-major: rows `stride` floats apart.
@usableFromInline package enum RowMajorRows: TileRows {
    @inlinable @inline(__always)
    package static func next(_ position: UnsafePointer<Float>, stride: Int) -> UnsafePointer<Float> {
        position + 1
    }

    @inlinable @inline(__always)
    package static func rowStride(_ stride: Int) -> Int { stride }

    @inlinable @inline(__always)
    package static var isRowMajor: Bool { true }
}

/// Column-major: columns `stride` floats apart.
@usableFromInline package enum ColumnMajorRows: TileRows {
    @inlinable @inline(__always)
    package static func next(_ position: UnsafePointer<Float>, stride: Int) -> UnsafePointer<Float> {
        position + stride
    }

    @inlinable @inline(__always)
    package static func rowStride(_ stride: Int) -> Int { 1 }

    @inlinable @inline(__always)
    package static var isRowMajor: Bool { false }
}

/// A tile of A · B, `[T.rows, 2 vectors]`.
///
/// Every sum is one chain over k from 0 up, whatever the tile: results don't depend on how rows are shared out.
///
/// - Parameters:
///   - a: read by `Layout`, rows or columns `aStride` floats apart.
///   - b: its columns.
///   - depth: K, of each of `runs` runs, `runStride` floats apart, that a row of A consists of.
///   - target: the tile's sums, rows `targetStride` floats apart.
///   - continues: whether the sums go on from those in the target, as if K had run on.
///   - ahead: what is fetched for later meanwhile.
@inlinable @inline(__always)
package func tileProduct<T: Tile, Layout: TileRows, Columns: TileColumns, Ahead: Lookahead>(
    _: T.Type, _: Layout.Type, a: UnsafePointer<Float>, aStride: Int, b: Columns, depth: Int, runs: Int = 1,
    runStride: Int = 0, target: UnsafeMutablePointer<Float>, targetStride: Int, continues: Bool = false,
    ahead: Ahead = NoLookahead()
) where Columns.Unit == T.Unit {
    var ahead = ahead
    var tile = T()
    if continues { tile.load(target, stride: targetStride) }
    let start = a
    var a = a
    var b = b
    @inline(__always) func step() {
        let row = b.next()
        tile.accumulate(a, rowStride: Layout.rowStride(aStride), row.left, row.right)
        a = Layout.next(a, stride: aStride)
    }
    for run in 0..<runs {
        a = start + run * runStride
        var k = 0
        if T.Unit.multipliesByLane {
            // Loops with one end each, else the compiler keeps the sums twice.
            let whole = depth & ~3
            while k < whole {
                ahead.advance()
                let end = min(k + 8, whole)
                repeat {
                    if Layout.isRowMajor {
                        tile.accumulateFour(a, rowStride: aStride, FourRows(&b))
                        a += 4
                    } else {
                        for _ in 0..<4 { step() }
                    }
                    k += 4
                } while k < end
            }
        }
        while k < depth {
            ahead.advance()
            let end = min(k + 8, depth)
            repeat {
                step()
                k += 1
            } while k < end
        }
    }
    tile.store(target, stride: targetStride)
}

/// `tileProduct` for a number of rows known at run time, 1…`tileRows`.
@inlinable @inline(__always)
package func tileProduct<Layout: TileRows, Columns: TileColumns, Ahead: Lookahead>(
    rows: Int, _ layout: Layout.Type, a: UnsafePointer<Float>, aStride: Int, b: Columns, depth: Int, runs: Int = 1,
    runStride: Int = 0, target: UnsafeMutablePointer<Float>, targetStride: Int, continues: Bool = false,
    ahead: Ahead = NoLookahead()
) {
    typealias U = Columns.Unit
    @inline(__always) func product<T: Tile>(_ tile: T.Type) where T.Unit == U {
        tileProduct(
            tile, layout, a: a, aStride: aStride, b: b, depth: depth, runs: runs, runStride: runStride, target: target,
            targetStride: targetStride, continues: continues, ahead: ahead)
    }
    // The comparisons with constants drop the tiles that an instruction set has no registers for.
    if U.tileRows > 6 {
        switch rows {
        case 7: return product(Tile7<U>.self)
        case 8: return product(Tile8<U>.self)
        default: break
        }
    }
    if U.tileRows > 8 {
        switch rows {
        case 9: return product(Tile9<U>.self)
        case 10: return product(Tile10<U>.self)
        case 11: return product(Tile11<U>.self)
        case 12: return product(Tile12<U>.self)
        default: break
        }
    }
    switch rows {
    case 1: product(Tile1<U>.self)
    case 2: product(Tile2<U>.self)
    case 3: product(Tile3<U>.self)
    case 4: product(Tile4<U>.self)
    case 5: product(Tile5<U>.self)
    default: product(Tile6<U>.self)
    }
}

/// The rows of block `index` when `rows` are shared out evenly over as few blocks of at most `limit` as hold them.
@inlinable @inline(__always)
package func evenBlock(_ index: Int, of count: Int, rows: Int) -> Range<Int> {
    // Divisions that a loop over `index` needs once.
    let (quotient, remainder) = (rows / count, rows % count)
    let start = index * quotient + min(index, remainder)
    return start..<start + quotient + (index < remainder ? 1 : 0)
}
