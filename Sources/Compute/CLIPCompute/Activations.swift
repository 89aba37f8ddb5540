internal import CLIPKernels

/// Hidden states, `[rows, columns]`, row-major.
///
/// Rows lie an odd number of cache lines apart, so that a column of them spreads over all sets of a cache, and may be
/// read up to a whole panel.
package struct Activations: Sendable {
    package let rows: Int
    package let columns: Int
    /// Floats from one row to the next.
    package let stride: Int
    nonisolated(unsafe) private let start: UnsafeMutablePointer<Float>
    /// Keeps the memory alive.
    private let owner: any AnyObject & Sendable

    /// Zeros.
    package init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        stride = Activations.stride(columns: columns)
        let buffer = FloatBuffer(count: rows * stride)
        start = buffer.start
        owner = buffer
    }

    /// Memory of `pool`, which holds any numbers.
    init(rows: Int, columns: Int, from pool: BufferPool) {
        self.rows = rows
        self.columns = columns
        stride = Activations.stride(columns: columns)
        let floats = rows * stride + FloatBuffer.slack
        let memory = pool.take(byteCount: 4 * floats)
        start = memory.start.bindMemory(to: Float.self, capacity: floats)
        owner = memory
    }

    /// The first number of row `index`. The memory lives as long as this value or a copy of it.
    package func row(_ index: Int) -> UnsafeMutablePointer<Float> { start + index * stride }

    /// All rows. Valid while this value or a copy of it lives.
    package var all: MutableRows<Float> { MutableRows(start, stride: stride, count: rows) }

    private static func stride(columns: Int) -> Int { ((columns + 15) / 16 | 1) * 16 }
}

extension Compute {
    /// Room for hidden states in memory that layers and calls share. It holds any numbers.
    package func activations(rows: Int, columns: Int) -> Activations {
        Activations(rows: rows, columns: columns, from: memory)
    }
}

/// Floats in memory that starts at a cache line, with a few readable ones behind the last: kernels load whole vectors.
package final class FloatBuffer: @unchecked Sendable {
    package let count: Int
    package let start: UnsafeMutablePointer<Float>

    /// `count` zeros.
    package init(count: Int) {
        self.count = count
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * (count + FloatBuffer.slack), alignment: 64)
        start = memory.bindMemory(to: Float.self, capacity: count + FloatBuffer.slack)
        start.initialize(repeating: 0, count: count + FloatBuffer.slack)
    }

    deinit { UnsafeMutableRawPointer(start).deallocate() }

    /// Floats behind the last that may be read.
    static let slack = 64
}

/// A bias, the gain or bias of a norm, or a table of positions: numbers at a place that doesn't move.
package struct ParameterVector: Sendable {
    package let count: Int
    private let buffer: FloatBuffer?

    package init(_ values: [Float]) {
        count = values.count
        let buffer = FloatBuffer(count: values.count)
        buffer.start.update(from: values, count: values.count)
        self.buffer = buffer
    }

    /// A vector of which the length alone is known: it has no `start`.
    package init(unreadCount count: Int) {
        self.count = count
        buffer = nil
    }

    /// Valid while this value lives.
    package var start: UnsafePointer<Float> { UnsafePointer(buffer!.start) }

    /// Whether its numbers are there, rather than their count alone.
    package var isRead: Bool { buffer != nil }

    package var values: [Float] { Array(UnsafeBufferPointer(start: start, count: count)) }
}
