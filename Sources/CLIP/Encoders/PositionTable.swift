/// Position embeddings, a row per position, that can be brought to another number of positions.
struct PositionTable: Equatable {
    let columns: Int
    /// `[rows, columns]`.
    var values: [Float]

    var rows: Int { values.count / columns }

    /// The class token's row as it is, the square of patches resampled to another square: bicubic (Keys, a = −0.5),
    /// stretched when it shrinks, as PyTorch's `interpolate` with `antialias`.
    /// - Returns: nil when the positions behind the first are no square, or `count` asks for none.
    func resampledGrid(to count: Int) -> PositionTable? {
        let old = Int(Double(rows - 1).squareRoot().rounded())
        let new = Int(Double(count - 1).squareRoot().rounded())
        guard old > 0, new > 0, old * old == rows - 1, new * new == count - 1 else { return nil }
        let places = (0..<new).map { ResampledPlace(bicubic: $0, from: old, to: new) }
        // Rows of the picture first: [old, new, columns], then [new, new, columns].
        var across: [Float] = []
        for line in 0..<old {
            for place in places { across += weighted(place, first: 1 + line * old, step: 1, of: values) }
        }
        var grid = Array(values[..<columns])
        for place in places {
            for column in 0..<new { grid += weighted(place, first: column, step: new, of: across) }
        }
        return PositionTable(columns: columns, values: grid)
    }

    /// All rows, resampled linearly between their centres, as PyTorch's `interpolate` without `antialias`.
    func resampledLine(to count: Int) -> PositionTable {
        var line: [Float] = []
        let scale = Float(rows) / Float(count)
        for index in 0..<count {
            let place = max(0, (Float(index) + 0.5) * scale - 0.5)
            let first = min(Int(place), rows - 1)
            let fraction = place - Float(first)
            let second = min(first + 1, rows - 1)
            for column in 0..<columns {
                line.append(
                    (1 - fraction) * values[first * columns + column] + fraction * values[second * columns + column])
            }
        }
        return PositionTable(columns: columns, values: line)
    }

    private func weighted(_ place: ResampledPlace, first: Int, step: Int, of rows: [Float]) -> [Float] {
        var sum = Array(repeating: Float(0), count: columns)
        for (index, weight) in place.weights.enumerated() {
            let start = (first + (place.first + index) * step) * columns
            for column in 0..<columns { sum[column] += weight * rows[start + column] }
        }
        return sum
    }
}

/// A place of a line of positions that is resampled: what each of some neighbours counts, as PyTorch's `interpolate` with
/// `antialias` has it.
struct ResampledPlace {
    /// The first neighbour.
    private(set) var first: Int
    /// Together 1.
    private(set) var weights: [Float]

    /// Keys' cubic convolution, a = −0.5.
    init(bicubic index: Int, from old: Int, to new: Int) {
        self.init(index, from: old, to: new, reach: 2) { distance in
            let (a, x) = (Float(-0.5), abs(distance))
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
        }
    }

    /// A triangle.
    init(bilinear index: Int, from old: Int, to new: Int) {
        self.init(index, from: old, to: new, reach: 1) { max(0, 1 - abs($0)) }
    }

    /// - Parameter reach: how far `filter` is more than 0, in places of the denser line.
    private init(_ index: Int, from old: Int, to new: Int, reach: Float, filter: (Float) -> Float) {
        let scale = Float(old) / Float(new)
        let stretch = max(scale, 1)
        let (support, centre) = (reach * stretch, scale * (Float(index) + 0.5))
        first = max(0, Int(centre - support + 0.5))
        let end = min(old, Int(centre + support + 0.5))
        weights = (first..<end).map { filter((Float($0) - centre + 0.5) / stretch) }
        let sum = weights.reduce(0, +)
        weights = weights.map { $0 / sum }
    }
}
