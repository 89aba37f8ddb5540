import CLIPTestSupport
import Foundation
import Testing

/// What commands do to people's files: by a plan, after a look at each, and so that it can be taken back.
@Suite struct FileChangeTests {
    private let photos = [
        ("waves.png", "in/one.png"), ("waves.png", "in/copies/two.png"), ("blocks.png", "in/three.png"),
        ("blocks.png", "in/copies/four.png"), ("speck.png", "in/alone.png"),
    ]

    /// A folder `in` with an index, and a plan of its exact duplicates.
    private func planned() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (picture, name) in photos { try folder.copyPicture(picture, to: name) }
        let old = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: 981_158_400)]
        try FileManager.default.setAttributes(old, ofItemAtPath: folder["in/copies/two.png"])
        try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: folder["in/copies/two.png"])
        #expect(try clip(["index", "in", "--model", Fixtures.model], in: folder).status == 0)
        let plan = try clip(["dedupe", "--index", "in", "--exact"], in: folder)
        #expect(plan.lines.count == 2)
        try folder.write(plan.output, to: "plan.jsonl")
        return folder
    }

    /// Names, contents, permissions and times of all files, and which names are of one file.
    private func files(_ folder: TemporaryFolder) throws -> [String] {
        let names = FileManager.default.enumerator(atPath: folder["in"])?.allObjects as? [String] ?? []
        var first: [UInt64: String] = [:]
        return try names.filter { !$0.hasSuffix(".clip-index") }.sorted().map { name in
            let attributes = try FileManager.default.attributesOfItem(atPath: folder["in/" + name])
            guard attributes[.type] as? FileAttributeType == .typeRegular else { return name }
            let inode = (attributes[.systemFileNumber] as! NSNumber).uint64Value
            let same = first[inode] ?? name
            first[inode] = same
            let date = (attributes[.modificationDate] as! Date).timeIntervalSince1970
            return
                "\(name) = \(same) \(attributes[.posixPermissions]!) \(date) \(try folder.data("in/" + name).hashValue)"
        }
    }

    @Test func `Paths alone go to other programs, whatever bytes they have`() throws {
        let folder = try TemporaryFolder()
        for name in ["a.png", "with\nline.png"] { try folder.copyPicture("waves.png", to: "in/\(name)") }
        #expect(try clip(["index", "in", "--model", Fixtures.model], in: folder).status == 0)
        let script = """
            mkdir found
            "$clip" search a --index in --paths -0 -q | xargs -0 cp -t found
            """
        #expect(try ClipProcess.bash(script, in: folder.path).status == 0)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder["found"]).sorted() == [
                "a.png", "with\nline.png",
            ])
        try FileManager.default.removeItem(atPath: folder["in/a.png"])
        #expect(try clip(["search", "a", "--index", "in", "--paths"], in: folder).text == "in/with\nline.png\n")
        #expect(try clip(["search", "a", "--index", "in", "-0"], in: folder).status == 64)
        #expect(try clip(["search", "a", "--index", "in", "--threshold", "1"], in: folder).status == 0)
        let none = try clip(["search", "a", "--index", "in", "--threshold", "1", "--must-find"], in: folder)
        #expect(none.status == 1 && none.output.isEmpty && none.errors == "clip: \"a\": no picture passes\n")
    }

    @Test(arguments: [["--move-to", "aside"], ["--link"]])
    func `What a plan says is done and can be taken back`(action: [String]) throws {
        let folder = try planned()
        let before = try files(folder)
        let list = action.count == 2 ? "aside.undo.jsonl" : "clip.undo.jsonl"
        let applied = try clip(["dedupe", "--apply", "plan.jsonl"] + action, in: folder)
        #expect(applied.status == 0 && applied.lines.count == 2)
        #expect(applied.errors == "clip: note: clip undo \(list) takes it back\n")
        #expect(try files(folder) != before)
        let undone = try clip(["undo", list], in: folder)
        #expect(undone.status == 0 && undone.errors.isEmpty)
        #expect(try undone.records.allSatisfy { $0["restored"] as? Bool == true })
        #expect(try files(folder) == before)
        #expect(!FileManager.default.fileExists(atPath: folder["aside"]))
        let again = try clip(["undo", list], in: folder)
        #expect(try again.status == 0 && again.records.allSatisfy { $0["restored"] as? Bool == false })
        #expect(try files(folder) == before)
        // The next run writes another list.
        #expect(try clip(["dedupe", "--apply", "plan.jsonl"] + action, in: folder).status == 0)
        #expect(FileManager.default.fileExists(atPath: folder[list.replacingOccurrences(of: ".undo", with: ".undo-2")]))
        #expect(try clip(["dedupe", "--apply", "plan.jsonl", "--undo-list", list] + action, in: folder).status == 1)
    }

    /// In a copy of a folder files get other numbers, perhaps one of those that the list has.
    @Test func `A link is taken back though its file has the number of the one that is gone`() throws {
        let folder = try planned()
        let before = try files(folder)
        #expect(try clip(["dedupe", "--apply", "plan.jsonl", "--link"], in: folder).status == 0)
        let lines = try folder.text("clip.undo.jsonl").split(separator: "\n").map { line in
            let fields = try jsonObject(String(line))
            guard let target = fields["target"] as? String, let former = fields["inode"] as? String else {
                return String(line)
            }
            let path = target.hasPrefix("/") ? target : folder[target]
            let number = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as! NSNumber
            #expect("\(number)" != former)
            return line.replacingOccurrences(of: "\"inode\":\"\(former)\"", with: "\"inode\":\"\(number)\"")
        }
        try folder.write(lines.joined(separator: "\n") + "\n", to: "clip.undo.jsonl")
        let undone = try clip(["undo", "clip.undo.jsonl"], in: folder)
        #expect(try undone.records.count == 2 && undone.records.allSatisfy { $0["restored"] as? Bool == true })
        #expect(try files(folder) == before)
    }

    @Test func `Nothing is done that the plan doesn't say, or of files that changed since`() throws {
        let folder = try planned()
        let lines = try folder.text("plan.jsonl").split(separator: "\n").map(String.init)
        try folder.write(lines[0] + "\n", to: "half.jsonl")
        #expect(try clip(["dedupe", "--apply", "half.jsonl", "--move-to", "aside"], in: folder).lines.count == 1)
        #expect(try clip(["undo", "aside.undo.jsonl"], in: folder).status == 0)
        // A comment behind the end changes the bytes, not the picture.
        let two = try jsonObject(lines[0])["duplicate"] as! String
        let content = try folder.data(two)
        try FileManager.default.removeItem(atPath: folder[two])
        try folder.write(content + Data("x".utf8), to: two)
        let before = try files(folder)
        let result = try clip(["dedupe", "--apply", "half.jsonl", "--move-to", "aside", "--json"], in: folder)
        #expect(result.status == 1 && result.errors.contains("has changed since the plan was made"))
        #expect(try files(folder) == before)
        #expect(!FileManager.default.fileExists(atPath: folder["aside.undo-2.jsonl"]))
        let safe = try clip(["dedupe", "--apply", "plan.jsonl", "--link", "--reference", "in/copies"], in: folder)
        #expect(safe.status == 1 && safe.lines.isEmpty && safe.errors.contains("where nothing is touched"))
        #expect(try files(folder) == before)
        let record = try jsonObject(lines[1])
        let turned = [
            "kept": record["duplicate"]!, "duplicate": record["kept"]!, "kept_sha256": record["sha256"]!,
            "sha256": record["kept_sha256"]!,
        ]
        let more = String(decoding: try JSONSerialization.data(withJSONObject: turned), as: UTF8.self)
        try folder.write(lines[1] + "\n" + more + "\n", to: "both.jsonl")
        for (plan, message) in [
            ("both.jsonl", "which is to go by"), ("in/one.png", "is no JSON"), ("none", "can't be opened"),
        ] {
            let refused = try clip(["dedupe", "--apply", plan, "--link"], in: folder)
            #expect(refused.status == 1 && refused.errors.contains(message), "\(refused.errors)")
        }
        try folder.write("{\"kept\":\"in/one.png\",\"duplicate\":\"in/three.png\"}\n", to: "bare.jsonl")
        #expect(
            try clip(["dedupe", "--apply", "bare.jsonl", "--link"], in: folder).errors.contains(
                "is no record of a plan"))
        #expect(try files(folder) == before)
        #expect(try clip(["dedupe", "--apply", "plan.jsonl"], in: folder).status == 64)
        #expect(try clip(["dedupe", "in", "--apply", "plan.jsonl", "--link"], in: folder).status == 64)
    }

    @Test func `Folders are preferred, the oldest is, and reference folders are never touched`() throws {
        let folder = try planned()
        func duplicates(_ more: [String]) throws -> [String] {
            let result = try clip(["dedupe", "--index", "in", "--exact"] + more, in: folder)
            return result.status == 0 ? try result.records.map { $0["duplicate"] as! String }.sorted() : [result.errors]
        }
        let copies = ["in/copies/four.png", "in/copies/two.png"]
        #expect(try duplicates([]) == copies)
        #expect(try duplicates(["--prefer", "in/copies"]) == ["in/one.png", "in/three.png"])
        #expect(try duplicates(["--prefer-oldest"]) == ["in/copies/four.png", "in/one.png"])
        #expect(try duplicates(["--reference", "in/copies"]) == ["in/one.png", "in/three.png"])
        #expect(try duplicates(["--reference", "in"]) == [])
        try folder.makeFolder("in/empty")
        #expect(try duplicates(["--reference", "in/empty"])[0].contains("the index has no picture in this folder"))
        #expect(try duplicates(["--prefer", "in/no"])[0].contains("in/no: can't be found"))
        // Near ones too: pictures of a reference folder are not even duplicates of each other.
        let near = ["dedupe", "--index", "in", "--threshold", "-1", "--reference", "in/copies"]
        #expect(
            try clip(near, in: folder).records.allSatisfy { ($0["kept"] as? String)?.hasPrefix("in/copies/") == true })
        #expect(try clip(near, in: folder).records.count == 3)
    }

    @Test func `What was changed since stays when the rest is taken back`() throws {
        let folder = try planned()
        let before = try files(folder)
        #expect(try clip(["dedupe", "--apply", "plan.jsonl", "--move-to", "aside"], in: folder).status == 0)
        let moved = try folder.data("aside/in/copies/four.png")
        try FileManager.default.removeItem(atPath: folder["aside/in/copies/four.png"])
        try folder.write("other", to: "aside/in/copies/four.png")
        try folder.write("mine", to: "in/copies/two.png")
        let undone = try clip(["undo", "aside.undo.jsonl"], in: folder)
        #expect(undone.status == 1 && undone.errorLines.count == 2)
        #expect(undone.errors.contains("has changed since") && undone.errors.contains("something else stands there"))
        #expect(try folder.text("aside/in/copies/four.png") == "other" && folder.text("in/copies/two.png") == "mine")
        try FileManager.default.removeItem(atPath: folder["in/copies/two.png"])
        try folder.write(moved, to: "aside/in/copies/four.png")
        #expect(try clip(["undo", "aside.undo.jsonl"], in: folder).status == 0)
        // Who made the file anew gave it its time.
        #expect(try files(folder).map { $0.prefix(12) } == before.map { $0.prefix(12) })
        #expect(try folder.data("in/copies/four.png") == moved)
        for (text, message) in [("nonsense", "is no list"), ("{\"clip_undo\":1}\n{\"change\":\"move\"}\n", "line 2")] {
            try folder.write(text, to: "list")
            #expect(try clip(["undo", "list"], in: folder).errors.contains(message))
        }
        // Nothing was noted whole, so nothing was done.
        try folder.write("{\"clip_undo\":1}\n{\"change\":\"mo", to: "list")
        #expect(try clip(["undo", "list"], in: folder).status == 0)
    }

    /// In the words of the program that wrote it; only places and identities are the test's.
    @Test func `A list of version 1 is taken back`() throws {
        let folder = try TemporaryFolder()
        try folder.write("mine", to: "in/other.txt")
        try folder.write("abc", to: "aside/one.txt")
        let old = Date(timeIntervalSince1970: 981_158_400)
        try FileManager.default.setAttributes(
            [.modificationDate: old, .posixPermissions: 0o640], ofItemAtPath: folder["aside/one.txt"])
        let attributes = try FileManager.default.attributesOfItem(atPath: folder["aside/one.txt"])
        let list = """
            {"clip_undo":1}
            {"change":"make-folder","source":null,"target":"\(folder["aside"])"}
            {"change":"move","source":"\(folder["in/one.txt"])","target":"\(folder["aside/one.txt"])",\
            "temporary":"\(folder["aside/.clip-0011223344556677.tmp"])",\
            "sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","bytes":3,"permissions":416,\
            "modified":"981158400000000000","device":"\(attributes[.systemNumber]!)",\
            "inode":"\(attributes[.systemFileNumber]!)"}

            """
        try folder.write(list, to: "list")
        let undone = try clip(["undo", "list"], in: folder)
        #expect(undone.status == 0, "\(undone.errors)")
        #expect(try folder.text("in/one.txt") == "abc" && folder.text("in/other.txt") == "mine")
        #expect(!FileManager.default.fileExists(atPath: folder["aside"]))
        let restored = try FileManager.default.attributesOfItem(atPath: folder["in/one.txt"])
        #expect(restored[.modificationDate] as? Date == old && restored[.posixPermissions] as? Int == 0o640)
    }

    /// Two names of one file are in two copies on another disk, and how far an earlier run took them back is in question.
    @Test(arguments: ["not at all", "one of them", "both, as two files", "up to the empty file that takes a name"])
    func `Names of one file come back as such from another disk`(begun: String) throws {
        let folder = try planned()
        // The one that is kept has another name too, which decides between them.
        for (name, other) in [("in/copies/two.png", "in/copies/too.png"), ("in/one.png", "in/another.png")] {
            #expect(link(folder[name], folder[other]) == 0)
        }
        #expect(try clip(["index", "in", "--model", Fixtures.model], in: folder).status == 0)
        let before = try files(folder)
        let moved = try clip(["dedupe", "in", "--exact", "--move-to", "aside", "--undo-list", "list"], in: folder)
        #expect(moved.status == 0, "\(moved.errors)")
        let list = try folder.text("list").split(separator: "\n").compactMap { line in
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        }.filter { $0["change"] as? String == "move" }
        // As they would be on another disk: files of their own, with their times and permissions.
        for change in list {
            let target = try #require(change["target"] as? String)
            try copyApart(target, to: target + "~")
            #expect(rename(target + "~", target) == 0)
        }
        let names = list.filter { ($0["source"] as? String)?.contains("/copies/t") == true }
        #expect(names.count == 2)
        for change in begun.hasPrefix("both") ? names : begun.hasPrefix("one") ? [names[1]] : [] {
            let (source, target) = try (#require(change["source"] as? String), #require(change["target"] as? String))
            try copyApart(target, to: source)
            #expect(unlink(target) == 0)
        }
        if begun.hasPrefix("up to"), let source = names[0]["source"] as? String {
            let temporary = try #require((names[0]["temporary"] as? String).map { URL(filePath: $0).lastPathComponent })
            try Data().write(to: URL(filePath: source))
            try Data("part".utf8).write(to: URL(filePath: folder["in/copies/" + temporary]))
        }
        let undone = try clip(["undo", "list"], in: folder)
        #expect(undone.status == 0, "\(undone.errors)")
        #expect(try files(folder) == before && !FileManager.default.fileExists(atPath: folder["aside"]))
        #expect(try clip(["undo", "list"], in: folder).status == 0)
        #expect(try files(folder) == before)
    }

    /// A file of its own of the same bytes, permissions and time.
    private func copyApart(_ path: String, to copy: String) throws {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        try Data(contentsOf: URL(filePath: path)).write(to: URL(filePath: copy))
        try FileManager.default.setAttributes(
            attributes.filter { $0.key == .modificationDate || $0.key == .posixPermissions }, ofItemAtPath: copy)
    }

    @Test func `An act that can't be noted is not done`() throws {
        let folder = try planned()
        let before = try files(folder)
        let list = ["--undo-list", "/dev/full"]
        #expect(try clip(["dedupe", "--apply", "plan.jsonl", "--link"] + list, in: folder).status != 0)
        let nowhere = ["--undo-list", "nowhere/list"]
        let result = try clip(["dedupe", "--apply", "plan.jsonl", "--move-to", "aside"] + nowhere, in: folder)
        #expect(result.status == 1 && result.errors.contains("no change is made that can't be noted there"))
        #expect(try files(folder) == before && !FileManager.default.fileExists(atPath: folder["aside"]))
    }

    @Test func `Killed at any moment, what was done can be taken back`() throws {
        let folder = try TemporaryFolder()
        let picture = try Data(contentsOf: URL(filePath: Fixtures.pictures + "/waves.png"))
        for index in 0..<120 {
            for name in ["in/\(index).png", "in/copies/\(index).png"] {
                try folder.write(picture + Data("\(index)".utf8), to: name)
            }
        }
        #expect(try clip(["index", "in", "--model", Fixtures.model], in: folder).status == 0)
        try folder.write(clip(["dedupe", "--index", "in", "--exact"], in: folder).output, to: "plan.jsonl")
        let before = try files(folder)
        for (number, delay) in [0.02, 0.05, 0.1, 0.2].enumerated() {
            for action in ["--move-to aside", "--link"] {
                let list = "list-\(number)\(action.prefix(3))"
                _ = try ClipProcess.bash(
                    "$clip dedupe --apply plan.jsonl \(action) --undo-list \(list) & sleep \(delay); kill -9 $!; wait",
                    in: folder.path)
                guard FileManager.default.fileExists(atPath: folder[list]) else { continue }
                let undone = try clip(["undo", list], in: folder)
                #expect(undone.status == 0, "\(undone.errors)")
                #expect(try files(folder) == before && !FileManager.default.fileExists(atPath: folder["aside"]))
            }
        }
    }

    @Test func `The page of a plan holds what it takes to save another`() throws {
        let folder = try planned()
        #expect(try clip(["dedupe", "--index", "in", "--exact", "--html", "page.html"], in: folder).status == 0)
        let page = try folder.text("page.html")
        #expect(page.components(separatedBy: "<input type=\"checkbox\"").count == 5 && page.contains("Save the plan"))
        #expect(page.components(separatedBy: "\" checked>").count == 3)
        let hash = try jsonObject(folder.text("plan.jsonl").split(separator: "\n")[0].description)["sha256"] as! String
        #expect(page.contains("&quot;sha256&quot;:&quot;\(hash)&quot;"))
        let fixed = ["dedupe", "--index", "in", "--exact", "--reference", "in/copies", "--html", "page.html"]
        #expect(try clip(fixed, in: folder).status == 0)
        #expect(try folder.text("page.html").components(separatedBy: "\" disabled>").count == 3)
    }
}
