/// A few rows that are resized at once, one below the other.
struct RowBatch {
    /// The most rows.
    static let capacity = 8

    /// RGB.
    let samples: UnsafePointer<UInt8>
    /// Bytes from a row to the next.
    let stride: Int
    /// 1…`capacity`.
    let count: Int

    /// Row `index` of `capacity`: the last one again where there are fewer.
    @inline(__always)
    func row(_ index: Int) -> UnsafePointer<UInt8> { samples + min(index, count &- 1) &* stride }
}
