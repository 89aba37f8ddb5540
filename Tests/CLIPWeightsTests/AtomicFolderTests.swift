import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPWeights

@Suite struct AtomicFolderTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func write(_ text: String, _ name: String, in target: AtomicFolder) throws {
        let file = try AtomicFile(target.temporaryPath(of: name))
        try file.write(Array(text.utf8))
        try file.commit()
    }

    @Test func `A folder appears with all its files`() throws {
        let target = try AtomicFolder(PathBytes(folder["out/"]))
        try write("1", "a", in: target)
        try write("2", "b", in: target)
        #expect(try folder.contents().allSatisfy { $0.hasPrefix(".clip-") })
        try target.commit()
        #expect(try folder.contents() == ["out"])
        #expect(try folder.bytes("out/a") == Array("1".utf8) && folder.bytes("out/b") == Array("2".utf8))
        #expect(throws: CLIPError.self) { try target.commit() }
    }

    @Test func `Without a commit nothing is left`() throws {
        try FileManager.default.createDirectory(atPath: folder["empty"], withIntermediateDirectories: true)
        for name in ["out", "empty"] {
            let target = try AtomicFolder(PathBytes(folder[name]))
            try write("1", "a", in: target)
        }
        #expect(try folder.contents() == ["empty"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder["empty"]).isEmpty)
    }

    @Test func `An empty folder is replaced, its mode and a link to it stay`() throws {
        try FileManager.default.createDirectory(
            atPath: folder["own"], withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        try folder.link("link", to: "own")
        let target = try AtomicFolder(PathBytes(folder["link"]))
        try write("1", "a", in: target)
        try target.commit()
        #expect(try folder.contents() == ["link", "own"] && folder.bytes("own/a") == Array("1".utf8))
        let attributes = try FileManager.default.attributesOfItem(atPath: folder["own"])
        #expect(attributes[.posixPermissions] as? Int == 0o750)
    }

    @Test func `What is there already is never replaced`() throws {
        try folder.write("x", to: "full/x")
        try folder.write("x", to: "file")
        func problem(_ name: String) -> String {
            do {
                _ = try AtomicFolder(PathBytes(folder[name]))
                return "begun"
            } catch { return "\(error)" }
        }
        #expect(problem("full").contains("a folder with something in it"))
        #expect(problem("file").contains("is no folder"))
        #expect(problem("no/such/folder").contains("can't be made: No such file"))
        // Something comes between the beginning and the end.
        let target = try AtomicFolder(PathBytes(folder["late"]))
        try write("1", "a", in: target)
        try folder.write("x", to: "late/x")
        #expect(throws: CLIPError.self) { try target.commit() }
        #expect(try folder.bytes("late/x") == Array("x".utf8))
    }
}
