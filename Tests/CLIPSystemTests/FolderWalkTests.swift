import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPSystem

@Suite struct FolderWalkTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    /// What a walk finds, a line each, paths relative to the folder.
    private func found(_ path: PathBytes? = nil) -> [String] {
        var walk = FolderWalk(path ?? folder.path)
        var lines: [String] = []
        func shown(_ path: PathBytes) -> String { path.text.replacing(folder.path.text + "/", with: "") }
        while let finding = walk.next() {
            switch finding {
            case .file(let file): lines.append(shown(file.path) + (file.isLink ? " by a link" : ""))
            case .leftOut(let path, let omission): lines.append("\(shown(path)) left out: \(omission)")
            case .fault(let fault): lines.append("\(shown(fault.path)): \(fault.message)")
            case .emptyFolder(let path): lines.append("\(shown(path)) is empty")
            }
        }
        return lines
    }

    @Test func `Files come in the bytewise order of their paths, folders inside folders too`() throws {
        for name in ["b/1", "b.x", "b0", "a/z/2", "a/3", "c/.hidden/4", ".5", "e/"] { try folder.make(name) }
        #expect(
            found() == [
                ".5 left out: hiddenFile", "a/3", "a/z/2", "b.x", "b/1", "b0", "c/.hidden left out: hiddenFolder",
                "e is empty",
            ])
        #expect(found(folder["a/3"]) == ["a/3"])
    }

    @Test func `Links to files are followed, to folders not, and what leads nowhere is told`() throws {
        try folder.make("a/1")
        try folder.link("file", to: "a/1")
        try folder.link("folder", to: "a")
        try folder.link("nothing", to: "b")
        try folder.link("ring", to: "ring")
        #expect(mkfifo(folder["pipe"].text, 0o600) == 0)
        #expect(
            found() == [
                "ring: can't be examined: \(SystemError(code: ELOOP).message)", "a/1", "file by a link",
                "folder left out: linkToFolder", "nothing left out: linkToNothing", "pipe left out: special",
            ])
    }

    @Test func `A name that is not UTF-8 stays what it is`() throws {
        let path = folder.path.appending([0xFF, UInt8(ascii: "x")])
        let descriptor = withCString(path.bytes) { open($0, O_CREAT | O_WRONLY, 0o600) }
        // Some file systems refuse such names.
        guard descriptor >= 0 else { return }
        close(descriptor)
        var walk = FolderWalk(folder.path)
        guard case .file(let file) = walk.next() else {
            Issue.record("the file was not found")
            return
        }
        #expect(file.path == path && !file.path.isText && file.path.name.elementsEqual([0xFF, UInt8(ascii: "x")]))
    }

    @Test func `Paths longer than the system takes are walked and read`() throws {
        let name = String(repeating: "d", count: 200)
        var path = folder.path
        var descriptors = [try path.open(O_RDONLY | O_DIRECTORY)]
        defer { for descriptor in descriptors { close(descriptor) } }
        while path.bytes.count <= Int(PATH_MAX) + 500 {
            #expect(mkdirat(descriptors.last!, name, 0o700) == 0)
            descriptors.append(openat(descriptors.last!, name, O_RDONLY | O_DIRECTORY))
            path = path.appending(name.utf8)
        }
        let file = openat(descriptors.last!, "x", O_CREAT | O_WRONLY, 0o600)
        #expect(write(file, "abc", 3) == 3)
        close(file)
        path = path.appending("x".utf8)

        var walk = FolderWalk(folder.path)
        guard case .file(let found) = walk.next() else {
            Issue.record("the file was not found")
            return
        }
        #expect(found.path == path && found.status.byteCount == 3)
        #expect(try path.firstBytes(2) == Array("ab".utf8))
        #expect(path.kind == .file)
        // The test's own clean-up takes paths that the system takes.
        unlinkat(descriptors.last!, "x", 0)
        while descriptors.count > 1 {
            close(descriptors.removeLast())
            unlinkat(descriptors.last!, name, AT_REMOVEDIR)
        }
    }

    @Test func `What is missing or no folder is a fault of its own`() {
        #expect(found(folder["nothing"]) == ["nothing: can't be examined: \(SystemError(code: ENOENT).message)"])
        #expect(PathBytes([0]).kind == .missing("a path holds no NUL byte"))
        #expect(
            folder["nothing"].isAbsent
                && !PathBytes(folder.path.text + "/\(String(repeating: "x", count: 300))").isAbsent)
    }
}

/// Calls that fail, as a failing disk lets them.
@Suite struct FolderListingTests {
    /// A listing of these names, where some calls answer with an error.
    private func listing(
        _ names: [(String, type: Int32)], readFails: SystemError? = nil, status: [String: SystemError] = [:]
    ) -> FolderListing {
        var rest = names[...]
        return FolderListing(
            FolderListing.Calls(
                nextName: { () throws(SystemError) in
                    if let (name, type) = rest.popFirst() { return (Array(name.utf8), UInt8(type)) }
                    if let readFails { throw readFails }
                    return nil
                },
                status: { name, _ throws(SystemError) in
                    if let error = status[String(decoding: name, as: UTF8.self)] { throw error }
                    var file = stat()
                    file.st_mode = S_IFREG
                    return FileStatus(file)
                }))
    }

    private let regular = Int32(DT_REG)

    @Test func `A list that fails is not at its end, and what came before counts`() {
        let failed = listing([("a", regular)], readFails: SystemError(code: EIO))
        #expect(failed.entries.count == 1 && failed.failure == SystemError(code: EIO) && !failed.isEmpty)
        let nothing = listing([], readFails: SystemError(code: EIO))
        #expect(nothing.failure != nil && !nothing.isEmpty)
        #expect(listing([]).isEmpty)
        #expect(!listing([(".", Int32(DT_DIR)), (".x", regular)]).isEmpty)
    }

    @Test(arguments: [EACCES, EIO, ESTALE, ENAMETOOLONG]) func `An entry that can't be examined is there`(_ code: Int32)
    {
        let error = SystemError(code: code)
        let found = listing(
            [("a", regular), ("b", regular), ("c", Int32(DT_UNKNOWN))], status: ["b": error, "c": error])
        #expect(found.entries.count == 1)
        #expect(found.unexamined == [error: [Array("b".utf8), Array("c".utf8)]])
    }

    @Test func `An entry that went away meanwhile is gone`() {
        let found = listing([("a", regular)], status: ["a": SystemError(code: ENOENT)])
        #expect(found.entries.isEmpty && found.unexamined.isEmpty)
    }

    @Test func `A file system that says no types is asked for each`() {
        let found = listing([("a", Int32(DT_UNKNOWN)), ("b", Int32(DT_DIR))])
        guard case .file = found.entries[0].entry, case .folder = found.entries[1].entry else {
            Issue.record("\(found.entries)")
            return
        }
    }
}

/// A folder that is removed when its test ends, by paths as bytes.
private struct Folder {
    private let folder: TemporaryFolder
    let path: PathBytes

    init() throws {
        folder = try TemporaryFolder()
        path = try PathBytes(folder.path).resolved()
    }

    subscript(name: String) -> PathBytes { path.appending(name.utf8) }

    /// A file of one byte, or a folder where the name ends with a slash.
    func make(_ name: String) throws {
        let url = URL(filePath: self[name].text)
        guard !name.hasSuffix("/") else {
            return try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        }
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data([1]).write(to: url)
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: self[name].text, withDestinationPath: target)
    }
}
