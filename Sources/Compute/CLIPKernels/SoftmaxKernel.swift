/// What a softmax over columns subtracts and divides by: e^(scale · (x − largest)) / sum.
@usableFromInline package struct SoftmaxTerms {
    @usableFromInline package var scale: Float
    /// The largest number of each column.
    @usableFromInline package var largest: UnsafeMutablePointer<Float>
    /// The sum of the powers of each column.
    @usableFromInline package var sums: UnsafeMutablePointer<Float>

    @inlinable
    package init(scale: Float, largest: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Float>) {
        self.scale = scale
        self.largest = largest
        self.sums = sums
    }
}

extension VectorUnit {
    /// Finds them for columns of at least one row. The bits are the same on every instruction set.
    @inlinable @inline(__always)
    package static func softmaxTerms(_ rows: Rows<Float>, columns: Int, _ terms: SoftmaxTerms) {
        let scale = Vector(repeating: terms.scale)
        let whole = columns / width * width
        for column in stride(from: 0, to: whole, by: width) {
            let (largest, sum) = softmaxTerms(rows, scale) { load($0 + column) }
            store(largest, terms.largest + column)
            store(sum, terms.sums + column)
        }
        let tail = columns - whole
        if tail > 0 {
            let (largest, sum) = softmaxTerms(rows, scale) { load($0 + whole, count: tail) }
            store(largest, terms.largest + whole, count: tail)
            store(sum, terms.sums + whole, count: tail)
        }
    }

    @inlinable @inline(__always)
    package static func softmaxTerms(
        _ rows: Rows<Float>, _ scale: Vector, _ numbers: (UnsafePointer<Float>) -> Vector
    ) -> (largest: Vector, sum: Vector) {
        var largest = numbers(rows[0])
        for row in 1..<max(1, rows.count) { largest = maximum(largest, numbers(rows[row])) }
        var sum = Vector(repeating: 0)
        for row in 0..<rows.count { sum += exponential((numbers(rows[row]) - largest) * scale) }
        return (largest, sum)
    }
}
