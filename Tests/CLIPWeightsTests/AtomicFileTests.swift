import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPWeights

@Suite struct AtomicFileTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func `The file appears with its commit, and keeps the old one's permissions`() throws {
        let path = try folder.write("old", to: "out.txt")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        let file = try AtomicFile(PathBytes(path))
        try file.write(Array("new ".utf8))
        try file.write(Array("text".utf8))
        #expect(try folder.bytes("out.txt") == Array("old".utf8))
        try file.commit()
        #expect(try folder.bytes("out.txt") == Array("new text".utf8))
        #expect(try folder.contents() == ["out.txt"])
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o640)
        #expect(throws: CLIPError.self) { try file.write([1]) }
        #expect(throws: CLIPError.self) { try file.commit() }
    }

    @Test func `Dropped without a commit, nothing changes`() throws {
        let path = try folder.write("old", to: "out.txt")
        do { try AtomicFile(PathBytes(path)).write([1, 2, 3]) }
        #expect(try folder.contents() == ["out.txt"])
        #expect(try folder.bytes("out.txt") == Array("old".utf8))
    }

    @Test func `A link stays a link, its target is replaced`() throws {
        try folder.write("old", to: "real/out.txt")
        try folder.link("link.txt", to: "real/out.txt")
        let file = try AtomicFile(PathBytes(folder["link.txt"]))
        try file.write(Array("new".utf8))
        try file.commit()
        #expect(try folder.bytes("real/out.txt") == Array("new".utf8))
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: folder["link.txt"]) == "real/out.txt")
    }

    @Test func `Places that can't be written are named`() throws {
        #expect { try AtomicFile(PathBytes(folder.path)) } throws: { "\($0)".contains("is a folder") }
        #expect { try AtomicFile(PathBytes("")) } throws: { "\($0)".contains("is not a path") }
        #expect {
            try AtomicFile(PathBytes(folder["no/such/out.txt"]))
        } throws: {
            "\($0)".contains("can't be written: No such file or directory")
        }
        // Root may write anywhere: the check says something for everybody else.
        if getuid() != 0 {
            let path = try folder.write("old", to: "fixed.txt")
            try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: path)
            #expect { try AtomicFile(PathBytes(path)) } throws: { "\($0)".contains("Permission denied") }
        }
    }

    @Test func `Devices are written directly and stay devices`() throws {
        let file = try AtomicFile(PathBytes("/dev/null"))
        try file.write([1, 2, 3])
        try file.commit()
        #expect(try PathBytes("/dev/null").found(.model)?.kind == .other)
    }

    #if os(Linux)
    @Test func `A full device is an error in the system's words`() throws {
        let file = try AtomicFile(PathBytes("/dev/full"))
        #expect {
            try file.write([UInt8](repeating: 0, count: 4096))
        } throws: {
            "\($0)" == "/dev/full: can't be written: No space left on device"
        }
    }
    #endif
}
