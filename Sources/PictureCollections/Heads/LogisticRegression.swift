import CLIP
import CLIPCompute
import CLIPSystem

/// Multinomial logistic regression with an L2 penalty, fitted to examples.
///
/// It is what scikit-learn's `LogisticRegression` fits with the same C: the least ½‖W‖² + C · Σ −log p(label), intercepts
/// not penalised; of two classes the logistic function of one row of weights. Found by L-BFGS with two-loop recursion
/// (Nocedal and Wright, "Numerical Optimization", 2nd edition, algorithms 7.4 and 7.5) in double precision.
struct LogisticRegression {
    /// `[classes, dimension]`. Of two classes the first row is zero.
    let weights: [[Double]]
    /// `[classes]`.
    let intercepts: [Double]

    /// - Parameters:
    ///   - rows: the examples, all of one dimension.
    ///   - labels: the class of each.
    ///   - classes: how many there are, at least two, each with an example.
    ///   - c: how much examples count against small weights, above zero.
    ///   - compute: whose threads do the work. The result is the same for any number of them.
    /// - Throws: `CLIPError` of kind `.argument` when it doesn't settle, of kind `.cancelled`.
    init(_ rows: [[Float]], labels: [Int], classes: Int, c: Double, compute: Compute) throws(CLIPError) {
        let dimension = rows[0].count
        let objective = Objective(rows, labels: labels, outputs: classes == 2 ? 1 : classes, c: c, compute)
        let solution = try LogisticRegression.minimum(of: objective)
        let found = (0..<objective.outputs).map { output in
            Array(solution[output * objective.stride..<output * objective.stride + dimension + 1])
        }
        let all = classes == 2 ? [[Double](repeating: 0, count: dimension + 1), found[0]] : found
        weights = all.map { Array($0.prefix(dimension)) }
        intercepts = all.map { $0[dimension] }
    }

    /// How long it may take: with embeddings of length 1 and a usual C a few dozen rounds do.
    private static let mostRounds = 10_000
    /// The largest slope that counts as none. The objective is at least as curved as ½‖W‖², so that weights are no farther
    /// off than the slope is long.
    private static let flat = 1e-7
    private static let memory = 12

    private static func minimum(of objective: Objective) throws(CLIPError) -> [Double] {
        var place = [Double](repeating: 0, count: objective.outputs * objective.stride)
        var (value, slope) = objective.value(at: place)
        var steps: [(s: [Double], y: [Double], ratio: Double)] = []
        for _ in 0..<mostRounds {
            try checkCancellation()
            if slope.allSatisfy({ abs($0) <= flat }) { return place }
            var direction = descent(slope, steps)
            var decline = dot(slope, direction)
            if decline >= 0 {
                steps = []
                direction = slope.map { -$0 }
                decline = -dot(slope, slope)
            }
            // The first step has no curvature to go by.
            var length = steps.isEmpty ? min(1, 1 / dot(slope, slope).squareRoot()) : 1
            var next = place
            var (nextValue, nextSlope) = (value, slope)
            while true {
                for index in place.indices { next[index] = place[index] + length * direction[index] }
                (nextValue, nextSlope) = objective.value(at: next)
                if nextValue <= value + 1e-4 * length * decline { break }
                // Near the minimum values differ by rounding alone, and slopes still tell (Hager and Zhang, 2005).
                if nextValue <= value + 1e-11 * abs(value), abs(dot(nextSlope, direction)) <= 0.9 * abs(decline) {
                    break
                }
                length /= 2
                // No step makes it less than rounding does: this is the minimum.
                if length < 1e-12 { return place }
            }
            let s = zip(next, place).map { $0 - $1 }
            let y = zip(nextSlope, slope).map { $0 - $1 }
            let curvature = dot(s, y)
            if curvature > 1e-14 * dot(y, y) {
                steps.append((s, y, 1 / curvature))
                if steps.count > memory { steps.removeFirst() }
            }
            (place, value, slope) = (next, nextValue, nextSlope)
        }
        throw CLIPError(.argument, "the regression doesn't settle in \(mostRounds) rounds: give a smaller C")
    }

