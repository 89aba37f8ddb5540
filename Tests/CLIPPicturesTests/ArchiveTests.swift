import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPPictures

/// Files inside tar and zip archives.
@Suite struct ArchiveTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A block of a tar archive and the contents behind it.
    static func tarEntry(_ name: String, _ contents: [UInt8], type: String = "0") -> [UInt8] {
        func field(_ text: String, _ count: Int) -> [UInt8] {
            Array(text.utf8.prefix(count)) + [UInt8](repeating: 0, count: max(0, count - text.utf8.count))
        }
        func octal(_ number: Int, _ count: Int) -> [UInt8] {
            let digits = String(number, radix: 8)
            return field(String(repeating: "0", count: count - 1 - digits.count) + digits, count)
        }
        var block =
            field(name, 100) + octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(contents.count, 12) + octal(0, 12)
        block += Array("        ".utf8) + Array(type.utf8) + field("", 100) + Array("ustar\0".utf8) + Array("00".utf8)
        block += [UInt8](repeating: 0, count: 512 - block.count)
        let sum = block.reduce(0) { $0 + Int($1) }
        block.replaceSubrange(148..<156, with: octal(sum, 7) + [0x20])
        return block + contents + [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
    }

    static let end = [UInt8](repeating: 0, count: 1024)

    /// A zip archive of stored files.
    static func zip(_ files: [(name: String, contents: [UInt8])]) -> [UInt8] {
        func bytes(_ value: Int, _ size: Int) -> [UInt8] {
            (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        func joined(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { $0 } }
        var (body, directory): ([UInt8], [UInt8]) = ([], [])
        for (name, contents) in files {
            let name = Array(name.utf8)
            let shared = joined(
                bytes(0, 8), bytes(Int(CRC32.checksum(contents[...])), 4), bytes(contents.count, 4),
                bytes(contents.count, 4), bytes(name.count, 2), bytes(0, 2))
            directory += joined(
                [0x50, 0x4B, 1, 2], bytes(20, 2), bytes(20, 2), shared, bytes(0, 10), bytes(body.count, 4), name)
            body += joined([0x50, 0x4B, 3, 4], bytes(20, 2), shared, name, contents)
        }
        let count = bytes(files.count, 2)
        return joined(
            body, directory, [0x50, 0x4B, 5, 6], bytes(0, 4), count, count, bytes(directory.count, 4),
            bytes(body.count, 4), bytes(0, 2))
    }

    private func open(_ bytes: [UInt8], _ name: String) throws -> ArchiveDirectory {
        try ArchiveDirectory.of(PathBytes(folder.write(bytes, to: name)))
    }

    private func names(_ directory: ArchiveDirectory) -> [String] {
        directory.names.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `A tar archive's files are found, however long their names are`() throws {
        let long = String(repeating: "very/long/", count: 30) + "name.jpg"
        let pax = "\(long.utf8.count + 10) path=\(long)\n"
        let archive = try open(
            Self.tarEntry("a.jpg", [1, 2, 3]) + Self.tarEntry("folder/", [], type: "5")
                + Self.tarEntry("PaxHeader", Array(pax.utf8), type: "x") + Self.tarEntry("short", [4])
                + Self.tarEntry("././@LongLink", Array((long + "2\0").utf8), type: "L") + Self.tarEntry("short", [5])
                + Self.tarEntry("link", [], type: "2") + Self.tarEntry("./empty", []) + Self.end, "a.tar")
        #expect(names(archive) == ["a.jpg", long, long + "2", "empty"])
        #expect(try archive.bytes(of: Array("a.jpg".utf8)) == [1, 2, 3])
        #expect(try archive.bytes(of: Array(long.utf8)) == [4])
        #expect(try archive.bytes(of: Array((long + "2").utf8)) == [5])
        #expect(try archive.bytes(of: Array("empty".utf8)).isEmpty)
        #expect(throws: CLIPError.self) { _ = try archive.bytes(of: Array("link".utf8)) }
    }

    @Test func `A zip archive's files are found and checked`() throws {
        var bytes = Self.zip([("a.png", [1, 2, 3]), ("b/c.png", [4])])
        let archive = try open(bytes, "a.zip")
        #expect(names(archive) == ["a.png", "b/c.png"])
        #expect(try archive.bytes(of: Array("b/c.png".utf8)) == [4])
        bytes[30 + 5] ^= 1
        let damaged = try open(bytes, "damaged.zip")
        let error = #expect(throws: CLIPError.self) { _ = try damaged.bytes(of: Array("a.png".utf8)) }
        #expect(error?.message.contains("checksum") == true)
    }

    @Test func `A path inside an archive is read like a file`() throws {
        let path = try folder.write(Self.tarEntry("x/a.jpg", [7, 8]) + Self.end, to: "a.tar")
        #expect(try readPictureFile(PathBytes(path + "::x/a.jpg")) == [7, 8])
        #expect(throws: CLIPError.self) { _ = try readPictureFile(PathBytes(path + "::none")) }
        // A file of this very name comes first.
        try folder.write([9], to: "b.tar::a")
        #expect(try readPictureFile(PathBytes(folder["b.tar::a"])) == [9])
        // What was written since is seen.
        try folder.write(Self.tarEntry("x/a.jpg", [7, 8, 9]) + Self.end + Self.end, to: "a.tar")
        #expect(try readPictureFile(PathBytes(path + "::x/a.jpg")) == [7, 8, 9])
    }

    @Test func `Damaged archives are refused or read`() throws {
        var random = SeededGenerator(seed: 9)
        let tar =
            Self.tarEntry("a.jpg", [1, 2, 3]) + Self.tarEntry("PaxHeader", Array("12 path=ab\n".utf8), type: "x")
            + Self.tarEntry("b", random.bytes(700)) + Self.end
        for (name, whole) in [("a.tar", tar), ("a.zip", Self.zip([("a.png", [1, 2, 3]), ("b", random.bytes(90))]))] {
            for _ in 0..<400 {
                guard let archive = try? open(random.damaged(whole), name) else { continue }
                for name in archive.names { _ = try? archive.bytes(of: name, limit: 1 << 20) }
            }
        }
    }

    @Test func `What is compressed as a whole is refused with what to do`() throws {
        let error = #expect(throws: CLIPError.self) { _ = try open([0x1F, 0x8B, 8] + Self.end, "a.tar") }
        #expect(error?.message.contains("decompress it once") == true)
    }
}
