/// The ids of pieces by their bytes. Pieces that Swift's strings call equal, such as é in one scalar and in two, differ.
struct PieceIndex {
    private(set) var count = 0
    private var bytes: [UInt8] = []
    /// Where each piece is, in the order in which they came.
    private var entries: [(start: Int, count: Int, id: UInt32)] = []
    /// Of each entry its hash and its place in `entries`, counted from 1; 0 is free.
    private var slots = [UInt64](repeating: 0, count: 1024)
    // A seed of this run, so that no file can be made to collide.
    private let seed = UInt64.random(in: .min ... .max) | 1

    /// The highest id + 1.
    private(set) var end = 0

    /// Sets the id of a piece; of a piece that comes twice the last id counts.
    mutating func insert(_ piece: some Collection<UInt8>, id: UInt32) {
        let hash = hash(piece)
        if let entry = entry(of: piece, hash) {
            entries[entry].id = id
        } else {
            if 2 * (entries.count + 1) > slots.count { grow() }
            entries.append((bytes.count, piece.count, id))
            bytes.append(contentsOf: piece)
            count += 1
            slots[freeSlot(hash)] = UInt64(hash) << 32 | UInt64(entries.count)
        }
        end = max(end, Int(id) + 1)
    }

    subscript(_ piece: some Collection<UInt8>) -> UInt32? { entry(of: piece, hash(piece)).map { entries[$0].id } }

    func forEach(_ body: (ArraySlice<UInt8>, UInt32) -> Void) {
        for entry in entries { body(bytes[entry.start..<entry.start + entry.count], entry.id) }
    }

    private func entry(of piece: some Collection<UInt8>, _ hash: UInt32) -> Int? {
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot] != 0 {
            if slots[slot] >> 32 == hash, case let index = Int(slots[slot] & 0xFFFF_FFFF) - 1 {
                let entry = entries[index]
                if entry.count == piece.count, bytes[entry.start..<entry.start + entry.count].elementsEqual(piece) {
                    return index
                }
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Makes room for `count` pieces, so that none has to find a new place later.
    mutating func reserve(_ count: Int) {
        entries.reserveCapacity(count)
        bytes.reserveCapacity(12 * count)
        while slots.count < 2 * count { grow() }
    }

    private mutating func grow() {
        let old = slots
        slots = [UInt64](repeating: 0, count: 2 * old.count)
        for slot in old where slot != 0 { slots[freeSlot(UInt32(slot >> 32))] = slot }
    }

    private func freeSlot(_ hash: UInt32) -> Int {
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    private func hash(_ piece: some Collection<UInt8>) -> UInt32 {
        var hash = seed
        for byte in piece {
            hash = (hash ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        return UInt32(truncatingIfNeeded: (hash &* seed) >> 16)
    }
}
