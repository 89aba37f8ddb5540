import CLIP
import CLIPSystem

/// How a label leans towards one group of pictures.
public struct GroupAssociation: Sendable, Equatable {
    /// The label that leans towards the group.
    public let label: String
    /// The name of the group of pictures.
    public let group: String
    /// How many pictures the group has.
    public let groupCount: Int
    /// The difference of the mean cosines of the group's pictures and of all others with the label, over the standard
    /// deviation of all: the effect size of the word embedding association test with one target (SC-WEAT; Caliskan,
    /// Bryson and Narayanan, 2017), here between pictures and a label. 0.2 is called small, 0.8 large (Cohen, 1988).
    public let effectSize: Double
    /// The share of random groups of the same size whose effect is at least as large, in either direction: small means
    /// that the lean is not chance. With many labels and groups some are small by chance.
    public let chance: Double
    /// ln of the group's share among the pictures nearest to the label, over its share of all pictures (Skew@k; Geyik,
    /// Ambler and Kenthapadi, 2019): 0 is proportional. MaxSkew is the largest of a label's. −∞ is written where none of
    /// the group is among them.
    public let skew: Double
    /// k: how many nearest pictures the skew looks at.
    public let nearest: Int

    /// Every label with every group, in the order of labels and of groups' names.
    static func all(
        labels: [String], similarities: [[Double]], groups: [String?], permutations: Int, seed: UInt64
    ) throws(CLIPError) -> [GroupAssociation] {
        let members = groups.indices.filter { groups[$0] != nil }
        let names = Set(groups.compactMap { $0 }).sorted()
        guard names.count > 1 else { return [] }
        var random = SplitMix64(seed: seed)
        // The same divisions for every label, so that labels can be compared.
        var shuffles: [[Int]] = []
        for _ in 0..<permutations {
            try checkCancellation()
            shuffles.append(random.permutation(members.count))
        }
        let nearest = max(1, min(100, members.count / 10))
        var associations: [GroupAssociation] = []
        for label in labels.indices {
            let cosines = members.map { similarities[$0][label] }
            let effects = EffectSize(cosines)
            let closest = cosines.indices.sorted { (cosines[$1], $0) < (cosines[$0], $1) }.prefix(nearest)
            for name in names {
                try checkCancellation()
                let inside = members.indices.filter { groups[members[$0]] == name }
                let effect = effects.of(inside[...])
                let extreme = shuffles.count { abs(effects.of($0.prefix(inside.count))) >= abs(effect) - 1e-12 }
                let inGroup = Set(inside)
                let share = Double(closest.count { inGroup.contains($0) }) / Double(nearest)
                associations.append(
                    GroupAssociation(
                        label: labels[label], group: name, groupCount: inside.count, effectSize: effect,
                        chance: Double(1 + extreme) / Double(1 + permutations),
                        skew: log(share / (Double(inside.count) / Double(members.count))), nearest: nearest))
            }
        }
        return associations
    }
}

/// The standardised difference of means between some of the values and all others.
private struct EffectSize {
    private let values: [Double]
    private let total: Double
    private let deviation: Double

    init(_ values: [Double]) {
        self.values = values
        total = values.reduce(0, +)
        let mean = total / Double(max(1, values.count))
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        deviation = (squares / Double(max(1, values.count - 1))).squareRoot()
    }

    func of(_ inside: ArraySlice<Int>) -> Double {
        let sum = inside.reduce(0) { $0 + values[$1] }
        let others = values.count - inside.count
        guard deviation > 0, !inside.isEmpty, others > 0 else { return 0 }
        return (sum / Double(inside.count) - (total - sum) / Double(others)) / deviation
    }
}
