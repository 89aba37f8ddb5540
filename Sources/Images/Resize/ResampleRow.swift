/// The horizontal pass: makes target pixels of one source row after the other.
struct ResampleRow {
    /// Where a target pixel's taps begin in the row, and its weights in `weights`.
    private struct Taps {
        let firstByte: Int
        let count: Int
        let weightsStart: Int
    }

    private var taps: [Taps] = []
    private var weights: [Int32] = []
    /// The source columns that are read.
    let columns: Range<Int>

    /// - Parameter targets: the target columns to make, not empty.
    init(_ axis: ResampleAxis, targets: Range<Int>) {
        columns = axis.taps(of: targets.lowerBound).lowerBound..<axis.taps(of: targets.upperBound - 1).upperBound
        taps.reserveCapacity(targets.count)
        for target in targets {
            let range = axis.taps(of: target)
            taps.append(Taps(firstByte: 3 * range.lowerBound, count: range.count, weightsStart: weights.count))
            weights += axis.weights(of: target)
        }
    }

    /// - Parameters:
    ///   - row: a source row, RGB, that holds `columns`.
    ///   - output: three bytes for each target column.
    func resample(_ row: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>) {
        precondition(row.count >= 3 * columns.upperBound && output.count >= 3 * taps.count)
        weights.withUnsafeBufferPointer { weights in
            for (x, pixel) in taps.enumerated() {
                var (red, green, blue) = (fixedHalf, fixedHalf, fixedHalf)
                var source = pixel.firstByte
                for tap in pixel.weightsStart..<pixel.weightsStart + pixel.count {
                    let weight = weights[tap]
                    red &+= weight &* Int32(row[source])
                    green &+= weight &* Int32(row[source + 1])
                    blue &+= weight &* Int32(row[source + 2])
                    source += 3
                }
                output[3 * x] = roundedSample(red)
                output[3 * x + 1] = roundedSample(green)
                output[3 * x + 2] = roundedSample(blue)
            }
        }
    }
}

/// What a fixed-point sum starts from, so that dropping its fraction rounds.
let fixedHalf: Int32 = 1 << (Int32(ResampleAxis.fractionBits) - 1)

/// A fixed-point sum as a sample, clipped to 0…255.
@inline(__always)
func roundedSample(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: min(max(sum >> Int32(ResampleAxis.fractionBits), 0), 255))
}
