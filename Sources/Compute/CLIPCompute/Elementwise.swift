internal import CLIPKernels
internal import CLIPSystem

/// The turns of pairs of numbers, for each place: sine and cosine of an angle per pair.
package struct RotationTable: Sendable {
    /// Pairs of a place.
    package let pairs: Int
    /// Whether a pair is one number of the first half and one of the second, rather than two neighbours.
    private let areHalves: Bool
    private let sines: ParameterVector
    private let cosines: ParameterVector

    /// - Parameter angles: `[places, pairs]`.
    package init(angles: [Float], pairs: Int, areHalves: Bool = false) {
        self.pairs = pairs
        self.areHalves = areHalves
        sines = ParameterVector(angles.map { Float(sin(Double($0))) })
        cosines = ParameterVector(angles.map { Float(cos(Double($0))) })
    }

    fileprivate func turn(_ numbers: UnsafeMutablePointer<Float>, place: Int) {
        let (sines, cosines) = (sines.start + place * pairs, cosines.start + place * pairs)
        let (step, distance) = areHalves ? (1, pairs) : (2, 1)
        for pair in 0..<pairs {
            let first = numbers + step * pair
            let (x, y) = (first[0], first[distance])
            first[0] = x * cosines[pair] - y * sines[pair]
            first[distance] = y * cosines[pair] + x * sines[pair]
        }
    }
}

extension Compute {
    /// Turns the pairs of every head of each row by the row's place, the first row's being the table's first.
    /// - Parameter rows: sequences of rows, `heads · 2 · table.pairs` numbers each.
    package func rotate(_ rows: [MutableRows<Float>], by table: RotationTable, heads: Int) {
        parallel.run(rows.count) { index in
            for place in 0..<rows[index].count {
                for head in 0..<heads { table.turn(rows[index][place] + head * 2 * table.pairs, place: place) }
            }
        }
    }

    /// Multiplies rows of `columns` numbers by those of another matrix.
    package func multiply(_ target: MutableRows<Float>, by factors: Rows<Float>, columns: Int) {
        forEachRow(target.count) { row in
            let (target, factors) = (target[row], factors[row])
            for column in 0..<columns { target[column] *= factors[column] }
        }
    }

    /// Adds to rows of `columns` numbers those of another matrix.
    package func add(_ target: MutableRows<Float>, _ terms: Rows<Float>, columns: Int) {
        forEachRow(target.count) { row in
            let (target, terms) = (target[row], terms[row])
            for column in 0..<columns { target[column] += terms[column] }
        }
    }

    /// The hyperbolic tangent of each of `columns` numbers of some rows.
    package func hyperbolicTangent(_ target: MutableRows<Float>, columns: Int) {
        forEachRow(target.count) { row in
            let target = target[row]
            for column in 0..<columns { target[column] = Float(tanh(Double(target[column]))) }
        }
    }

    /// Calls `body` for each row below `count`, sixteen at a time, on all threads.
    func forEachRow(_ count: Int, _ body: (Int) -> Void) {
        parallel.run((count + 15) / 16) { chunk in
            for row in chunk * 16..<min(chunk * 16 + 16, count) { body(row) }
        }
    }
}
