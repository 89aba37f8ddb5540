internal import CLIPSystem

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

/// The merges as a hash table in flat memory, whose sizes were checked.
struct MergeTable {
    static let empty = UInt64.max
    static let noRank = UInt32.max
    static let rankBits: UInt64 = 22
    static let rankMask: UInt64 = 1 << rankBits - 1
    /// Ids have 21 bits and ranks 22 bits of a slot.
    static let largestVocabulary = 1 << 21 - 1
    static let largestCount = 1 << 22 - 1
    static let slotBits = 1...24

    private let slots: UnsafeRawPointer
    private let results: UnsafeRawPointer
    private let multiplier: UInt64
    private let shift: UInt64
    private let mask: Int
    private let longestProbe: Int

    /// - Parameters:
    ///   - slots: `1 << slotBits` slots of 8 bytes.
    ///   - results: a token of 4 bytes per merge.
    init(
        slots: UnsafeRawPointer, results: UnsafeRawPointer, slotBits: Int, hashAttempt: Int, longestProbe: Int
    ) {
        self.slots = slots
        self.results = results
        multiplier = MergeHash.multiplier(attempt: hashAttempt)
        shift = UInt64(64 - slotBits)
        mask = 1 << slotBits - 1
        self.longestProbe = longestProbe
    }

    /// The rank of the merge of two tokens, the lowest being the first to make; `noRank` if there is none.
    @inline(__always)
    func rank(_ left: UInt32, _ right: UInt32) -> UInt32 {
        let key = MergeHash.key(left, right)
        var index = Int(truncatingIfNeeded: (key &* multiplier) &>> shift)
        for _ in 0...longestProbe {
            let slot = UInt64(littleEndian: slots.loadUnaligned(fromByteOffset: 8 &* index, as: UInt64.self))
            if slot &>> MergeTable.rankBits == key { return UInt32(truncatingIfNeeded: slot & MergeTable.rankMask) }
            if slot == MergeTable.empty { return MergeTable.noRank }
            index = (index &+ 1) & mask
        }
        return MergeTable.noRank
    }

    /// Whether no slot has a rank from `count` on.
    static func ranks(of slots: Slice<UnsafeRawBufferPointer>, areBelow count: Int) -> Bool {
        var areBelow = true
        for offset in stride(from: slots.startIndex, to: slots.endIndex, by: 8) {
            let slot = UInt64(littleEndian: slots.base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            areBelow = areBelow && (slot == empty || slot & rankMask < count)
        }
        return areBelow
    }

    /// The token that the merge of this rank makes. The rank must come from `rank`.
    @inline(__always)
    func result(_ rank: UInt32) -> UInt32 {
        UInt32(littleEndian: results.loadUnaligned(fromByteOffset: 4 &* Int(rank), as: UInt32.self))
    }
}

/// How pairs of tokens find their slot: a multiplication, whose factor can be changed if a vocabulary collides with it.
enum MergeHash {
    static let attempts = 8
    private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

    static func key(_ left: UInt32, _ right: UInt32) -> UInt64 { UInt64(left) << 21 | UInt64(right) }

    static func multiplier(attempt: Int) -> UInt64 { factor &* UInt64(2 * attempt + 1) }
}

/// A pair of tokens and the token that it becomes.
struct Merge {
    var left: UInt32
    var right: UInt32
    var result: UInt32
}

/// The hash table of merges, for `MergeTable` to read.
struct MergeSlots {
    let slots: [UInt64]
    let bits: Int
    let longestProbe: Int
    let hashAttempt: Int

    /// - Parameter merges: in order of rank. Of a pair that is there twice the last one counts, as in the reference.
    /// - Throws: if there are too many, or they collide; `file` names their source.
    init(_ merges: [Merge], file: String) throws(CLIPError) {
        guard merges.count <= MergeTable.largestCount else {
            throw CLIPError(.model, path: file, "\(merges.count) merges, expected at most \(MergeTable.largestCount)")
        }
        var bits = MergeTable.slotBits.lowerBound
        // At most three quarters full: 48,894 merges then take 512 KiB, which stays in a core's own cache.
        while 3 << bits < 4 * merges.count + 4 { bits += 1 }
        for attempt in 0..<MergeHash.attempts {
            if let (slots, longestProbe) = MergeSlots.place(merges, bits: bits, attempt: attempt) {
                self.slots = slots
                self.bits = bits
                self.longestProbe = longestProbe
                hashAttempt = attempt
                return
            }
        }
        throw CLIPError(
            .model, path: file, "its merges collide in the hash table, as none of a real vocabulary do: not supported")
    }

    private static func place(_ merges: [Merge], bits: Int, attempt: Int) -> (slots: [UInt64], longestProbe: Int)? {
        let multiplier = MergeHash.multiplier(attempt: attempt)
        let mask = 1 << bits - 1
        var slots = [UInt64](repeating: MergeTable.empty, count: 1 << bits)
        var longestProbe = 0
        for (rank, merge) in merges.enumerated() {
            let key = MergeHash.key(merge.left, merge.right)
            var index = Int((key &* multiplier) >> UInt64(64 - bits))
            var probe = 0
            while slots[index] != MergeTable.empty, slots[index] >> MergeTable.rankBits != key {
                index = (index + 1) & mask
                probe += 1
            }
            slots[index] = key << MergeTable.rankBits | UInt64(rank)
            longestProbe = max(longestProbe, probe)
            if longestProbe > 1024 { return nil }
        }
        return (slots, longestProbe)
    }
}
