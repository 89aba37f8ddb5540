public import CLIP
import CLIPCompute

/// How far apart two sets of pictures are: CMMD, the squared maximum mean discrepancy of their CLIP embeddings (Jayasumana
/// et al., 2024, "Rethinking FID: Towards a Better Evaluation Metric for Image Generation"; Gretton et al., 2012).
///
/// The biased estimator with a Gaussian kernel of bandwidth 10 on embeddings of length 1, times 1000, as published. Zero
/// means that the embeddings are the same, not that the pictures are. Published figures are of ViT-L/14 at 336 pixels;
/// values of different models can't be compared.
public struct PictureSetDistance: Sendable, Equatable {
    /// How far apart the sets are: 1000 · MMD².
    public let distance: Double
    /// Where 95 % of bootstrap resamples of both sets lie, moved so that their mean is `distance`: a set resampled with
    /// replacement repeats pictures, which alone makes it look farther away.
    public let interval: ClosedRange<Double>
    /// What two sets of these sizes, drawn at random from both sets together, are apart in the mean.
    public let expectedByChance: Double
    /// The share of such random divisions that are at least as far apart as the two sets, the given one counted in
    /// (a permutation test): small means that the difference is not chance.
    public let chance: Double
    /// How many embeddings of each set were compared.
    public let counts: Counts

    /// The sizes of two sets.
    public struct Counts: Sendable, Equatable {
        /// How many embeddings of the first set were compared.
        public let first: Int
        /// How many embeddings of the second set were compared.
        public let second: Int
    }

    /// σ of the kernel.
    package static let bandwidth = 10.0
    /// What MMD² is multiplied by, to be readable.
    package static let scale = 1000.0
    /// The most embeddings of one set: of a larger one, that many evenly spread over it are compared.
    public static let largestSet = 4096

    /// Compares two sets.
    /// - Parameters:
    ///   - first: embeddings of one set.
    ///   - second: embeddings of the other, by the same model.
    ///   - resamples: how often sets are resampled, and how often divided at random.
    ///   - seed: what decides the resamples; the same seed gives the same result.
    ///   - threads: how many threads compute; by default the cores that this process may use.
    /// - Throws: `CLIPError` of kind `.argument` when a set has fewer than two embeddings, or they are of different
    ///   lengths.
    /// - Complexity: O((m + n)² · (dimension + resamples)), 4 (m + n)² bytes of memory; m and n are at most `largestSet`.
    public init(
        _ first: [Embedding], _ second: [Embedding], resamples: Int = 1000, seed: UInt64 = 1, threads: Int? = nil
    ) throws(CLIPError) {
        let first = PictureSetDistance.spread(first)
        let second = PictureSetDistance.spread(second)
        guard first.count > 1, second.count > 1 else {
            throw CLIPError(
                .argument, "sets of \(first.count) and \(second.count) pictures, expected at least 2 in each")
        }
        let dimensions = Set((first + second).map(\.values.count))
        guard dimensions.count == 1 else {
            throw CLIPError(.argument, "embeddings of \(dimensions.sorted()) numbers: they are not of one model")
        }
        let compute = try Compute(threads: threads)
        let (m, n) = (first.count, second.count)
        let kernel = try KernelMatrix(
            (first + second).map { $0.normalized() }, bandwidth: PictureSetDistance.bandwidth, compute: compute)
        var random = SplitMix64(seed: seed)
        let columns = max(1, resamples)
        // The sets themselves, then resamples of each, then random divisions.
        let total = 1 + 2 * columns
        var weights = [Float](repeating: 0, count: (m + n) * total)
        for row in 0..<m + n { weights[row * total] = row < m ? 1 / Float(m) : -1 / Float(n) }
        for column in 1...columns {
            try checkCancellation()
            for _ in 0..<m { weights[random.index(below: m) * total + column] += 1 / Float(m) }
            for _ in 0..<n { weights[(m + random.index(below: n)) * total + column] -= 1 / Float(n) }
        }
        for column in columns + 1..<total {
            try checkCancellation()
            for (place, row) in random.permutation(m + n).enumerated() {
                weights[row * total + column] = place < m ? 1 / Float(m) : -1 / Float(n)
            }
        }
        let forms = try kernel.quadraticForms(weights, columns: total, compute: compute).map {
            max(0, $0) * PictureSetDistance.scale
        }
        let own = forms[0]
        let resampled = forms[1...columns].sorted()
        let divided = forms[(columns + 1)...]
        let shift = own - resampled.reduce(0, +) / Double(columns)
        let tail = columns / 40
        distance = own
        interval = max(0, resampled[tail] + shift)...max(0, resampled[columns - 1 - tail] + shift)
        expectedByChance = divided.reduce(0, +) / Double(columns)
        chance = Double(1 + divided.count { $0 >= own }) / Double(1 + columns)
        counts = Counts(first: m, second: n)
    }

    private static func spread(_ embeddings: [Embedding]) -> [Embedding] {
        guard embeddings.count > largestSet else { return embeddings }
        return (0..<largestSet).map { embeddings[$0 * embeddings.count / largestSet] }
    }
}