    /// Where to go: the slope by what the last steps say of the curvature.
    private static func descent(_ slope: [Double], _ steps: [(s: [Double], y: [Double], ratio: Double)]) -> [Double] {
        var direction = slope
        var factors: [Double] = []
        for step in steps.reversed() {
            let factor = step.ratio * dot(step.s, direction)
            factors.append(factor)
            for index in direction.indices { direction[index] -= factor * step.y[index] }
        }
        if let last = steps.last {
            let scale = 1 / (last.ratio * dot(last.y, last.y))
            for index in direction.indices { direction[index] *= scale }
        }
        for (step, factor) in zip(steps, factors.reversed()) {
            let other = factor - step.ratio * dot(step.y, direction)
            for index in direction.indices { direction[index] += other * step.s[index] }
        }
        return direction.map { -$0 }
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double {
        a.withUnsafeBufferPointer { a in b.withUnsafeBufferPointer { product($0, a) } }
    }
}

/// What is to be the least.
private struct Objective {
    let outputs: Int
    /// Numbers of a row: the dimension, one for the intercept, zeros up to a multiple of eight.
    let stride: Int
    private let dimension: Int
    /// `[examples, stride]`, with a one behind the coordinates.
    private let rows: [Double]
    private let labels: [Int]
    private let c: Double
    private let compute: Compute

    init(_ rows: [[Float]], labels: [Int], outputs: Int, c: Double, _ compute: Compute) {
        dimension = rows[0].count
        stride = (dimension + 8) / 8 * 8
        var padded: [Double] = []
        padded.reserveCapacity(rows.count * stride)
        for row in rows {
            padded += row.map { Double($0) }
            padded.append(1)
            padded += repeatElement(0, count: stride - dimension - 1)
        }
        self.rows = padded
        self.labels = labels
        self.outputs = outputs
        self.c = c
        self.compute = compute
    }

    /// The objective and its slope. Each example is by itself, and then each row of weights: in one order on any threads.
    func value(at place: [Double]) -> (value: Double, slope: [Double]) {
        var residuals = [Double](repeating: 0, count: labels.count * outputs)
        var losses = [Double](repeating: 0, count: labels.count)
        var slope = place
        rows.withUnsafeBufferPointer { rows in
            place.withUnsafeBufferPointer { place in
                residuals.withUnsafeMutableBufferPointer { residuals in
                    losses.withUnsafeMutableBufferPointer { losses in
                        nonisolated(unsafe) let (residuals, losses) = (residuals, losses)
                        compute.forEach(labels.count) { example in
                            let row = UnsafeBufferPointer(rebasing: rows[example * stride..<(example + 1) * stride])
                            let own = UnsafeMutableBufferPointer(
                                rebasing: residuals[example * outputs..<(example + 1) * outputs])
                            for output in 0..<outputs {
                                own[output] = product(
                                    row, UnsafeBufferPointer(rebasing: place[output * stride..<(output + 1) * stride]))
                            }
                            losses[example] = loss(own, label: labels[example])
                        }
                    }
                }
                slope.withUnsafeMutableBufferPointer { slope in
                    nonisolated(unsafe) let slope = slope
                    residuals.withUnsafeBufferPointer { residuals in
                        compute.forEach(outputs) { output in
                            let own = UnsafeMutableBufferPointer(
                                rebasing: slope[output * stride..<(output + 1) * stride])
                            // Intercepts are not penalised.
                            own[dimension] = 0
                            for example in 0..<labels.count {
                                let factor = c * residuals[example * outputs + output]
                                for column in 0..<stride { own[column] += factor * rows[example * stride + column] }
                            }
                        }
                    }
                }
            }
        }
        var value = c * losses.reduce(0, +)
        for output in 0..<outputs {
            for column in 0..<dimension {
                value += 0.5 * place[output * stride + column] * place[output * stride + column]
            }
        }
        return (value, slope)
    }

    /// −log of the label's share, and in place of the logits its derivatives by them: shares, less one of the label.
    private func loss(_ logits: UnsafeMutableBufferPointer<Double>, label: Int) -> Double {
        if outputs == 1 {
            let logit = label == 1 ? logits[0] : -logits[0]
            // log(1 + e^−x), by the side that doesn't overflow.
            let loss = logit > 0 ? log1p(exp(-logit)) : log1p(exp(logit)) - logit
            let share = 1 / (1 + exp(-logits[0]))
            logits[0] = share - Double(label)
            return loss
        }
        let largest = logits.reduce(-Double.infinity) { max($0, $1) }
        let own = logits[label] - largest
        var sum = 0.0
        for output in 0..<outputs {
            logits[output] = exp(logits[output] - largest)
            sum += logits[output]
        }
        for output in 0..<outputs { logits[output] /= sum }
        logits[label] -= 1
        return log(sum) - own
    }
}

/// The scalar product of two rows of one length.
private func product(_ a: UnsafeBufferPointer<Double>, _ b: UnsafeBufferPointer<Double>) -> Double {
    var sums = SIMD8<Double>()
    var index = 0
    while index + 8 <= a.count {
        let left = UnsafeRawPointer(a.baseAddress! + index).loadUnaligned(as: SIMD8<Double>.self)
        let right = UnsafeRawPointer(b.baseAddress! + index).loadUnaligned(as: SIMD8<Double>.self)
        sums += left * right
        index += 8
    }
    return sums.sum()
}
