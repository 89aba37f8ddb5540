/// How a kernel reads one row of B: two vectors of columns for one k.
@usableFromInline package protocol TileColumns {
    associatedtype Unit: VectorUnit
    /// The row `offset` rows behind `position`, and the vector that lies `rightOffset` bytes behind the first.
    static func load(_ position: UnsafeRawPointer, stride: Int, rightOffset: Int)
        -> (left: Unit.Vector, right: Unit.Vector)
    static func next(_ position: UnsafeRawPointer, stride: Int) -> UnsafeRawPointer
}

/// Panels of 32-bit floats, `[K][16]`.
@usableFromInline package enum FloatPanelColumns<Unit: VectorUnit>: TileColumns {
    @inlinable @inline(__always)
    package static func load(_ position: UnsafeRawPointer, stride: Int, rightOffset: Int)
        -> (left: Unit.Vector, right: Unit.Vector)
    {
        let row = position
        return (row.loadUnaligned(as: Unit.Vector.self), (row + rightOffset).loadUnaligned(as: Unit.Vector.self))
    }

    @inlinable @inline(__always)
    package static func next(_ position: UnsafeRawPointer, stride: Int) -> UnsafeRawPointer {
        position + 64
    }
}

/// Panels of 16-bit floats, `[K][16]`, widened as they are loaded.
@usableFromInline package enum HalfPanelColumns<Unit: VectorUnit>: TileColumns {
    @inlinable @inline(__always)
    package static func load(_ position: UnsafeRawPointer, stride: Int, rightOffset: Int)
        -> (left: Unit.Vector, right: Unit.Vector)
    {
        let row = position
        return (Unit.widen(row), Unit.widen(row + rightOffset))
    }

    @inlinable @inline(__always)
    package static func next(_ position: UnsafeRawPointer, stride: Int) -> UnsafeRawPointer {
        position + 32
    }
}

/// Rows of two vectors, one after another.
@usableFromInline package enum PackedColumns<Unit: VectorUnit>: TileColumns {
    @inlinable @inline(__always)
    package static func load(_ position: UnsafeRawPointer, stride: Int, rightOffset: Int)
        -> (left: Unit.Vector, right: Unit.Vector)
    {
        let row = position
        return (row.loadUnaligned(as: Unit.Vector.self), (row + 4 * Unit.width).loadUnaligned(as: Unit.Vector.self))
    }

    @inlinable @inline(__always)
    package static func next(_ position: UnsafeRawPointer, stride: Int) -> UnsafeRawPointer {
        position + 8 * Unit.width
    }
}

/// A row-major matrix whose rows lie `stride` bytes apart.
@usableFromInline package enum MatrixColumns<Unit: VectorUnit>: TileColumns {
    @inlinable @inline(__always)
    package static func load(_ position: UnsafeRawPointer, stride: Int, rightOffset: Int)
        -> (left: Unit.Vector, right: Unit.Vector)
    {
        let row = position
        return (row.loadUnaligned(as: Unit.Vector.self), (row + rightOffset).loadUnaligned(as: Unit.Vector.self))
    }

    @inlinable @inline(__always)
    package static func next(_ position: UnsafeRawPointer, stride: Int) -> UnsafeRawPointer {
        position + stride
    }
}

/// How the elements of A lie.
@usableFromInline package protocol TileRows {
    /// The element `k` columns behind `position`.
    static func next(_ position: UnsafePointer<Float>, stride: Int) -> UnsafePointer<Float>
    /// From one row of a column to the next.
    static func rowStride(_ stride: Int) -> Int
}

/// Row-major: rows `stride` floats apart.
@usableFromInline package enum RowMajorRows: TileRows {
    @inlinable @inline(__always)
    package static func next(_ position: UnsafePointer<Float>, stride: Int) -> UnsafePointer<Float> {
        position + 1
    }

    @inlinable @inline(__always)
    package static func rowStride(_ stride: Int) -> Int { stride }
}

/// Column-major: columns `stride` floats apart.
@usableFromInline package enum ColumnMajorRows: TileRows {
    @inlinable @inline(__always)
    package static func next(_ position: UnsafePointer<Float>, stride: Int) -> UnsafePointer<Float> {
        position + stride
    }

    @inlinable @inline(__always)
    package static func rowStride(_ stride: Int) -> Int { 1 }
}

/// A tile of A · B, `[T.rows, 2 vectors]`.
///
/// Every sum is one chain over k from 0 up, whatever the tile: results don't depend on how rows are shared out.
///
/// - Parameters:
///   - a: read by `Rows`, rows or columns `aStride` floats apart.
///   - b: read by `Columns`, rows `bStride` bytes apart, the right vector `rightOffset` bytes behind the left one.
///   - target: the tile's sums, rows `targetStride` floats apart.
///   - continues: whether the sums go on from those in the target, as if K had run on.
///   - ahead: what is fetched for later meanwhile.
@inlinable @inline(__always)
package func tileProduct<T: Tile, Rows: TileRows, Columns: TileColumns, Ahead: Lookahead>(
    _: T.Type, _: Rows.Type, _: Columns.Type, a: UnsafePointer<Float>, aStride: Int,
    b: UnsafeRawPointer, bStride: Int, rightOffset: Int, depth: Int,
    target: UnsafeMutablePointer<Float>, targetStride: Int, continues: Bool = false,
    ahead: Ahead = NoLookahead()
) where Columns.Unit == T.Unit {
    var ahead = ahead
    var tile = T()
    if continues { tile.load(target, stride: targetStride) }
    var a = a
    var b = b
    var k = 0
    while k < depth {
        ahead.advance()
        let end = min(k + 8, depth)
        while k < end {
            let row = Columns.load(b, stride: bStride, rightOffset: rightOffset)
            tile.accumulate(a, rowStride: Rows.rowStride(aStride), row.left, row.right)
            a = Rows.next(a, stride: aStride)
            b = Columns.next(b, stride: bStride)
            k += 1
        }
    }
    tile.store(target, stride: targetStride)
}

/// `tileProduct` for a number of rows known at run time, 1…`tileRows`.
@inlinable @inline(__always)
package func tileProduct<Rows: TileRows, Columns: TileColumns, Ahead: Lookahead>(
    rows: Int, _ layout: Rows.Type, _ columns: Columns.Type, a: UnsafePointer<Float>, aStride: Int,
    b: UnsafeRawPointer, bStride: Int, rightOffset: Int, depth: Int,
    target: UnsafeMutablePointer<Float>, targetStride: Int, continues: Bool = false,
    ahead: Ahead = NoLookahead()
) {
    typealias U = Columns.Unit
    @inline(__always) func product<T: Tile>(_ tile: T.Type) where T.Unit == U {
        tileProduct(
            tile, layout, columns, a: a, aStride: aStride, b: b, bStride: bStride, rightOffset: rightOffset,
            depth: depth, target: target, targetStride: targetStride, continues: continues,
            ahead: ahead)
    }
    // The comparison with a constant drops the tiles that an instruction set has no registers for.
    if U.tileRows > 6 {
        switch rows {
        case 7: return product(Tile7<U>.self)
        case 8: return product(Tile8<U>.self)
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
    index * rows / count..<(index + 1) * rows / count
}
