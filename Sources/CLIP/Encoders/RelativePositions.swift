internal import CLIPCompute
internal import CLIPSystem

/// A number that each head adds to a score by how far the key stands from the query, the same in every layer; scores aren't
/// divided by the square root of a head's width then (T5; Raffel et al., 2020).
package struct RelativePositions: Sendable, Equatable {
    /// Rows of the table: half are for keys behind the query, of which half for one distance each and half for ranges.
    package var buckets: Int
    /// The distance from which on all are one.
    package var farthest: Int

    package init(buckets: Int, farthest: Int) {
        self.buckets = buckets
        self.farthest = farthest
    }

    /// The row for a key that stands `offset` places behind the query. Ranges grow by a constant factor.
    package func bucket(_ offset: Int) -> Int {
        let half = buckets / 2
        let first = offset > 0 ? half : 0
        let distance = abs(offset)
        let exact = half / 2
        guard distance >= exact else { return first + distance }
        // In single precision, as the reference does it.
        func logarithm(_ value: Double) -> Float { Float(log(value)) }
        let grown = logarithm(Double(distance) / Double(exact)) / logarithm(Double(farthest) / Double(exact))
        return first + min(exact + Int(grown * Float(half - exact)), half - 1)
    }
}

extension RelativePositions {
    /// Reads `key.weight`, a row of a number per head for each bucket.
    /// - Parameter reach: the most places between two tokens.
    /// - Returns: nil where shapes alone are known.
    func bias(_ key: String, heads: Int, reach: Int, from source: some TensorSource) throws(CLIPError) -> RelativeBias?
    {
        let table = try source.vector("\(key).weight", shape: [buckets, heads])
        guard table.isRead else { return nil }
        return RelativeBias(heads: heads, reach: reach) { head, distance in
            table.start[bucket(-distance) * heads + head]
        }
    }
}
