/// What belongs to the whole numbers of an int8 matrix, for each of its columns up to a whole panel.
package final class ColumnScales: @unchecked Sendable {
    package let count: Int
    /// What a whole number of the column counts: weight ≈ scale · number.
    package let scales: UnsafePointer<Float>
    /// The sum of the column's numbers: what the activations' zero adds to a product is a multiple of it.
    package let sums: UnsafePointer<Int32>

    package init(scales: [Float], sums: [Int32]) {
        precondition(scales.count == sums.count)
        count = scales.count
        let ownScales = UnsafeMutablePointer<Float>.allocate(capacity: count)
        let ownSums = UnsafeMutablePointer<Int32>.allocate(capacity: count)
        ownScales.initialize(from: scales, count: count)
        ownSums.initialize(from: sums, count: count)
        self.scales = UnsafePointer(ownScales)
        self.sums = UnsafePointer(ownSums)
    }

    deinit {
        scales.deallocate()
        sums.deallocate()
    }
}
