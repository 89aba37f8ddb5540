/// How many of some were right, and what that says of all that might have been drawn.
public struct Proportion: Sendable, Equatable {
    /// How many were right.
    public let successes: Int
    /// Of how many.
    public let count: Int

    /// - Precondition: `0 <= successes <= count`.
    public init(_ successes: Int, of count: Int) {
        precondition(successes >= 0 && successes <= count, "\(successes) of \(count) is no proportion")
        self.successes = successes
        self.count = count
    }

    /// The share, 0…1; 0 of none.
    public var value: Double { count > 0 ? Double(successes) / Double(count) : 0 }

    /// The 95 % interval of Wilson's score (Wilson, 1927): where the share of all such pictures lies in 95 of 100 samples, if
    /// these are a random one. It keeps its word for small samples and shares near 0 and 1; 0…1 of none.
    public var interval: ClosedRange<Double> {
        guard count > 0 else { return 0...1 }
        let (n, z) = (Double(count), Proportion.quantile)
        let middle = (value + z * z / (2 * n)) / (1 + z * z / n)
        let reach = z / (1 + z * z / n) * (value * (1 - value) / n + z * z / (4 * n * n)).squareRoot()
        // What rounding leaves of an end that is 0 or 1.
        let lower = successes == 0 ? 0 : max(0, middle - reach)
        return lower...(successes == count ? 1 : min(1, middle + reach))
    }

    /// z with 95 % of a normal distribution between −z and z.
    private static let quantile = 1.959963984540054
}

/// How much oftener one way of answering is right than another, on the same pictures.
public struct PairedDifference: Sendable, Equatable {
    /// How many pictures the first is right on and the second is not.
    public let firstAlone: Int
    /// How many pictures the second is right on and the first is not.
    public let secondAlone: Int
    /// The share of pictures that the first is right on, less that of the second: −1…1.
    public let value: Double
    /// The 95 % interval of `value` (Newcombe, 1998, "Improved confidence intervals for the difference between binomial
    /// proportions based on paired data", method 10). Where it holds 0, these pictures can't tell the two apart.
    public let interval: ClosedRange<Double>

    /// - Parameters:
    ///   - first: for each picture whether the one is right.
    ///   - second: for each whether the other is.
    /// - Precondition: as many of both.
    public init(_ first: [Bool], _ second: [Bool]) {
        precondition(first.count == second.count, "answers to other pictures can't be compared")
        let pairs = zip(first, second)
        let (both, neither) = (pairs.count { $0 && $1 }, pairs.count { !$0 && !$1 })
        firstAlone = pairs.count { $0 && !$1 }
        secondAlone = pairs.count { !$0 && $1 }
        guard !first.isEmpty else {
            (value, interval) = (0, -1...1)
            return
        }
        let (a, b) = (Proportion(both + firstAlone, of: first.count), Proportion(both + secondAlone, of: first.count))
        value = Double(firstAlone - secondAlone) / Double(first.count)
        let product =
            Double(a.successes) * Double(neither + secondAlone) * Double(b.successes)
            * Double(neither + firstAlone)
        var covariance = Double(both) * Double(neither) - Double(firstAlone) * Double(secondAlone)
        if covariance > 0 { covariance = max(0, covariance - Double(first.count) / 2) }
        let correlation = product > 0 ? covariance / product.squareRoot() : 0
        func reach(_ x: Double, _ y: Double) -> Double {
            max(0, x * x - 2 * correlation * x * y + y * y).squareRoot()
        }
        let lower = value - reach(a.value - a.interval.lowerBound, b.interval.upperBound - b.value)
        let upper = value + reach(a.interval.upperBound - a.value, b.value - b.interval.lowerBound)
        interval = max(-1, lower)...min(1, upper)
    }
}
