import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPSystem

#if os(Linux) || os(macOS)
/// What the system tells of folders that change.
@Suite struct FolderWatchTests {
    private let folder: TemporaryFolder
    private let root: PathBytes

    init() throws {
        folder = try TemporaryFolder()
        for name in ["in/a.png", "in/b/c.png", "in/left out/d.png"] { try folder.write(Data("x".utf8), to: name) }
        root = try PathBytes(folder["in"]).resolved()
    }

    private func watch(_ roots: PathBytes...) throws -> FolderWatch {
        try FolderWatch(roots, ignoring: [root.appending("ignored")], ruleFile: ".rules") {
            $0.name.elementsEqual("left out".utf8)
        }
    }

    /// The names of what changes, folders with a slash; nil for anything.
    private func changes(_ watch: FolderWatch) throws -> Set<String>? {
        let end = monotonicSeconds() + 60
        let changes = try watch.next { () throws(CLIPError) in
            if monotonicSeconds() > end { throw CLIPError(.storage, "nothing is told") }
        }
        guard case .paths(let paths) = changes else { return nil }
        func name(_ path: PathBytes) -> String { String(decoding: path.relative(to: root), as: UTF8.self) }
        return Set(paths.files.map(name)).union(paths.folders.map { name($0) + "/" })
    }

    @Test func `Files that are written, linked, renamed and removed are told, and no others`() throws {
        let watch = try watch(root)
        try folder.write(Data("y".utf8), to: "in/a.png")
        try folder.write(Data("y".utf8), to: "in/.hidden.png")
        try folder.write(Data("y".utf8), to: "in/ignored")
        try folder.write(Data("y".utf8), to: "in/left out/e.png")
        try folder.move("in/b/c.png", to: "in/f.png")
        #expect(link(folder["in/f.png"], folder["in/g.png"]) == 0)
        let told = try #require(try changes(watch))
        #expect(told.isSuperset(of: ["a.png", "b/c.png", "f.png", "g.png"]))
        #expect(!told.contains { $0.contains("hidden") || $0 == "ignored" })
        #if os(Linux)
        #expect(told.count == 4)
        #endif
        try folder.remove("in/g.png")
        #expect(try changes(watch)?.contains("g.png") == true)
    }

    @Test func `Folders that come, go and are renamed are told, and what is in them later`() throws {
        let watch = try watch(root)
        try folder.write(Data("y".utf8), to: "in/new/deep/h.png")
        #expect(try changes(watch)?.contains("new/") == true)
        try folder.write(Data("y".utf8), to: "in/new/deep/i.png")
        #expect(try changes(watch)?.contains("new/deep/i.png") == true)
        try folder.move("in/new", to: "in/newer")
        #expect(try changes(watch)?.isSuperset(of: ["new/", "newer/"]) == true)
        try folder.write(Data("y".utf8), to: "in/newer/deep/j.png")
        #expect(try changes(watch) == ["newer/deep/j.png"])
        try folder.move("in/newer", to: "away")
        #expect(try changes(watch)?.contains("newer/") == true)
        try folder.write(Data("y".utf8), to: "away/deep/k.png")
        try folder.write(Data("y".utf8), to: "in/b/l.png")
        #expect(try changes(watch) == ["b/l.png"])
    }

    @Test func `Rules that change, a root that goes and one that comes may change anything`() throws {
        let first = try watch(root)
        try folder.write(Data("y".utf8), to: "in/b/.rules")
        #expect(try changes(first) == nil)
        let second = try watch(root)
        try folder.move("in", to: "away")
        #expect(try changes(second) == nil)
        let third = try watch(root)
        try folder.move("away", to: "in")
        #expect(try changes(third) == nil)
    }

    @Test func `More than is kept one by one may change anything`() throws {
        let watch = try watch(root)
        for number in 0..<FolderWatch.mostChanges + 10 {
            close(open(folder["in/\(number)"], O_WRONLY | O_CREAT, 0o600))
        }
        #expect(try changes(watch) == nil)
    }

    @Test func `Of a single picture its folder is watched, and nothing else there is told`() throws {
        let watch = try watch(root.appending("a.png"))
        try folder.write(Data("y".utf8), to: "in/z.png")
        try folder.write(Data("y".utf8), to: "in/a.png")
        #expect(try changes(watch) == ["a.png"])
    }

    @Test func `A walk of changes meets them alone, by the rules of any walk`() throws {
        try folder.write(Data("y".utf8), to: "in/b/e.png")
        try folder.write(Data("y".utf8), to: "in/.h/f.png")
        var changes = ChangedPaths()
        for name in ["b/e.png", ".h/f.png", "left out/d.png", "gone.png"] {
            changes.insert(root.appending(name), isFolder: false)
        }
        func files(_ changes: ChangedPaths) -> [String] {
            var walk = FolderWalk(root, changes: changes) { path, _ in path.name.elementsEqual("left out".utf8) }
            var names: [String] = []
            while let finding = walk.next() {
                if case .file(let file) = finding {
                    names.append(String(decoding: file.path.relative(to: root), as: UTF8.self))
                }
            }
            return names
        }
        #expect(files(changes) == ["b/e.png"])
        changes.insert(root.appending("b"), isFolder: true)
        #expect(files(changes) == ["b/c.png", "b/e.png"])
    }
}
#endif
