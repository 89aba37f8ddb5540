internal import CLIPCompute
internal import CLIPSystem

/// How attention knows of the places of tokens, where no table of positions is added to their first states.
package enum RelativePositions: Sendable, Equatable {
    /// A number that each head adds to a score by how far the key stands from the query, the same in every layer; scores
    /// aren't divided by the square root of a head's width then (T5; Raffel et al., 2020).
    /// - Parameters:
    ///   - count: rows of the table: half are for keys behind the query, of which half for one distance each and half for
    ///     ranges.
    ///   - farthest: the distance from which on all are one.
    case buckets(count: Int, farthest: Int)
    /// The distance times a slope of the head's is taken from a score (ALiBi; Press et al., 2022).
    case slopes
    /// Queries and keys are turned, number k of the first half of a head together with number k of the second, by the place
    /// times base^(−k / half) (Su et al., 2021).
    case rotary(base: Float)

    /// Whether scores are divided by the square root of a head's width.
    var scalesScores: Bool {
        if case .buckets = self { false } else { true }
    }

    /// The row of a table of `count` for a key that stands `offset` places behind the query. Ranges grow by a constant factor.
    package static func bucket(_ offset: Int, count: Int, farthest: Int) -> Int {
        let half = count / 2
        let first = offset > 0 ? half : 0
        let distance = abs(offset)
        let exact = half / 2
        guard distance >= exact else { return first + distance }
        // In single precision, as the reference does it.
        func logarithm(_ value: Double) -> Float { Float(log(value)) }
        let grown = logarithm(Double(distance) / Double(exact)) / logarithm(Double(farthest) / Double(exact))
        return first + min(exact + Int(grown * Float(half - exact)), half - 1)
    }

    /// 2^(−8k / heads) for the heads from 1 on. Where their number is no power of two, those of the next lower one, then every
    /// other of the next higher one's.
    package static func slopes(heads: Int) -> [Float] {
        func slopes(_ count: Int) -> [Float] { (1...count).map { Float(pow(2, -8 * Double($0) / Double(count))) } }
        let whole = 1 << (Int.bitWidth - 1 - heads.leadingZeroBitCount)
        let others = slopes(2 * whole).enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
        return slopes(whole) + others.prefix(heads - whole)
    }
}

extension RelativePositions {
    /// What is added to scores; nil where nothing is, or where shapes alone are known of the table that says it.
    /// - Parameters:
    ///   - key: `key.weight` is a row of a number per head for each bucket.
    ///   - reach: the most places between two tokens.
    func bias(_ key: String, heads: Int, reach: Int, from source: some TensorSource) throws(CLIPError) -> RelativeBias?
    {
        switch self {
        case .buckets(let count, let farthest):
            let table = try source.vector("\(key).weight", shape: [count, heads])
            guard table.isRead else { return nil }
            return RelativeBias(heads: heads, reach: reach) { head, distance in
                table.start[RelativePositions.bucket(-distance, count: count, farthest: farthest) * heads + head]
            }
        case .slopes:
            let slopes = RelativePositions.slopes(heads: heads)
            return RelativeBias(heads: heads, reach: reach) { head, distance in -slopes[head] * Float(abs(distance)) }
        case .rotary: return nil
        }
    }

    /// How queries and keys of up to `places` tokens are turned; nil where they aren't.
    func rotation(places: Int, headWidth: Int) -> Rotation? {
        guard case .rotary(let base) = self else { return nil }
        let half = headWidth / 2
        let frequencies = (0..<half).map { 1 / Float(pow(Double(base), Double(Float(2 * $0) / Float(headWidth)))) }
        return Rotation(
            table: RotationTable(
                angles: (0..<places).flatMap { place in frequencies.map { Float(place) * $0 } }, pairs: half,
                areHalves: true),
            places: places)
    }
}
