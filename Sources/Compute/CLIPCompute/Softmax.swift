internal import CLIPKernels

extension Compute {
    /// What a softmax over each column of some rows subtracts and divides by, on the caller's thread.
    /// - Parameters:
    ///   - rows: `[rows, columns]`, at least one row.
    ///   - scale: the factor on the numbers.
    /// - Returns: for each column its largest number x, and Σ e^(scale · (number − x)).
    package func softmaxTerms(of rows: Rows<Float>, columns: Int, scale: Float) -> (largest: [Float], sums: [Float]) {
        precondition(rows.count > 0)
        var sums: [Float] = []
        let largest = [Float](unsafeUninitializedCapacity: columns) { largest, largestCount in
            sums = [Float](unsafeUninitializedCapacity: columns) { sums, count in
                if let largest = largest.baseAddress, let sums = sums.baseAddress {
                    kernels.softmaxTerms(rows, columns, SoftmaxTerms(scale: scale, largest: largest, sums: sums))
                }
                count = columns
            }
            largestCount = columns
        }
        return (largest, sums)
    }
}
