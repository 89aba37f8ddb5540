/// A pattern for paths, as shells have it: `*` is any run of bytes without a slash, `**` any run at all, `?` one
/// character but a slash, `[a-z]` one of some, `[!a-z]` one of all others, `\` takes the next as it is. A pattern without a
/// slash is matched with the last part of a path, any other with its end.
public struct Glob: Sendable, Equatable {
    private enum Step: Equatable {
        case scalar(Unicode.Scalar)
        case any
        case oneOf([ClosedRange<UInt32>], negated: Bool)
        case run(crossesSlashes: Bool)
    }

    /// The pattern as it was written.
    public let pattern: String
    private let steps: [Step]

    /// Reads a pattern. Every text is one: what is not closed stands for itself.
    public init(_ pattern: String) {
        self.pattern = pattern
        var steps: [Step] = []
        var rest = Array(pattern.unicodeScalars)[...]
        // Matched with the end: as if anything up to a slash went before.
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*":
                let crosses = rest.first == "*"
                while rest.first == "*" { rest.removeFirst() }
                steps.append(.run(crossesSlashes: crosses))
            case "?": steps.append(.any)
            case "[":
                if let (step, length) = Glob.set(rest) {
                    steps.append(step)
                    rest = rest.dropFirst(length)
                } else {
                    steps.append(.scalar(scalar))
                }
            case "\\": steps.append(.scalar(rest.popFirst() ?? scalar))
            default: steps.append(.scalar(scalar))
            }
        }
        self.steps = steps
    }

    /// Whether `path` matches.
    /// - Complexity: O(length of the path · length of the pattern).
    public func matches(_ path: String) -> Bool { matches(Array(path.unicodeScalars)[...]) }

    /// Whether a text matches from its first character to its last.
    func matchesAll(of text: String) -> Bool { matchesWhole(Array(text.unicodeScalars)[...]) }

    private func matches(_ path: ArraySlice<Unicode.Scalar>) -> Bool {
        let slashes = steps.count { $0 == .scalar("/") }
        guard steps.first != .scalar("/"), !steps.contains(.run(crossesSlashes: true)) else {
            return matchesWhole(path) || suffixes(of: path).contains(where: matchesWhole)
        }
        // As many parts from the end as the pattern has.
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)[...]
        parts = parts.suffix(slashes + 1)
        return matchesWhole(path.suffix(from: parts.first?.startIndex ?? path.startIndex))
    }

    /// What follows each slash.
    private func suffixes(of path: ArraySlice<Unicode.Scalar>) -> [ArraySlice<Unicode.Scalar>] {
        path.indices.filter { path[$0] == "/" }.map { path[($0 + 1)...] }
    }

    /// Follows all ways through the pattern at once.
    private func matchesWhole(_ path: ArraySlice<Unicode.Scalar>) -> Bool {
        var states = [Bool](repeating: false, count: steps.count + 1)
        states[0] = true
        passRuns(&states)
        for scalar in path {
            var next = [Bool](repeating: false, count: steps.count + 1)
            for (index, step) in steps.enumerated() where states[index] {
                switch step {
                case .scalar(let wanted): if scalar == wanted { next[index + 1] = true }
                case .any: if scalar != "/" { next[index + 1] = true }
                case .oneOf(let ranges, let negated):
                    if scalar != "/", ranges.contains(where: { $0.contains(scalar.value) }) != negated {
                        next[index + 1] = true
                    }
                case .run(let crosses): if crosses || scalar != "/" { next[index] = true }
                }
            }
            passRuns(&next)
            states = next
        }
        return states[steps.count]
    }

    /// A run may be empty.
    private func passRuns(_ states: inout [Bool]) {
        for (index, step) in steps.enumerated() where states[index] {
            if case .run = step { states[index + 1] = true }
        }
    }

    /// The set that begins behind a bracket, and how long it is; nil when it is never closed.
    private static func set(_ rest: ArraySlice<Unicode.Scalar>) -> (Step, length: Int)? {
        var scalars = rest
        let negated = scalars.first == "!" || scalars.first == "^"
        if negated { scalars.removeFirst() }
        var ranges: [ClosedRange<UInt32>] = []
        // A closing bracket that comes first is one of the set.
        while let scalar = scalars.popFirst(), scalar != "]" || ranges.isEmpty {
            let start = scalar.value
            if scalars.first == "-", let end = scalars.dropFirst().first, end != "]" {
                scalars = scalars.dropFirst(2)
                if start <= end.value { ranges.append(start...end.value) }
            } else {
                ranges.append(start...start)
            }
            if scalars.isEmpty { return nil }
        }
        guard !ranges.isEmpty else { return nil }
        return (.oneOf(ranges, negated: negated), rest.count - scalars.count)
    }
}
