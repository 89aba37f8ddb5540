/// How pairs of tokens find their slot: a multiplication, whose factor can be changed if a vocabulary collides with it.
enum MergeHash {
    static let attempts = 8
    private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

    static func key(_ left: UInt32, _ right: UInt32) -> UInt64 { UInt64(left) << 21 | UInt64(right) }

    static func multiplier(attempt: Int) -> UInt64 { factor &* UInt64(2 * attempt + 1) }
}

/// The merges as a hash table in flat memory, whose sizes were checked.
struct MergeTable {
    static let empty = UInt64.max
    static let noRank = UInt32.max
    static let rankBits: UInt64 = 22
    static let rankMask: UInt64 = 1 << rankBits - 1

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

    /// The token that the merge of this rank makes. The rank must come from `rank`.
    @inline(__always)
    func result(_ rank: UInt32) -> UInt32 {
        UInt32(littleEndian: results.loadUnaligned(fromByteOffset: 4 &* Int(rank), as: UInt32.self))
    }
}
