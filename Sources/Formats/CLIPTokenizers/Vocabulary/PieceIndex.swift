internal import CLIPSystem

/// The ids of pieces by their bytes. Pieces that Swift's strings call equal, such as é in one scalar and in two, differ.
struct PieceIndex {
    /// A piece in `bytes`.
    private struct Entry {
        var start: UInt32
        var count: UInt32
        var id: UInt32
    }

    /// All pieces, one after another.
    private(set) var bytes: [UInt8] = []
    private var entries: [Entry] = []
    /// Of each entry that is found by its hash, that and its place in `entries`, counted from 1; 0 is free.
    private var slots = [UInt64](repeating: 0, count: 1024)
    private var hashedCount = 0
    // A seed of this run, so that no file can be made to collide.
    private let seed = UInt64.random(in: .min ... .max) | 1

    /// The highest id + 1.
    private(set) var end = 0

    var count: Int { entries.count }

    /// Sets the id of a piece; of a piece that comes twice the last id counts.
    mutating func insert(_ piece: some Collection<UInt8>, id: UInt32) {
        piece.withBytes { piece in
            let hash = hash(piece)
            if let entry = entry(of: piece, hash) {
                entries[entry].id = id
            } else {
                add(piece, id)
                putIntoSlot(entries.count - 1, hash)
            }
        }
        end = max(end, Int(id) + 1)
    }

    /// Adds one of many pieces, few of which will be asked for: those that begin as special tokens do, with a sign of
    /// ASCII, are found by their hash, the others one by one.
    mutating func append(_ piece: some Collection<UInt8>, id: UInt32) {
        piece.withBytes { piece in
            add(piece, id)
            if PieceIndex.isHashed(piece.first ?? 0) { putIntoSlot(entries.count - 1, hash(piece)) }
        }
        end = max(end, Int(id) + 1)
    }

    /// Makes all that were appended as quick to find as others.
    mutating func hashAll() {
        guard hashedCount < entries.count else { return }
        hashedCount = 0
        slots = [UInt64](repeating: 0, count: 1024)
        for (place, entry) in entries.enumerated() {
            let piece = bytes[Int(entry.start)..<Int(entry.start + entry.count)]
            putIntoSlot(place, piece.withBytes(hash))
        }
    }

    subscript(_ piece: some Collection<UInt8>) -> UInt32? {
        piece.withBytes { piece in
            guard hashedCount == entries.count || PieceIndex.isHashed(piece.first ?? 0) else {
                return entries.last { isPiece($0, piece) }?.id
            }
            return entry(of: piece, hash(piece)).map { entries[$0].id }
        }
    }

    /// The id of a piece that probably stands at a place in the order in which they came, or right after it.
    func id(of piece: some Collection<UInt8>, near place: inout Int) -> UInt32? {
        piece.withBytes { piece in
            for next in place..<min(place + 2, entries.count) where isPiece(entries[next], piece) {
                place = next
                return entries[next].id
            }
            guard let found = entry(of: piece, hash(piece)) else { return nil }
            place = found
            return entries[found].id
        }
    }

    func forEach(_ body: (Range<Int>, UInt32) -> Void) {
        for entry in entries { body(Int(entry.start)..<Int(entry.start + entry.count), entry.id) }
    }

    /// Makes room for `count` pieces, so that none has to find a new place later.
    mutating func reserve(_ count: Int) {
        entries.reserveCapacity(count)
        bytes.reserveCapacity(12 * count)
    }

