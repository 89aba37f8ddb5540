internal import CLIPThreads

extension Compute {
    /// Sums rows of a packed matrix in double precision, each sum in the order of its rows.
    /// - Parameters:
    ///   - matrix: `[rows, columns]`, floats.
    ///   - owners: for each row the sum that it belongs to, below 0 for none.
    ///   - count: how many sums there are.
    /// - Returns: `[count, columns]`. Once `Cancellation.isRequested` they lack rows.
    package func sums(of matrix: PanelPackedMatrix, owners: [Int32], count: Int) -> [[Double]] {
        precondition(owners.count == matrix.outputs)
        // So many that the sums of a part fit a cache, and that a row's numbers are read in one go.
        let width = 64
        let parts = stride(from: 0, to: matrix.inputs, by: width).map { $0..<min($0 + width, matrix.inputs) }
        let found = parallel.orderedMap(parts) { columns in
            var sums = [Double](repeating: 0, count: count * columns.count)
            owners.withUnsafeBufferPointer { owners in
                sums.withUnsafeMutableBufferPointer { add(matrix, columns, owners, to: $0) }
            }
            return sums
        }
        return (0..<count).map { sum in
            zip(parts, found).flatMap { columns, sums in
                sums[sum * columns.count..<(sum + 1) * columns.count]
            }
        }
    }

    private func add(
        _ matrix: PanelPackedMatrix, _ columns: Range<Int>, _ owners: UnsafeBufferPointer<Int32>,
        to sums: UnsafeMutableBufferPointer<Double>
    ) {
        let width = PanelPackedMatrix.panelWidth
        // A panel's part, so that a row's numbers can be added one after another.
        withUnsafeTemporaryAllocation(of: SIMD16<Float>.self, capacity: columns.count) { lines in
            let numbers = UnsafeMutableRawPointer(lines.baseAddress!).assumingMemoryBound(to: Float.self)
            for first in stride(from: 0, to: matrix.outputs, by: width) {
                guard !Cancellation.isRequested else { return }
                for (index, column) in columns.enumerated() {
                    lines.initializeElement(at: index, to: matrix.line(panel: first / width, input: column))
                }
                for lane in 0..<min(width, matrix.outputs - first) where owners[first + lane] >= 0 {
                    let sum = sums.baseAddress! + Int(owners[first + lane]) * columns.count
                    var number = numbers + lane
                    for index in 0..<columns.count {
                        sum[index] += Double(number.pointee)
                        number += width
                    }
                }
            }
        }
    }
}
