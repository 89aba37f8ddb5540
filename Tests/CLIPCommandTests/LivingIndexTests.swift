import CLIPTestSupport
import Foundation
import Testing

/// What an index leaves out of folders, remembers of them, and how a search brings it up to date.
@Suite struct LivingIndexTests {
    private func folder(_ names: String...) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let picture = try Data(contentsOf: URL(filePath: Fixtures.pictures + "/waves.png"))
        for name in names { try folder.write(picture + Data(name.utf8), to: "in/" + name) }
        return folder
    }

    private func index(_ folder: TemporaryFolder, _ more: String...) throws -> ClipProcess {
        try clip(["index"] + more + ["--model", Fixtures.model], in: folder)
    }

    private func names(_ folder: TemporaryFolder, _ index: String = "in") throws -> [String] {
        try clip(["vectors", "--index", index], in: folder).records.map { String(($0["input"] as! String)) }.sorted()
    }

    @Test func `What servers keep is left out, and what ignore files and options say`() throws {
        let folder = try folder(
            "a.png", "@eaDir/a.png", "cat.lrdata/b.png", "node_modules/c.png", "raw/d.png", "keep/raw/e.png",
            "keep/f.png",
            "keep/g.tmp.png", "2019/h.png", "x/2019/i.png")
        let first = try index(folder, "in")
        #expect(first.status == 0 && first.errors.contains("3 excluded folders"))
        #expect(try names(folder).count == 7)
        try folder.write("# comment\n*.tmp.png\nraw/\n/2019\n", to: "in/.clipignore")
        try folder.write("!raw/\n", to: "in/keep/.clipignore")
        #expect(try index(folder, "in").record["deleted"] as? Int == 3)
        #expect(try names(folder) == ["in/a.png", "in/keep/f.png", "in/keep/raw/e.png", "in/x/2019/i.png"])
        // The index remembers what was said once.
        #expect(try index(folder, "in", "--exclude", "keep/**", "--exclude", "x").status == 0)
        #expect(try names(folder) == ["in/a.png"])
        #expect(try index(folder, "in").record["unchanged"] as? Int == 1)
        let status = try clip(["index", "--status", "in"], in: folder).record
        #expect(status["new"] as? Int == 0 && status["gone"] as? Int == 0)
        #expect(try index(folder, "in", "--exclude", "").record["added"] as? Int == 3)
        #expect(try clip(["index", "--prune", "in"], in: folder).status == 0)
        #expect(try clip(["index", "--verify", "in"], in: folder).record["intact"] as? Bool == true)
    }

    @Test(arguments: ["in", "in/", "in//", "./in"])
    func `A folder's own ignore file counts, however the folder is named`(name: String) throws {
        let folder = try folder("a.png", "b.tmp.png", "raw/c.png")
        try folder.write("*.tmp.png\n/raw\n", to: "in/.clipignore")
        let result = try clip(["embed-image", name, "--model", Fixtures.model, "--format", "jsonl"], in: folder)
        #expect(try result.status == 0 && result.records.count == 1, "\(result.errors)")
    }

    @Test func `An index is brought up to date with the folders that it had before`() throws {
        let folder = try folder("a.png", "b/c.png")
        try folder.copyPicture("blocks.png", to: "more/d.png")
        #expect(try index(folder, "in", "more", "-o", "all.index").status == 0)
        try folder.copyPicture("speck.png", to: "more/e.png")
        #expect(try index(folder, "-o", "all.index").record["added"] as? Int == 1)
        #expect(try names(folder, "all.index").count == 4)
        #expect(try index(folder, "-o", "none.index").status == 1)
        #expect(try clip(["index", "--prune", "all.index"], in: folder).status == 0)
        try FileManager.default.removeItem(atPath: folder["more/e.png"])
        #expect(try index(folder, "-o", "all.index").record["deleted"] as? Int == 1)
        #expect(try index(folder).status == 64)
    }

    @Test func `A search brings the index up to date, unless it is told not to`() throws {
        let folder = try folder("a.png", "b.png", "d.png", "e.png", "f.png")
        #expect(try index(folder, "in").status == 0)
        try folder.copyPicture("blocks.png", to: "in/c.png")
        try FileManager.default.removeItem(atPath: folder["in/a.png"])
        func found(_ more: String...) throws -> (paths: [String], errors: String) {
            let result = try clip(["search", "a", "--index", "in"] + more, in: folder)
            #expect(result.status == 0, "\(result.errors)")
            return (
                try result.records.map { "\($0["path"]!)\($0["gone"] as? Bool == true ? " gone" : "")" }.sorted(),
                result.errors
            )
        }
        let before = try folder.data("in/.clip-index")
        #expect(try found("--no-update").paths == ["in/a.png gone"] + ["b", "d", "e", "f"].map { "in/\($0).png" })
        #expect(try folder.data("in/.clip-index") == before)
        let updated = try found()
        #expect(updated.paths == ["b", "c", "d", "e", "f"].map { "in/\($0).png" })
        #expect(
            updated.errors
                == "clip: note: the index was brought up to date: 1 new, 1 dropped, since their file is gone or left out\n"
        )
        #expect(try found().errors.isEmpty)
        func count() throws -> Int? { try clip(["index", "--status", "in"], in: folder).record["pictures"] as? Int }
        // Too many to be quick: said, and left.
        let picture = try Data(contentsOf: URL(filePath: Fixtures.pictures + "/waves.png"))
        for number in 0..<400 { try folder.write(picture + Data("\(number)".utf8), to: "in/many/\(number).png") }
        #expect(
            try found("--threads", "1").errors.contains(
                "pictures at least are new or changed: \"clip index in\" brings them in"))
        #expect(try count() == 5)
        let after = try folder.data("in/.clip-index")
        // A folder that is gone takes nothing along.
        try FileManager.default.moveItem(atPath: folder["in"], toPath: folder["away"])
        try folder.write(after, to: "in/.clip-index")
        #expect(try found().paths == ["b", "c", "d", "e", "f"].map { "in/\($0).png gone" })
    }
}