    private static func isHashed(_ first: UInt8) -> Bool {
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), 0x80...:
            false
        default: true
        }
    }

    private mutating func add(_ piece: UnsafeBufferPointer<UInt8>, _ id: UInt32) {
        entries.append(
            Entry(
                start: UInt32(truncatingIfNeeded: bytes.count), count: UInt32(truncatingIfNeeded: piece.count), id: id))
        bytes.append(contentsOf: piece)
    }

    private mutating func putIntoSlot(_ place: Int, _ hash: UInt32) {
        hashedCount += 1
        if 2 * hashedCount > slots.count { grow() }
        slots[freeSlot(hash)] = UInt64(hash) << 32 | UInt64(place + 1)
    }

    private func isPiece(_ entry: Entry, _ piece: UnsafeBufferPointer<UInt8>) -> Bool {
        guard entry.count == piece.count else { return false }
        return bytes.withUnsafeBufferPointer { bytes in
            guard let ours = bytes.baseAddress, let theirs = piece.baseAddress else { return true }
            return memcmp(ours + Int(entry.start), theirs, piece.count) == 0
        }
    }

    /// The last entry that is this piece.
    private func entry(of piece: UnsafeBufferPointer<UInt8>, _ hash: UInt32) -> Int? {
        slots.withUnsafeBufferPointer { slots in
            var slot = Int(hash) & (slots.count - 1)
            var found: Int?
            while slots[slot] != 0 {
                if slots[slot] >> 32 == hash, case let index = Int(slots[slot] & 0xFFFF_FFFF) - 1,
                    isPiece(entries[index], piece)
                {
                    found = max(found ?? 0, index)
                }
                slot = (slot + 1) & (slots.count - 1)
            }
            return found
        }
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

    /// Eight bytes at a time.
    private func hash(_ piece: UnsafeBufferPointer<UInt8>) -> UInt32 {
        let bytes = UnsafeRawBufferPointer(piece)
        var hash = seed ^ UInt64(bytes.count)
        func mix(_ word: UInt64) {
            let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            hash = product.high ^ product.low
        }
        var place = 0
        while place + 8 <= bytes.count {
            mix(bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            place += 8
        }
        var rest: UInt64 = 0
        while place < bytes.count {
            rest = rest << 8 | UInt64(bytes[place])
            place += 1
        }
        mix(rest)
        return UInt32(truncatingIfNeeded: (hash &* seed) >> 16)
    }
}

extension Collection<UInt8> {
    /// The bytes where they lie, or of a copy.
    @inline(__always)
    fileprivate func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        withContiguousStorageIfAvailable(body) ?? Array(self).withUnsafeBufferPointer(body)
    }
}

/// The pieces of a vocabulary by their ids, in one piece of memory.
struct PieceList {
    private(set) var bytes: [UInt8] = []
    /// Where each piece is; its count is -1 where the vocabulary has a hole.
    private var places: [(start: UInt32, count: Int32)] = []

    init() {}

    init(_ index: PieceIndex, count: Int) {
        bytes = index.bytes
        places = Array(repeating: (0, -1), count: count)
        places.withUnsafeMutableBufferPointer { places in
            index.forEach { range, id in
                places[Int(id)] = (
                    UInt32(truncatingIfNeeded: range.lowerBound), Int32(truncatingIfNeeded: range.count)
                )
            }
        }
    }

    var count: Int { places.count }

    /// Adds holes up to a count.
    mutating func grow(to count: Int) {
        if count > places.count { places += Array(repeating: (0, -1), count: count - places.count) }
    }

    mutating func append(_ piece: some Collection<UInt8>) {
        places.append((UInt32(truncatingIfNeeded: bytes.count), Int32(truncatingIfNeeded: piece.count)))
        bytes.append(contentsOf: piece)
    }

    /// Where in `bytes` a piece is; nil where the vocabulary has a hole.
    func range(_ id: Int) -> Range<Int>? {
        let place = places[id]
        return place.count < 0 ? nil : Int(place.start)..<Int(place.start) + Int(place.count)
    }

    /// A piece; nil where the vocabulary has a hole.
    subscript(_ id: Int) -> ArraySlice<UInt8>? { range(id).map { bytes[$0] } }

    /// Fills a hole.
    mutating func set(_ id: Int, _ piece: [UInt8]) {
        places[id] = (UInt32(truncatingIfNeeded: bytes.count), Int32(truncatingIfNeeded: piece.count))
        bytes += piece
    }
}
