package import CLIPSystem
import Synchronization

/// The files inside an archive, tar or zip: where each lies. Their contents are read when they are wanted.
package final class ArchiveDirectory: Sendable {
    /// What stands between an archive's path and the name of a file inside: `shard.tar::000123.jpg`.
    package static let separator = Array("::".utf8)
    /// What the names of archives end in, lower-case.
    package static let fileExtensions: Set<String> = ["tar", "zip"]
    /// More files are in no archive that is read: their names are kept in memory.
    static let mostMembers = 20_000_000
    /// The most bytes that a file inside may have, as with other files.
    static let longestMember = 1 << 31

    /// Where a file inside lies.
    struct Member {
        /// Of its contents; in a zip of what stands before them.
        let offset: Int
        /// Bytes in the archive.
        let storedCount: Int
        /// Bytes once it is decompressed.
        let byteCount: Int
        var storage = Storage.asItIs
    }

    enum Storage: Equatable {
        case asItIs
        /// In a zip: contents behind a header of their own, as they are or deflated.
        case zip(isDeflated: Bool, checksum: UInt32)
        /// In a zip by means that aren't read: in words.
        case unread(String)
    }

    private let path: PathBytes
    private let file: OpenFile
    /// The names of the files inside, in the archive's order.
    package let names: [[UInt8]]
    private let members: [[UInt8]: Member]

    private init(_ path: PathBytes) throws(CLIPError) {
        self.path = path
        file = try OpenFile(path, kind: .picture)
        var list = MemberList(byteCount: file.byteCount)
        let beginning = try file.read(at: 0, count: TarHeader.byteCount)
        if TarHeader.begins(beginning) {
            try list.readTar(file)
        } else if beginning.starts(with: [0x50, 0x4B]) {
            try list.readZip(file)
        } else if beginning.starts(with: [0x1F, 0x8B]) || beginning.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
            throw file.failure("is a compressed archive: decompress it once, tar files are read as they are")
        } else {
            throw file.failure("is neither a tar nor a zip archive")
        }
        (names, members) = (list.names, list.members)
    }

    /// Whether a path leads to a file that is named as archives are.
    package static func isArchive(_ path: PathBytes) -> Bool {
        fileExtension(of: path.name).map { fileExtensions.contains($0) } ?? false && path.kind == .file
    }

    /// The archive and the name inside that a path such as `shard.tar::000123.jpg` means; nil for another one.
    package static func parts(of path: PathBytes) -> (archive: PathBytes, name: [UInt8])? {
        var start = 0
        while let place = path.bytes[start...].firstIndex(of: separator[0]) {
            start = place + 1
            guard place > 0, path.bytes[place...].starts(with: separator), place + 2 < path.bytes.count else {
                continue
            }
            return (PathBytes(Array(path.bytes[..<place])), Array(path.bytes[(place + 2)...]))
        }
        return nil
    }

    /// The path that a file inside is called by.
    package func path(of name: [UInt8]) -> PathBytes { PathBytes(path.bytes + ArchiveDirectory.separator + name) }

    /// Whether a file of this name is inside.
    package func contains(_ name: [UInt8]) -> Bool { members[name] != nil }

    /// The contents of a file inside.
    /// - Throws: `CLIPError` of kind `.picture` when there is none of this name, it is damaged, or has more bytes than `limit`.
    package func bytes(of name: [UInt8], limit: Int = longestMember) throws(CLIPError) -> [UInt8] {
        guard let member = members[name] else {
            throw CLIPError(.picture, "isn't in the archive, which holds \(names.count) files")
        }
        guard member.byteCount <= limit else {
            throw .unreadable("holds more than \(limit) bytes, the most that is read")
        }
        switch member.storage {
        case .asItIs: return try whole(at: member.offset, member.byteCount)
        case .unread(let how):
            throw .unreadable("is \(how) in the archive, expected stored or deflated: unpack it first")
        case .zip(let isDeflated, let checksum):
            // Before the contents stand a name and more, of lengths that may be others than in the directory.
            let header = try whole(at: member.offset, 30)
            guard header.starts(with: [0x50, 0x4B, 3, 4]) else {
                throw broken("no file begins at byte \(member.offset)")
            }
            let start =
                member.offset + 30 + Int(header[26]) + Int(header[27]) << 8 + Int(header[28]) + Int(header[29]) << 8
            let stored = try whole(at: start, member.storedCount)
            let bytes = isDeflated ? try inflated(stored, member.byteCount) : stored
            guard CRC32.checksum(bytes[...]) == checksum else { throw broken("its checksum is wrong") }
            return bytes
        }
    }

    private func whole(at offset: Int, _ count: Int) throws(CLIPError) -> [UInt8] {
        let bytes = try file.read(at: offset, count: count)
        guard bytes.count == count else { throw broken("the archive ends inside it") }
        return bytes
    }

    private func inflated(_ stored: [UInt8], _ byteCount: Int) throws(CLIPError) -> [UInt8] {
        // Nothing deflates further than this: what claims to has no room made for it.
        guard byteCount / 1100 <= stored.count else { throw broken("it claims to be larger than it can be") }
        var output = [UInt8](repeating: 0, count: byteCount + Inflater.slack)
        var written = 0
        var inflater = Inflater(position: 0)
        let fault: StreamFault? = stored.withUnsafeBufferPointer { stored in
            output.withUnsafeMutableBufferPointer { output in
                do throws(StreamFault) {
                    try inflater.inflate(stored, into: output, written: &written)
                    return nil
                } catch {
                    return error
                }
            }
        }
        guard fault == nil, written == byteCount else { throw broken("its compressed data are damaged") }
        output.removeLast(Inflater.slack)
        return output
    }

    private func broken(_ problem: String) -> CLIPError { CLIPError(.picture, "broken archive: \(problem)") }

    // MARK: Directories that were read before

    /// The directory of the archive at a path: that of the last call, if it is the same archive still.
    package static func of(_ path: PathBytes) throws(CLIPError) -> ArchiveDirectory {
        let status = try? path.status()
        let last = recent.withLock { recent in recent.first { $0.directory.path == path && $0.status == status } }
        if let last, status != nil { return last.directory }
        let directory = try ArchiveDirectory(path)
        if let status {
            recent.withLock { recent in
                recent.removeAll { $0.directory.path == path }
                recent.append((status, directory))
                if recent.count > 4 { recent.removeFirst() }
            }
        }
        return directory
    }

    private static let recent = Mutex<[(status: FileStatus, directory: ArchiveDirectory)]>([])
}

