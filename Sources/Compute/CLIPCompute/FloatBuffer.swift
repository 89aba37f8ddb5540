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
