/// Hidden states, `[rows, columns]`, row-major.
///
/// Rows lie an odd number of cache lines apart, so that a column of them spreads over all sets of a cache, and end in
/// zeros up to a whole panel.
package struct Activations: Sendable {
    package let rows: Int
    package let columns: Int
    /// Floats from one row to the next.
    package let stride: Int
    private let buffer: FloatBuffer

    /// Zeros.
    package init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        stride = Activations.stride(columns: columns)
        buffer = FloatBuffer(count: rows * stride)
    }

    /// The first number of row `index`. The memory lives as long as this value or a copy of it.
    package func row(_ index: Int) -> UnsafeMutablePointer<Float> { buffer.start + index * stride }

    private static func stride(columns: Int) -> Int { ((columns + 15) / 16 | 1) * 16 }
}
