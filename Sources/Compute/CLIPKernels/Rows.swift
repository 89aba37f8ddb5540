/// Rows of numbers in memory, a fixed distance apart: a matrix, or part of one. How long they are, who reads them knows.
@frozen @usableFromInline package struct Rows<Element>: Equatable {
    @usableFromInline package var base: UnsafePointer<Element>
    /// Elements from the beginning of a row to that of the next.
    @usableFromInline package var stride: Int
    @usableFromInline package var count: Int

    @inlinable @inline(__always)
    package init(_ base: UnsafePointer<Element>, stride: Int, count: Int) {
        self.base = base
        self.stride = stride
        self.count = count
    }

    @inlinable @inline(__always)
    package init(_ rows: MutableRows<Element>) {
        self.init(rows.base, stride: rows.stride, count: rows.count)
    }

    /// Where row `index` begins.
    @inlinable @inline(__always)
    package subscript(index: Int) -> UnsafePointer<Element> { base + index * stride }

    @inlinable @inline(__always)
    package subscript(range: Range<Int>) -> Rows { Rows(self[range.lowerBound], stride: stride, count: range.count) }

    /// What stands in the rows from a column on.
    @inlinable @inline(__always)
    package func columns(from first: Int) -> Rows { Rows(base + first, stride: stride, count: count) }
}

/// `Rows` that may be written.
@frozen @usableFromInline package struct MutableRows<Element>: Equatable {
    @usableFromInline package var base: UnsafeMutablePointer<Element>
    /// Elements from the beginning of a row to that of the next.
    @usableFromInline package var stride: Int
    @usableFromInline package var count: Int

    @inlinable @inline(__always)
    package init(_ base: UnsafeMutablePointer<Element>, stride: Int, count: Int) {
        self.base = base
        self.stride = stride
        self.count = count
    }

    /// Where row `index` begins.
    @inlinable @inline(__always)
    package subscript(index: Int) -> UnsafeMutablePointer<Element> { base + index * stride }

    @inlinable @inline(__always)
    package subscript(range: Range<Int>) -> MutableRows {
        MutableRows(self[range.lowerBound], stride: stride, count: range.count)
    }

    /// What stands in the rows from a column on.
    @inlinable @inline(__always)
    package func columns(from first: Int) -> MutableRows { MutableRows(base + first, stride: stride, count: count) }
}
