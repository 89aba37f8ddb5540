internal import CLIPKernels

/// One direction of a resize: which source pixels make up a target pixel, and by what weights.
struct ResampleAxis {
    /// Bits after the point of a fixed-point weight: eight for the sample and two for overshoot are left of 32.
    static let fractionBits = 22

    let source: Int
    let target: Int
    private let filter: ResampleFilter
    private let scale: Double
    /// The filter's stretch: 1 where the picture grows.
    private let stretch: Double

    /// - Parameters:
    ///   - source: pixels before, at least 1.
    ///   - extent: how much of `source` is resized: all but a part of the last pixel.
    ///   - target: pixels after, at least 1.
    init(source: Int, extent: Double, target: Int, filter: ResampleFilter) {
        self.source = source
        self.target = target
        self.filter = filter
        scale = extent / Double(target)
        stretch = max(scale, 1)
    }

    /// Pillow skips a pass that changes nothing: there is no rounding either.
    var isIdentity: Bool { scale == 1 }

    /// No target pixel has more taps.
    var largestTapCount: Int { Int(2 * filter.support * stretch) + 2 }

    /// The source pixels that target pixel `index` is made of: never empty, rising with `index`.
    func taps(of index: Int) -> Range<Int> {
        let center = (Double(index) + 0.5) * scale
        let support = filter.support * stretch
        let first = max(0, Int(center - support + 0.5))
        let end = min(source, Int(center + support + 0.5))
        return first..<end
    }

    /// The source pixels that consecutive target pixels, at least one, are made of.
    func taps(of targets: Range<Int>) -> Range<Int> {
        taps(of: targets.lowerBound).lowerBound..<taps(of: targets.upperBound - 1).upperBound
    }

    /// Whether Pillow 13 makes the pass of this axis, the vertical one, before that of `horizontal`: where the height
    /// shrinks by more than twice as many pixels as the width does.
    func comesBefore(_ horizontal: ResampleAxis) -> Bool {
        target < source && source - target > 2 * (horizontal.source - horizontal.target)
    }

    /// Fixed-point weights of `taps(of: index)`.
    func weights(of index: Int) -> [Int32] {
        let center = (Double(index) + 0.5) * scale
        let inverse = 1 / stretch
        let weights = taps(of: index).map { filter.weight(at: (Double($0) - center + 0.5) * inverse) }
        let sum = weights.reduce(0, +)
        return weights.map { weight in
            let scaled = (sum == 0 ? weight : weight / sum) * Double(1 << ResampleAxis.fractionBits)
            return Int32(scaled + (weight < 0 ? -0.5 : 0.5))
        }
    }

    /// The weights of target pixel `index`, padded with zeros to whole units. Of every four taps, 0 and 2 are a pair, and
    /// 1 and 3.
    /// - Parameters:
    ///   - origin: the source pixel at which the first unit begins.
    ///   - unit: how many taps come at a time, a multiple of four.
    /// - Returns: the units, and `unit / 2` pairs for each.
    func pairedWeights(of index: Int, from origin: Int, unit: Int) -> (units: Range<Int>, pairs: [PairedWeights]) {
        let taps = taps(of: index)
        let units = (taps.lowerBound - origin) / unit..<(taps.upperBound - origin + unit - 1) / unit
        let padding = [Int32](repeating: 0, count: taps.lowerBound - origin - units.lowerBound * unit)
        var weights = padding + weights(of: index)
        weights += repeatElement(0, count: units.count * unit - weights.count)
        let pairs = stride(from: 0, to: weights.count, by: 4).flatMap { four in
            [
                PairedWeights(weights[four], weights[four + 2]), PairedWeights(weights[four + 1], weights[four + 3]),
            ]
        }
        return (units, pairs)
    }
}
