/// The ids of pieces by their bytes. Pieces that Swift's strings call equal, such as é in one scalar and in two, differ.
struct PieceIndex {
    private(set) var count = 0
    private var bytes: [UInt8] = []
    /// Where each piece is, in the order in which they came.
    private var entries: [(start: Int, count: Int, id: UInt32)] = []
    private var slots = [Int32](repeating: -1, count: 1024)
    // A seed of this run, so that no file can be made to collide.
    private let seed = UInt64.random(in: .min ... .max) | 1

    /// The highest id + 1.
    private(set) var end = 0

    /// Sets the id of a piece; of a piece that comes twice the last id counts.
    mutating func insert(_ piece: some Collection<UInt8>, id: UInt32) {
        if let entry = entry(of: piece) {
            entries[entry].id = id
        } else {
            if 2 * (entries.count + 1) > slots.count { grow() }
            slots[freeSlot(hash(piece))] = Int32(entries.count)
            entries.append((bytes.count, piece.count, id))
            bytes.append(contentsOf: piece)
            count += 1
        }
        end = max(end, Int(id) + 1)
    }

    subscript(_ piece: some Collection<UInt8>) -> UInt32? { entry(of: piece).map { entries[$0].id } }

    func forEach(_ body: (ArraySlice<UInt8>, UInt32) -> Void) {
        for entry in entries { body(bytes[entry.start..<entry.start + entry.count], entry.id) }
    }

    private func entry(of piece: some Collection<UInt8>) -> Int? {
        var slot = hash(piece) & (slots.count - 1)
        while slots[slot] >= 0 {
            let entry = entries[Int(slots[slot])]
            if bytes[entry.start..<entry.start + entry.count].elementsEqual(piece) { return Int(slots[slot]) }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: 2 * slots.count)
        for (index, entry) in entries.enumerated() {
            slots[freeSlot(hash(bytes[entry.start..<entry.start + entry.count]))] = Int32(index)
        }
    }

    private func freeSlot(_ hash: Int) -> Int {
        var slot = hash & (slots.count - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    private func hash(_ piece: some Collection<UInt8>) -> Int {
        var hash = seed
        for byte in piece {
            hash = (hash ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        return Int(truncatingIfNeeded: (hash &* seed) >> 16)
    }
}
