/// Finds entries of an index by a key that the index itself holds: open addressing, 4 bytes a slot, at most three
/// quarters full. The keys stay where they are mapped.
struct OrdinalTable {
    private var slots: [UInt32]
    private var count = 0

    init(capacity: Int) {
        slots = [UInt32](repeating: .max, count: OrdinalTable.slotCount(capacity))
    }

    /// The first entry with the hash `hash` that `matches`.
    func find(_ hash: UInt64, where matches: (Int) -> Bool) -> Int? {
        var slot = start(hash)
        while slots[slot] != .max {
            if matches(Int(slots[slot])) { return Int(slots[slot]) }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// - Precondition: no more are inserted than `capacity`, each below 2³² − 1.
    mutating func insert(_ ordinal: Int, hash: UInt64) {
        var slot = start(hash)
        while slots[slot] != .max { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt32(ordinal)
        count += 1
        precondition(count < slots.count)
    }

    private func start(_ hash: UInt64) -> Int {
        // The high bits of a product depend on all bits of the hash (Knuth's multiplicative hashing).
        Int(truncatingIfNeeded: (hash &* 0x9E37_79B9_7F4A_7C15) >> 20) & (slots.count - 1)
    }

    private static func slotCount(_ capacity: Int) -> Int {
        var count = 16
        while count < capacity + capacity / 3 + 1 { count *= 2 }
        return count
    }
}

/// FNV-1a (Fowler, Noll and Vo), 64 bits.
func nameHash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
