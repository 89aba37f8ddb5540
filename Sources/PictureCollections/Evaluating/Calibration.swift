/// Whether answers are right as often as their shares say.
public struct Calibration: Sendable, Equatable {
    /// Answers whose share lies in one part of 0…1.
    public struct Bin: Sendable, Equatable {
        /// The shares that belong here: above the lower end, up to the upper.
        public let shares: ClosedRange<Double>
        /// The mean share of these answers.
        public let meanShare: Double
        /// How many of them are right.
        public let accuracy: Proportion
    }

    /// The parts of 0…1, equally wide, from 0 on; those without an answer too.
    public let bins: [Bin]
    /// The expected calibration error (Guo et al., 2017, "On Calibration of Modern Neural Networks"): how far the bins' mean
    /// shares are from their accuracy in the mean, each bin by its number of answers. 0 is perfect.
    public let expectedError: Double

    /// How many bins there are.
    public static let binCount = 15

    /// - Parameters:
    ///   - shares: of the answers, 0…1.
    ///   - areRight: which of them are right.
    /// - Precondition: as many of both.
    public init(shares: [Double], areRight: [Bool]) {
        precondition(shares.count == areRight.count, "a share for each answer")
        var (counts, rights) = (
            [Int](repeating: 0, count: Calibration.binCount), [Int](repeating: 0, count: Calibration.binCount)
        )
        var sums = [Double](repeating: 0, count: Calibration.binCount)
        for (share, isRight) in zip(shares, areRight) {
            let bin = max(
                0, min(Calibration.binCount - 1, Int((share * Double(Calibration.binCount)).rounded(.up)) - 1))
            counts[bin] += 1
            rights[bin] += isRight ? 1 : 0
            sums[bin] += share
        }
        bins = (0..<Calibration.binCount).map { bin in
            let width = 1 / Double(Calibration.binCount)
            return Bin(
                shares: Double(bin) * width...Double(bin + 1) * width,
                meanShare: counts[bin] > 0 ? sums[bin] / Double(counts[bin]) : 0,
                accuracy: Proportion(rights[bin], of: counts[bin]))
        }
        expectedError = bins.reduce(0) { sum, bin in
            sum + abs(bin.accuracy.value - bin.meanShare) * Double(bin.accuracy.count) / Double(max(1, shares.count))
        }
    }
}
