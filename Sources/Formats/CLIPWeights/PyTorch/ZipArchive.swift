/// The entries of a zip archive, which are used where they lie: all that `torch.save` stores is uncompressed.
///
/// Layout: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to 4.3.16 (its end,
/// with the 64-bit forms).
struct ZipArchive: Sendable {
    struct Entry: Sendable {
        let method: UInt16
        let isEncrypted: Bool
        /// Where the local header is; the data follows it.
        let header: Int
        let storedCount: Int
        let count: Int
    }

    static let signature: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

    let file: MappedFile
    let entries: [String: Entry]

    /// Reads the central directory.
    /// - Throws: if there is none, or it is damaged.
    init(_ file: MappedFile) throws(WeightsError) {
        self.file = file
        let directory = try ZipArchive.directory(of: file)
        var cursor = ByteCursor(
            UnsafeRawBufferPointer(rebasing: file.bytes[directory]), path: file.path, part: "zip directory")
        var entries: [String: Entry] = [:]
        while cursor.remaining >= 4, try cursor.integer(UInt32.self) == 0x0201_4B50 {
            let (name, entry) = try ZipArchive.entry(&cursor)
            guard entries.updateValue(entry, forKey: name) == nil else {
                throw cursor.fault("the entry \(quoted(name)) is there twice")
            }
        }
        self.entries = entries
    }

    /// The bytes of the entry `name`, as a range of the file; nil if there is no such entry.
    /// - Throws: if it is compressed, encrypted, or not inside the file.
    func range(of name: String) throws(WeightsError) -> Range<Int>? {
        guard let entry = entries[name] else { return nil }
        guard entry.method == 0, !entry.isEncrypted, entry.storedCount == entry.count else {
            throw WeightsError(
                path: file.path,
                problem: "entry \(quoted(name)) is \(entry.isEncrypted ? "encrypted" : "compressed"): torch.save "
                    + "stores entries as they are, unpack the archive and pack it again without compression")
        }
        guard entry.header <= file.bytes.count - 30 else { throw misplaced(name) }
        var cursor = ByteCursor(file.bytes, at: entry.header, path: file.path, part: "zip entry")
        guard try cursor.integer(UInt32.self) == 0x0403_4B50 else { throw misplaced(name) }
        _ = try cursor.slice(22)
        let skipped = Int(try cursor.integer(UInt16.self)) + Int(try cursor.integer(UInt16.self))
        _ = try cursor.slice(skipped)
        let start = cursor.position
        guard entry.count <= file.bytes.count - start else { throw misplaced(name) }
        return start..<start + entry.count
    }

    private func misplaced(_ name: String) -> WeightsError {
        WeightsError(
            path: file.path,
            problem:
                "entry \(quoted(name)) doesn't lie where the zip directory says: the file is damaged, fetch it again")
    }

    private static func entry(_ cursor: inout ByteCursor) throws(WeightsError) -> (String, Entry) {
        _ = try cursor.slice(4)
        let flags = try cursor.integer(UInt16.self)
        let method = try cursor.integer(UInt16.self)
        _ = try cursor.slice(8)
        var storedCount = try cursor.count(UInt32.self)
        var count = try cursor.count(UInt32.self)
        let nameCount = try cursor.count(UInt16.self)
        let extraCount = try cursor.count(UInt16.self)
        let commentCount = try cursor.count(UInt16.self)
        _ = try cursor.slice(8)
        var header = try cursor.count(UInt32.self)
        let name = try cursor.text(nameCount)
        var extra = ByteCursor(try cursor.slice(extraCount), path: cursor.path, part: "zip directory")
        while extra.remaining >= 4 {
            let identifier = try extra.integer(UInt16.self)
            var field = ByteCursor(
                try extra.slice(extra.count(UInt16.self)), path: cursor.path, part: "zip directory")
            guard identifier == 1 else { continue }
            // The 64-bit numbers are there only for those that 32 bits can't hold, in this order.
            if count == 0xFFFF_FFFF { count = try field.count(UInt64.self) }
            if storedCount == 0xFFFF_FFFF { storedCount = try field.count(UInt64.self) }
            if header == 0xFFFF_FFFF { header = try field.count(UInt64.self) }
        }
        _ = try cursor.slice(commentCount)
        return (
            name,
            Entry(
                method: method, isEncrypted: flags & 1 == 1, header: header, storedCount: storedCount, count: count)
        )
    }

    /// Where the central directory lies: its end record stands at the end of the file, before a comment of up to 64 KiB.
    private static func directory(of file: MappedFile) throws(WeightsError) -> Range<Int> {
        let bytes = file.bytes
        let first = max(0, bytes.count - 22 - 0xFFFF)
        let end = stride(from: bytes.count - 22, through: first, by: -1).first {
            bytes[$0] == 0x50 && bytes[$0 + 1] == 0x4B && bytes[$0 + 2] == 0x05 && bytes[$0 + 3] == 0x06
        }
        guard let end else {
            throw WeightsError(
                path: file.path,
                problem: "is a zip archive without its end: the download is incomplete, fetch it again")
        }
        var cursor = ByteCursor(bytes, at: end + 12, path: file.path, part: "zip end")
        var count = try cursor.count(UInt32.self)
        var offset = try cursor.count(UInt32.self)
        if end >= 20 {
            var locator = ByteCursor(bytes, at: end - 20, path: file.path, part: "zip end")
            if try locator.integer(UInt32.self) == 0x0706_4B50 {
                _ = try locator.slice(4)
                let place = try locator.count(UInt64.self)
                guard place < end else { throw locator.fault("the 64-bit end at \(place) lies outside the file") }
                var wide = ByteCursor(bytes, at: place, path: file.path, part: "zip end")
                guard try wide.integer(UInt32.self) == 0x0606_4B50 else {
                    throw wide.fault("no 64-bit end where its locator says")
                }
                _ = try wide.slice(36)
                count = try wide.count(UInt64.self)
                offset = try wide.count(UInt64.self)
            }
        }
        guard offset <= bytes.count, count <= bytes.count - offset else {
            throw cursor.fault("a directory of \(count) bytes at \(offset) is not inside the file: fetch it again")
        }
        return offset..<offset + count
    }
}
