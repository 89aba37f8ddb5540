/// Guesses what a misspelt word was meant to be.
package enum Spelling {
    /// ` Did you mean 'x'?`, or nothing when no word is near.
    package static func suggestion(for word: String, among words: [String]) -> String {
        suggestion(amongFew: nearest(to: word, among: words))
    }

    /// The same of words that all may be meant, if they are few.
    static func suggestion(amongFew near: [String]) -> String {
        guard (1...3).contains(near.count) else { return "" }
        return " Did you mean \(near.map { "'\($0)'" }.joined(separator: " or "))?"
    }

    /// The words that `word` abbreviates; else the one at the least distance, unless that is too far to be a slip.
    static func nearest(to word: String, among words: [String]) -> [String] {
        let stem = word.lowercased()
        let longer = words.filter { stem.utf8.count > 2 && $0.hasPrefix(stem) }
        if (1...3).contains(longer.count) { return longer }
        let limit = max(1, (stem.utf8.count + 1) / 3)
        let distances = words.map { (word: $0, distance: distance(stem, $0)) }
        guard let best = distances.min(by: { $0.distance < $1.distance }), best.distance <= limit else { return [] }
        return [best.word]
    }

    /// Edits between two words, two letters in the wrong order counted as one (Damerau, 1964).
    static func distance(_ a: String, _ b: String) -> Int {
        // A word of a thousand letters is no slip of the keyboard.
        let (a, b) = (Array(a.utf8.prefix(64)), Array(b.utf8.prefix(64)))
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var least = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, beforeLast[j - 1] + 1) }
                row.append(least)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
