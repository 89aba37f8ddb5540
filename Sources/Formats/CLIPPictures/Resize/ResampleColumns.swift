internal import CLIPKernels

/// The vertical pass, fed with one batch of rows after the other: each is added to the sums of all target rows that it
/// is part of, so that no more than these sums is kept, however high the picture is.
struct ResampleColumns {
    /// A target row that is not complete.
    private struct Sum {
        let target: Int
        let batches: Range<Int>
        /// Four pairs for each batch.
        let weights: [PairedWeights]
        /// Where its sums stand.
        let slot: Int
    }

    private let axis: ResampleAxis
    private let kernels: PictureKernels
    private let rowBytes: Int
    /// Vectors of sums for a row.
    private let rowVectors: Int
    private let targets: Range<Int>
    private var nextTarget: Int
    private var nextBatch = 0
    private var open: [Sum] = []
    private var freeSlots: [Int] = []
    private var sums: [SIMD8<Int32>] = []
    /// The source rows that have to be added, in order.
    let rows: Range<Int>

    /// - Parameters:
    ///   - targets: the target rows to make, not empty.
    ///   - rowBytes: bytes of each row.
    init(_ axis: ResampleAxis, targets: Range<Int>, rowBytes: Int, kernels: PictureKernels) {
        self.axis = axis
        self.kernels = kernels
        self.rowBytes = rowBytes
        self.targets = targets
        rowVectors = (rowBytes + 7) / 8
        nextTarget = targets.lowerBound
        rows = axis.taps(of: targets)
    }

    /// Adds the next batch of source rows.
    /// - Parameters:
    ///   - batch: as many rows as a batch can have, fewer only at the end. The last bytes are read in eights.
    ///   - output: takes the target rows, the first of all being row 0.
    mutating func add(_ batch: RowBatch, into output: UnsafeMutablePointer<UInt8>) {
        let start = rows.lowerBound + nextBatch * RowBatch.capacity
        let end = min(start + RowBatch.capacity, rows.upperBound)
        precondition(batch.count == end - start, "batches are whole, but for the last one")
        while nextTarget < targets.upperBound, axis.taps(of: nextTarget).lowerBound < end { begin() }
        for sum in open {
            let isLast = sum.batches.upperBound == nextBatch + 1
            let firstWeight = 4 * (nextBatch - sum.batches.lowerBound)
            sum.weights.withUnsafeBufferPointer { weights in
                sums.withUnsafeMutableBufferPointer { sums in
                    kernels.addRows(
                        WeightedRows(
                            source: batch, weights: weights.baseAddress! + firstWeight,
                            sums: sums.baseAddress! + sum.slot * rowVectors, count: rowBytes,
                            output: isLast ? output + (sum.target - targets.lowerBound) * rowBytes : nil))
                }
            }
            if isLast { freeSlots.append(sum.slot) }
        }
        nextBatch += 1
        open.removeAll { $0.batches.upperBound == nextBatch }
    }

    private mutating func begin() {
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            for i in slot * rowVectors..<(slot + 1) * rowVectors { sums[i] = .zero }
        } else {
            slot = open.count
            sums.append(contentsOf: repeatElement(.zero, count: rowVectors))
        }
        let (batches, weights) = axis.pairedWeights(of: nextTarget, from: rows.lowerBound, unit: RowBatch.capacity)
        open.append(Sum(target: nextTarget, batches: batches, weights: weights, slot: slot))
        nextTarget += 1
    }
}