/// What stands in an archive, in the making.
struct MemberList {
    private let byteCount: Int
    private(set) var names: [[UInt8]] = []
    private(set) var members: [[UInt8]: ArchiveDirectory.Member] = [:]

    init(byteCount: Int) { self.byteCount = byteCount }

    /// Of several files of one name the last counts, as for those who unpack them.
    private mutating func add(_ name: [UInt8], _ member: ArchiveDirectory.Member) -> Bool {
        // As `tar -C folder .` writes them.
        let name = name.starts(with: "./".utf8) ? Array(name.dropFirst(2)) : name
        if members.updateValue(member, forKey: name) == nil { names.append(name) }
        return names.count <= ArchiveDirectory.mostMembers
    }

    /// POSIX tar (ustar, pax) and GNU's.
    mutating func readTar(_ file: OpenFile) throws(CLIPError) {
        var place = 0
        var longName: [UInt8]?
        var size: Int?
        func cutShort(_ place: Int) -> CLIPError {
            file.failure("is cut short or no tar archive from byte \(place) on")
        }
        while place < byteCount {
            let block = try file.read(at: place, count: TarHeader.byteCount)
            if block.allSatisfy({ $0 == 0 }) { return }
            guard let header = TarHeader(block) else { throw cutShort(place) }
            let start = place + TarHeader.byteCount
            let count = size ?? header.byteCount
            let (end, overflow) = start.addingReportingOverflow(count)
            guard !overflow, end <= byteCount else { throw cutShort(place) }
            switch header.kind {
            case .pax:
                let fields = PaxFields(try file.read(at: start, count: min(count, 1 << 20)))
                (longName, size) = (fields.path ?? longName, fields.size)
            case .longName: longName = Array(try file.read(at: start, count: min(count, 1 << 16)).prefix { $0 != 0 })
            case .file:
                let name = longName ?? header.name
                if !name.isEmpty {
                    let member = ArchiveDirectory.Member(offset: start, storedCount: count, byteCount: count)
                    guard add(name, member) else { throw file.failure("holds too many files") }
                }
                (longName, size) = (nil, nil)
            case .other: (longName, size) = (nil, nil)
            }
            place = (end + TarHeader.byteCount - 1) / TarHeader.byteCount * TarHeader.byteCount
        }
    }

