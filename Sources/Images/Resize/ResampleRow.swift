/// The horizontal pass: makes target pixels of one source row after the other.
struct ResampleRow {
    /// How one target pixel is made.
    private struct Taps {
        /// Where the taps begin in the row.
        let firstByte: Int
        /// How many taps there are, or groups of `WideTaps.width` of them.
        let count: Int
        /// Where their weights begin, in `weights` or `wideWeights`.
        let weightsStart: Int
        let isWide: Bool
    }

    private var taps: [Taps] = []
    private var weights: [Int32] = []
    private var wideWeights: [SIMD8<Int16>] = []
    private let sourceWidth: Int

    /// - Parameter targets: the target columns to make.
    init(_ axis: ResampleAxis, targets: Range<Int>) {
        sourceWidth = axis.source
        taps.reserveCapacity(targets.count)
        for target in targets {
            let range = axis.taps(of: target)
            let groups = (range.count + WideTaps.width - 1) / WideTaps.width
            // A few taps are sooner done one by one.
            let isWide = range.count >= 8 && groups * WideTaps.width <= sourceWidth
            if isWide {
                // Groups may reach past the taps, with weights of 0, but not past the row.
                let first = min(range.lowerBound, sourceWidth - groups * WideTaps.width)
                taps.append(
                    Taps(firstByte: 3 * first, count: groups, weightsStart: wideWeights.count, isWide: true))
                let padding = [Int32](repeating: 0, count: range.lowerBound - first)
                WideTaps.append(padding + axis.weights(of: target), groups: groups, to: &wideWeights)
            } else {
                taps.append(
                    Taps(
                        firstByte: 3 * range.lowerBound, count: range.count, weightsStart: weights.count,
                        isWide: false))
                weights += axis.weights(of: target)
            }
        }
    }

    /// - Parameters:
    ///   - row: a whole source row, RGB.
    ///   - output: three bytes for each target column.
    func resample(_ row: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>) {
        precondition(row.count == 3 * sourceWidth && output.count >= 3 * taps.count)
        weights.withUnsafeBufferPointer { weights in
            wideWeights.withUnsafeBufferPointer { wideWeights in
                for (x, pixel) in taps.enumerated() {
                    let sums =
                        if pixel.isWide {
                            WideTaps.sums(
                                row.baseAddress! + pixel.firstByte, wideWeights.baseAddress! + pixel.weightsStart,
                                groups: pixel.count)
                        } else {
                            sums(row, pixel.firstByte, weights[pixel.weightsStart..<pixel.weightsStart + pixel.count])
                        }
                    output[3 * x] = roundedSample(fixedHalf &+ sums.red)
                    output[3 * x + 1] = roundedSample(fixedHalf &+ sums.green)
                    output[3 * x + 2] = roundedSample(fixedHalf &+ sums.blue)
                }
            }
        }
    }

    @inline(__always)
    private func sums(
        _ row: UnsafeBufferPointer<UInt8>, _ firstByte: Int, _ weights: Slice<UnsafeBufferPointer<Int32>>
    ) -> (red: Int32, green: Int32, blue: Int32) {
        var (red, green, blue): (Int32, Int32, Int32) = (0, 0, 0)
        var source = firstByte
        for weight in weights {
            red &+= weight &* Int32(row[source])
            green &+= weight &* Int32(row[source + 1])
            blue &+= weight &* Int32(row[source + 2])
            source += 3
        }
        return (red, green, blue)
    }
}

/// Sums many taps with vectors. A group is 48 bytes: 16 RGB pixels, the samples of pixel i next to those of pixel i + 8.
private enum WideTaps {
    /// Pixels of a group.
    static let width = 16

    /// Appends the weights of `groups` groups, twelve vectors each: for every four of the first 24 bytes, the high
    /// parts and the low parts of the weights of a byte and of the byte 24 further on.
    static func append(_ weights: [Int32], groups: Int, to vectors: inout [SIMD8<Int16>]) {
        let weights = weights + [Int32](repeating: 0, count: groups * width - weights.count)
        for group in 0..<groups {
            for quarter in 0..<6 {
                var high = SIMD8<Int16>()
                var low = SIMD8<Int16>()
                for lane in 0..<8 {
                    let pixel = (4 * quarter + lane / 2) / 3 + lane % 2 * 8
                    let weight = SplitWeight(weights[group * width + pixel])
                    high[lane] = weight.high
                    low[lane] = weight.low
                }
                vectors.append(high)
                vectors.append(low)
            }
        }
    }

    /// - Parameters:
    ///   - samples: `groups` × 48 bytes.
    ///   - weights: `groups` × 12 vectors.
    @inline(__always)
    static func sums(
        _ samples: UnsafePointer<UInt8>, _ weights: UnsafePointer<SIMD8<Int16>>, groups: Int
    ) -> (red: Int32, green: Int32, blue: Int32) {
        // Sums of the high and low parts for bytes 0…3, 4…7 and so on of the 24.
        var (high0, high1, high2) = (SIMD4<Int32>.zero, SIMD4<Int32>.zero, SIMD4<Int32>.zero)
        var (high3, high4, high5) = (SIMD4<Int32>.zero, SIMD4<Int32>.zero, SIMD4<Int32>.zero)
        var (low0, low1, low2) = (SIMD4<Int32>.zero, SIMD4<Int32>.zero, SIMD4<Int32>.zero)
        var (low3, low4, low5) = (SIMD4<Int32>.zero, SIMD4<Int32>.zero, SIMD4<Int32>.zero)
        var samples = UnsafeRawPointer(samples)
        var weights = weights
        for _ in 0..<groups {
            let bytes0 = pairedSamples(samples, samples + 24)
            let bytes8 = pairedSamples(samples + 8, samples + 32)
            let bytes16 = pairedSamples(samples + 16, samples + 40)
            high0 &+= pairedProducts(bytes0.low, weights[0])
            low0 &+= pairedProducts(bytes0.low, weights[1])
            high1 &+= pairedProducts(bytes0.high, weights[2])
            low1 &+= pairedProducts(bytes0.high, weights[3])
            high2 &+= pairedProducts(bytes8.low, weights[4])
            low2 &+= pairedProducts(bytes8.low, weights[5])
            high3 &+= pairedProducts(bytes8.high, weights[6])
            low3 &+= pairedProducts(bytes8.high, weights[7])
            high4 &+= pairedProducts(bytes16.low, weights[8])
            low4 &+= pairedProducts(bytes16.low, weights[9])
            high5 &+= pairedProducts(bytes16.high, weights[10])
            low5 &+= pairedProducts(bytes16.high, weights[11])
            samples += 48
            weights += 12
        }
        // Three vectors are four pixels: the channels of the lanes are RGBR, GBRG, BRGB.
        let a = (high0 &+ high3) &<< 8 &+ low0 &+ low3
        let b = (high1 &+ high4) &<< 8 &+ low1 &+ low4
        let c = (high2 &+ high5) &<< 8 &+ low2 &+ low5
        return (a[0] &+ a[3] &+ b[2] &+ c[1], a[1] &+ b[0] &+ b[3] &+ c[2], a[2] &+ b[1] &+ c[0] &+ c[3])
    }
}

/// What a fixed-point sum starts from, so that dropping its fraction rounds.
let fixedHalf: Int32 = 1 << (Int32(ResampleAxis.fractionBits) - 1)

/// A fixed-point sum as a sample, clipped to 0…255.
@inline(__always)
func roundedSample(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: min(max(sum >> Int32(ResampleAxis.fractionBits), 0), 255))
}
