/// A few rows that are resized at once, one below the other.
@frozen @usableFromInline package struct RowBatch {
    /// The most rows.
    @inlinable @inline(__always)
    package static var capacity: Int { 8 }

    /// RGB.
    @usableFromInline package var samples: UnsafePointer<UInt8>
    /// Bytes from a row to the next.
    @usableFromInline package var stride: Int
    /// 1…`capacity`.
    @usableFromInline package var count: Int

    @inlinable @inline(__always)
    package init(samples: UnsafePointer<UInt8>, stride: Int, count: Int) {
        self.samples = samples
        self.stride = stride
        self.count = count
    }

    /// Row `index` of `capacity`: the last one again where there are fewer.
    @inlinable @inline(__always)
    package func row(_ index: Int) -> UnsafePointer<UInt8> { samples + min(index, count - 1) * stride }
}
