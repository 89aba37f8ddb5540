/// Finds the entries of an index by name.
struct IndexNames {
    let file: IndexFile
    private var table: OrdinalTable

    init(_ file: IndexFile) {
        self.file = file
        table = OrdinalTable(capacity: file.live.vectorCount + file.live.failureCount)
        for segment in file.segments {
            for entry in segment.entries where file.live.contains(entry) {
                if let hash = file.withName(entry, { nameHash($0) }) { table.insert(entry, hash: hash) }
            }
        }
    }

    /// The entry that holds for `name`.
    func find(_ name: [UInt8]) -> Int? {
        table.find(nameHash(name)) { file.withName($0) { $0.elementsEqual(name) } ?? false }
    }
}

/// Finds the entries of an index by the contents of their files.
struct IndexContents: Sendable {
    private let file: IndexFile
    private var table: OrdinalTable

    init(_ file: IndexFile) {
        self.file = file
        table = OrdinalTable(capacity: file.live.vectorCount)
        for segment in file.segments {
            for entry in segment.entries.prefix(segment.header.vectorCount) where file.live.contains(entry) {
                table.insert(entry, hash: file.contentHash(entry).prefix)
            }
        }
    }

    /// An intact entry of a file with these contents.
    func find(_ hash: ContentHash) -> Int? {
        table.find(hash.prefix) { entry in
            guard file.contentHash(entry) == hash, let record = file.record(entry) else { return false }
            return CRC32C.checksum(file.vectorBytes(entry)) == record.vectorChecksum
        }
    }
}