    /// PKWARE's APPNOTE, with its 64-bit fields.
    mutating func readZip(_ file: OpenFile) throws(CLIPError) {
        let fault = file.failure("is a damaged zip archive, or a part of one")
        // The end record stands last, behind it at most a comment.
        let tailStart = max(0, byteCount - 65557 - 20)
        let tail = try file.read(at: tailStart, count: byteCount - tailStart)
        guard let end = tail.indices.reversed().first(where: { tail[$0...].starts(with: [0x50, 0x4B, 5, 6]) }),
            tail.count - end >= 22
        else { throw fault }
        func number(_ bytes: [UInt8], _ place: Int, _ size: Int) -> Int {
            (0..<size).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
        }
        var (count, start) = (number(tail, end + 12, 4), number(tail, end + 16, 4))
        if end >= 20, tail[(end - 20)...].starts(with: [0x50, 0x4B, 6, 7]) {
            let place = number(tail, end - 12, 7)
            let record = try file.read(at: place, count: 56)
            guard record.count == 56, record.starts(with: [0x50, 0x4B, 6, 6]) else { throw fault }
            (count, start) = (number(record, 40, 7), number(record, 48, 7))
        }
        guard start >= 0, count >= 0, start <= byteCount, count <= byteCount - start else { throw fault }
        let directory = try file.read(at: start, count: count)
        guard directory.count == count else { throw fault }
        var place = 0
        while place + 46 <= count, directory[place...].starts(with: [0x50, 0x4B, 1, 2]) {
            let (flags, method) = (number(directory, place + 8, 2), number(directory, place + 10, 2))
            let checksum = UInt32(number(directory, place + 16, 4))
            var sizes = [
                number(directory, place + 24, 4), number(directory, place + 20, 4), number(directory, place + 42, 4),
            ]
            let nameEnd = place + 46 + number(directory, place + 28, 2)
            let extraEnd = nameEnd + number(directory, place + 30, 2)
            let next = extraEnd + number(directory, place + 32, 2)
            guard next <= count else { throw fault }
            let name = Array(directory[(place + 46)..<nameEnd])
            // Sizes that four bytes can't say stand in an extra field, in this order, those alone.
            var extra = nameEnd
            while extra + 4 <= extraEnd {
                let length = number(directory, extra + 2, 2)
                if number(directory, extra, 2) == 1 {
                    var value = extra + 4
                    for index in 0..<3
                    where sizes[index] == 0xFFFF_FFFF && value + 8 <= min(extra + 4 + length, extraEnd) {
                        sizes[index] = number(directory, value, 7)
                        value += 8
                    }
                }
                extra += 4 + length
            }
            place = next
            guard name.last != UInt8(ascii: "/") else { continue }
            guard sizes[2] <= byteCount, sizes[1] <= byteCount - sizes[2] else { throw fault }
            let storage: ArchiveDirectory.Storage =
                if flags & 1 != 0 {
                    .unread("encrypted")
                } else if method == 0 && sizes[0] == sizes[1] || method == 8 {
                    .zip(isDeflated: method == 8, checksum: checksum)
                } else {
                    .unread("compressed by method \(method)")
                }
            let member = ArchiveDirectory.Member(
                offset: sizes[2], storedCount: sizes[1], byteCount: sizes[0], storage: storage)
            guard add(name, member) else { throw file.failure("holds too many files") }
        }
        guard place == count else { throw fault }
    }
}

/// A block of a tar archive that says what comes next (POSIX.1-2017, pax).
struct TarHeader {
    static let byteCount = 512

    enum Kind {
        case file, pax, longName, other
    }

    let name: [UInt8]
    let kind: Kind
    /// Of the contents.
    let byteCount: Int

    /// Whether a file begins as an archive does.
    static func begins(_ block: [UInt8]) -> Bool { TarHeader(block) != nil }

    /// - Returns: nil for a block that is none, by its checksum.
    init?(_ block: [UInt8]) {
        guard block.count == TarHeader.byteCount, let sum = TarHeader.number(block[148..<156]) else { return nil }
        // The checksum counts its own place as blanks.
        let own = block.indices.reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int(block[$1])) }
        guard own == sum, let size = TarHeader.number(block[124..<136]) else { return nil }
        func text(_ range: Range<Int>) -> [UInt8] { Array(block[range].prefix { $0 != 0 }) }
        let prefix = block[257..<263].elementsEqual("ustar\0".utf8) ? text(345..<500) : []
        name = prefix.isEmpty ? text(0..<100) : prefix + [UInt8(ascii: "/")] + text(0..<100)
        switch block[156] {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): kind = .file
        case UInt8(ascii: "x"): kind = .pax
        case UInt8(ascii: "L"): kind = .longName
        default: kind = .other
        }
        // Links and folders have no contents, whatever their size says.
        byteCount = (UInt8(ascii: "1")...UInt8(ascii: "6")).contains(block[156]) ? 0 : size
    }

    /// Octal digits, or a binary number where they don't suffice; nil for what is neither.
    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        if field.first == 0x80 {
            guard field.dropFirst().dropLast(7).allSatisfy({ $0 == 0 }) else { return nil }
            return field.suffix(7).reduce(0) { $0 << 8 | Int($1) }
        }
        let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 << 3 | Int($1 - UInt8(ascii: "0")) }
    }
}

/// What a pax header says of the next file: lines such as `28 path=a longer name\n`, each with its length before it.
private struct PaxFields {
    var path: [UInt8]?
    var size: Int?

    init(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while let blank = rest.firstIndex(of: UInt8(ascii: " ")),
            let length = Int(String(decoding: rest[..<blank].prefix(9), as: UTF8.self)),
            length > blank + 1 - rest.startIndex, length <= rest.count
        {
            let line = rest[(blank + 1)..<(rest.startIndex + length - 1)]
            rest = rest[(rest.startIndex + length)...]
            guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let value = Array(line[(equals + 1)...])
            switch String(decoding: line[..<equals], as: UTF8.self) {
            case "path": path = value
            case "size": size = Int(String(decoding: value, as: UTF8.self)).flatMap { $0 >= 0 ? $0 : nil }
            default: continue
            }
        }
    }
}
