/// The vertical pass, fed with one row after the other: each row is added to the sums of all target rows that it is
/// part of, so that no more than these sums is kept, however high the picture is.
struct ResampleColumns {
    /// A target row that is not complete.
    private struct Sum {
        let target: Int
        let taps: Range<Int>
        let weights: [Int32]
        /// Where its sums stand.
        let slot: Int
    }

    private let axis: ResampleAxis
    private let rowBytes: Int
    private var nextTarget: Int
    private let endTarget: Int
    private var open: [Sum] = []
    private var freeSlots: [Int] = []
    private var sums: [Int32] = []
    /// The source rows that have to be added, in order.
    let rows: Range<Int>

    /// - Parameters:
    ///   - targets: the target rows to make, not empty.
    ///   - rowBytes: bytes of each row.
    init(_ axis: ResampleAxis, targets: Range<Int>, rowBytes: Int) {
        self.axis = axis
        self.rowBytes = rowBytes
        nextTarget = targets.lowerBound
        endTarget = targets.upperBound
        rows = axis.taps(of: targets.lowerBound).lowerBound..<axis.taps(of: targets.upperBound - 1).upperBound
    }

    /// Adds source row `y`.
    /// - Parameters:
    ///   - row: `rowBytes` samples.
    ///   - finish: takes a target row's number, the first target of all being 0, and its samples.
    mutating func add(
        _ row: UnsafeBufferPointer<UInt8>, y: Int, output: UnsafeMutableBufferPointer<UInt8>, firstTarget: Int
    ) {
        precondition(row.count >= rowBytes)
        while nextTarget < endTarget, axis.taps(of: nextTarget).lowerBound <= y { begin() }
        for sum in open {
            let weight = sum.weights[y - sum.taps.lowerBound]
            sums.withUnsafeMutableBufferPointer { sums in
                let start = sum.slot * rowBytes
                for i in 0..<rowBytes { sums[start &+ i] &+= weight &* Int32(row[i]) }
            }
        }
        while let first = open.first, first.taps.upperBound == y + 1 {
            let start = (first.target - firstTarget) * rowBytes
            for i in 0..<rowBytes { output[start + i] = roundedSample(sums[first.slot * rowBytes + i]) }
            freeSlots.append(first.slot)
            open.removeFirst()
        }
    }

    private mutating func begin() {
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            for i in slot * rowBytes..<(slot + 1) * rowBytes { sums[i] = fixedHalf }
        } else {
            slot = open.count
            sums.append(contentsOf: repeatElement(fixedHalf, count: rowBytes))
        }
        open.append(
            Sum(target: nextTarget, taps: axis.taps(of: nextTarget), weights: axis.weights(of: nextTarget), slot: slot))
        nextTarget += 1
    }
}
