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

    @Test func `An index goes along to another disk`() throws {
        let folder = try folder("a.png", "b/c.png")
        #expect(try index(folder, "in", "-o", "all.index").status == 0)
        try FileManager.default.moveItem(atPath: folder["in"], toPath: folder["disk"])
        let wrong = try index(folder, "disk", "-o", "all.index", "--relocate", "im")
        #expect(wrong.status == 1 && wrong.errors.contains("all.index: has nothing in im: it is of in"))
        let moved = try index(folder, "disk", "-o", "all.index", "--relocate", "in")
        #expect(try moved.record["unchanged"] as? Int == 2)
        #expect(moved.errors == "clip: note: relocated from in to disk: 2 pictures\n")
        #expect(try names(folder, "all.index") == ["disk/a.png", "disk/b/c.png"])
        #expect(try index(folder, "-o", "all.index").record["unchanged"] as? Int == 2)
        #expect(try index(folder, "disk", "in", "-o", "all.index", "--relocate", "in").status == 64)
    }

    @Test func `A watch keeps up with folders that change, and says what is kept when it is stopped`() throws {
        let folder = try folder("a.png", "b/c.png")
        let picture = try Data(contentsOf: URL(filePath: Fixtures.pictures + "/waves.png"))
        let process = Process()
        process.executableURL = URL(filePath: ClipProcess.path)
        process.arguments = ["index", "--watch", "in", "--model", Fixtures.model]
        process.currentDirectoryURL = URL(filePath: folder.path)
        let output = Pipe()
        process.standardOutput = output
        let errors = try folder.write(Data(), to: "errors")
        process.standardError = try FileHandle(forWritingTo: URL(filePath: errors))
        try process.run()
        defer { process.terminate() }
        var text = Data()
        /// What the next runs did together, until `isEnough`.
        func record(_ isEnough: ([String: Int]) -> Bool = { _ in true }) throws -> [String: Int] {
            var sums: [String: Int] = [:]
            repeat {
                while !text.contains(UInt8(ascii: "\n")) {
                    let more = output.fileHandleForReading.availableData
                    try #require(!more.isEmpty)
                    text += more
                }
                let end = text.firstIndex(of: UInt8(ascii: "\n"))!
                for (name, value) in try jsonObject(text[..<end]) {
                    if let count = value as? Int { sums[name, default: 0] += count }
                }
                text = Data(text[(end + 1)...])
            } while !isEnough(sums)
            return sums
        }
        #expect(try record()["added"] == 2)
        try folder.write(picture + Data("d".utf8), to: "in/d.png")
        #expect(try record()["added"] == 1)
        try FileManager.default.moveItem(atPath: folder["in/b"], toPath: folder["in/e"])
        #expect(try record()["moved"] == 1)
        for number in 0..<6 { try folder.write(picture + Data("f\(number)".utf8), to: "in/f/\(number).png") }
        #expect(try record { $0["added"] ?? 0 >= 6 }["added"] == 6)
        // A folder that was deleted before its eyes is believed.
        try FileManager.default.removeItem(atPath: folder["in/f"])
        #expect(try record { $0["deleted"] ?? 0 >= 6 }["deleted"] == 6)
        try folder.write("d.png\n", to: "in/.clipignore")
        #expect(try record()["deleted"] == 1)
        #expect(try names(folder) == ["in/a.png", "in/e/c.png"])
        // One that is moved away is not gone, and comes back.
        try FileManager.default.moveItem(atPath: folder["in"], toPath: folder["away"])
        try FileManager.default.moveItem(atPath: folder["away"], toPath: folder["in"])
        try folder.write(picture + Data("g".utf8), to: "in/g.png")
        #expect(try record { $0["added"] ?? 0 > 0 }["deleted"] == 0)
        #expect(try names(folder) == ["in/a.png", "in/e/c.png", "in/g.png"])
        process.interrupt()
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGINT)
        let said = try folder.text("errors")
        #expect(said.contains("clip: note: watching in: Ctrl-C ends it\n"))
        #expect(said.hasSuffix("in/.clip-index is whole and kept, the next run finds what changes from now on\n"))
        #expect(try clip(["index", "--verify", "in"], in: folder).record["intact"] as? Bool == true)
        #expect(try index(folder, "in", "--watch", "--format", "json").status == 64)
    }

    @Test func `Who has read a run's record may end the watch at once`() throws {
        for _ in 0..<10 {
            let folder = try folder("a.png")
            let process = Process()
            process.executableURL = URL(filePath: ClipProcess.path)
            process.arguments = ["index", "--watch", "in", "--model", Fixtures.model]
            process.currentDirectoryURL = URL(filePath: folder.path)
            let (output, errors) = (Pipe(), Pipe())
            (process.standardOutput, process.standardError) = (output, errors)
            try process.run()
            _ = output.fileHandleForReading.availableData
            process.interrupt()
            let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            #expect(said.contains("in/.clip-index is whole and kept"), "\(said)")
        }
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
