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
    init(_ merges: [Merge], file: String) throws(TokenizerError) {
        guard merges.count <= FlatLayout.largestMergeCount else {
            throw TokenizerError(
                file: file, problem: "\(merges.count) merges, expected at most \(FlatLayout.largestMergeCount)")
        }
        var bits = FlatLayout.slotBits.lowerBound
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
        throw TokenizerError(
            file: file, problem: "its merges collide in the hash table, as none of a real vocabulary do: not supported")
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
