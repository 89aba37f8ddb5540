/// Byte-pair encoding of one word: of all neighbours, those whose merge has the lowest rank become one token, the
/// leftmost first, until no merge is left (Sennrich, Haddow, Birch, 2016).
struct PairMerger {
    /// Up to this many symbols a search over all pairs beats a heap.
    private static let shortWord = 32

    private let merges: MergeTable
    private var tokens: [UInt32]
    private var ranks: [UInt32]

    init(_ merges: MergeTable) {
        self.merges = merges
        tokens = Array(repeating: 0, count: PairMerger.shortWord)
        ranks = Array(repeating: 0, count: PairMerger.shortWord)
    }

    /// Appends the tokens of a word of `count` symbols, at least one, of which `symbol` gives each.
    @inline(__always)
    mutating func encode(_ count: Int, into ids: inout [Int32], symbol: (Int) -> UInt32) {
        if count == 1 {
            ids.append(Int32(truncatingIfNeeded: symbol(0)))
        } else if count <= PairMerger.shortWord {
            for index in 0..<count { tokens[index] = symbol(index) }
            encodeShort(count, into: &ids)
        } else {
            encodeLong((0..<count).map(symbol), into: &ids)
        }
    }

    /// Of the first `count` tokens.
    private mutating func encodeShort(_ count: Int, into ids: inout [Int32]) {
        var count = count
        tokens.withUnsafeMutableBufferPointer { tokens in
            ranks.withUnsafeMutableBufferPointer { ranks in
                for index in 0..<count - 1 { ranks[index] = merges.rank(tokens[index], tokens[index + 1]) }
                while count > 1 {
                    var best = 0
                    for index in 1..<count - 1 where ranks[index] < ranks[best] { best = index }
                    if ranks[best] == MergeTable.noRank { break }
                    tokens[best] = merges.result(ranks[best])
                    count -= 1
                    for index in best + 1..<count { tokens[index] = tokens[index + 1] }
                    for index in best..<count - 1 { ranks[index] = ranks[index + 1] }
                    if best > 0 { ranks[best - 1] = merges.rank(tokens[best - 1], tokens[best]) }
                    if best < count - 1 { ranks[best] = merges.rank(tokens[best], tokens[best + 1]) }
                }
                for index in 0..<count { ids.append(Int32(truncatingIfNeeded: tokens[index])) }
            }
        }
    }

    /// The same with a heap of pairs and a chain of tokens, so that a word of a megabyte takes no quadratic time.
    private func encodeLong(_ word: [UInt32], into ids: inout [Int32]) {
        let count = word.count
        var tokens = word
        var ranks = (0..<count).map { $0 + 1 < count ? merges.rank(tokens[$0], tokens[$0 + 1]) : MergeTable.noRank }
        var next = (0..<count).map { $0 + 1 }
        var previous = (0..<count).map { $0 - 1 }
        var pairs = PairHeap(ranks)

        while let (rank, left) = pairs.popFirst() {
            // The pair has changed since, or is gone.
            if ranks[left] != rank { continue }
            let right = next[left]
            tokens[left] = merges.result(rank)
            ranks[right] = MergeTable.noRank
            next[left] = next[right]
            ranks[left] = MergeTable.noRank
            if next[left] < count {
                previous[next[left]] = left
                ranks[left] = merges.rank(tokens[left], tokens[next[left]])
                pairs.insert(ranks[left], left)
            }
            let before = previous[left]
            if before >= 0 {
                ranks[before] = merges.rank(tokens[before], tokens[left])
                pairs.insert(ranks[before], before)
            }
        }
        var index = 0
        while index < count {
            ids.append(Int32(truncatingIfNeeded: tokens[index]))
            index = next[index]
        }
    }
}

/// A binary heap of pairs, the lowest rank first, of one rank the leftmost.
private struct PairHeap {
    private var entries: [UInt64] = []

    init(_ ranks: [UInt32]) {
        entries.reserveCapacity(ranks.count)
        for (position, rank) in ranks.enumerated() { insert(rank, position) }
    }

    mutating func insert(_ rank: UInt32, _ position: Int) {
        if rank == MergeTable.noRank { return }
        entries.append(UInt64(rank) << 40 | UInt64(position))
        var child = entries.count - 1
        while child > 0, case let parent = (child - 1) / 2, entries[child] < entries[parent] {
            entries.swapAt(child, parent)
            child = parent
        }
    }

    mutating func popFirst() -> (rank: UInt32, position: Int)? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            var parent = 0
            while case var child = 2 * parent + 1, child < entries.count {
                if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
                if entries[parent] <= entries[child] { break }
                entries.swapAt(parent, child)
                parent = child
            }
        }
        return (UInt32(truncatingIfNeeded: first >> 40), Int(first & (1 << 40 - 1)))
    }
}
