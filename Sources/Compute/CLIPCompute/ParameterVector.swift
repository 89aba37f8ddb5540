/// A bias, or the gain or bias of a norm: numbers at a place that doesn't move.
package struct ParameterVector: Sendable {
    package let count: Int
    private let buffer: FloatBuffer

    package init(_ values: [Float]) {
        count = values.count
        buffer = FloatBuffer(count: values.count)
        buffer.start.update(from: values, count: values.count)
    }

    /// Valid while this value lives.
    package var start: UnsafePointer<Float> { UnsafePointer(buffer.start) }
}
