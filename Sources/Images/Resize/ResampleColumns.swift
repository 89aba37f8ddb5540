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
    init(_ axis: ResampleAxis, targets: Range<Int>, rowBytes: Int) {
        self.axis = axis
        self.rowBytes = rowBytes
        self.targets = targets
        rowVectors = (rowBytes + 7) / 8
        nextTarget = targets.lowerBound
        rows = axis.taps(of: targets.lowerBound).lowerBound..<axis.taps(of: targets.upperBound - 1).upperBound
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
            let range = sum.slot * rowVectors..<(sum.slot + 1) * rowVectors
            let target = output + (sum.target - targets.lowerBound) * rowBytes
            sum.weights.withUnsafeBufferPointer { weights in
                sums.withUnsafeMutableBufferPointer { sums in
                    let sums = UnsafeMutableBufferPointer(rebasing: sums[range])
                    sums.add(batch, weights.baseAddress! + firstWeight)
                    if isLast { sums.store(target, count: rowBytes) }
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
        let (batches, weights) = PairedWeights.pairs(
            axis.weights(of: nextTarget), first: axis.taps(of: nextTarget).lowerBound - rows.lowerBound,
            unit: RowBatch.capacity)
        open.append(Sum(target: nextTarget, batches: batches, weights: weights, slot: slot))
        nextTarget += 1
    }
}

extension UnsafeMutableBufferPointer<SIMD8<Int32>> {
    /// Adds the weighted rows of a batch, eight samples to each vector.
    fileprivate func add(_ batch: RowBatch, _ weights: UnsafePointer<PairedWeights>) {
        let (high0, low0) = (weights[0].high, weights[0].low)
        let (high1, low1) = (weights[1].high, weights[1].low)
        let (high2, low2) = (weights[2].high, weights[2].low)
        let (high3, low3) = (weights[3].high, weights[3].low)
        let sums = baseAddress!
        for index in 0..<count {
            @inline(__always)
            func pairs(_ first: Int, _ second: Int) -> SamplePairs {
                widened(
                    interleavedLow(loadEight(batch.row(first) + 8 &* index), loadEight(batch.row(second) + 8 &* index)))
            }
            var sum = SplitSums()
            sum.add(pairs(0, 2), high: high0, low: low0)
            sum.add(pairs(1, 3), high: high1, low: low1)
            sum.add(pairs(4, 6), high: high2, low: low2)
            sum.add(pairs(5, 7), high: high3, low: low3)
            sums[index] &+= sum.total
        }
    }

    /// Stores the sums as `count` samples.
    fileprivate func store(_ output: UnsafeMutablePointer<UInt8>, count: Int) {
        for index in 0..<count / 8 {
            UnsafeMutableRawPointer(output + 8 &* index).storeBytes(
                of: roundedSamples(self[index]), as: SIMD8<UInt8>.self)
        }
        let rest = count & ~7
        guard rest < count else { return }
        let samples = roundedSamples(self[rest / 8])
        for i in rest..<count { output[i] = samples[i & 7] }
    }
}
