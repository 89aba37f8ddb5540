import CLIPTestSupport
import Foundation
import Testing

@Suite struct CollectionCommandTests {
    private let model = ["--model", Fixtures.model]

    /// A folder `in` of four pictures and its index.
    private func indexed() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (picture, name) in [
            ("blocks.png", "a.png"), ("ring_grey.png", "b.png"), ("waves.png", "c/d.png"), ("waves.png", "c/e.png"),
        ] {
            try folder.copyPicture(picture, to: "in/" + name)
        }
        let result = try clip(["index", "in"] + model, in: folder)
        #expect(result.status == 0 && result.errors.isEmpty)
        #expect(try result.record["added"] as? Int == 4)
        return folder
    }

    @Test func `An index is made, brought up to date, described and verified`() throws {
        let folder = try indexed()
        try folder.write("no picture", to: "in/x.png")
        let update = try clip(["index", "in"] + model, in: folder)
        #expect(update.status == 1 && update.errorLines.count == 1 && update.errors.hasPrefix("clip: in/x.png: "))
        #expect(try update.record["unchanged"] as? Int == 4)
        let again = try clip(["index", "in"] + model, in: folder)
        #expect(again.status == 1 || again.errors.isEmpty)
        let status = try clip(["index", "--status", "in"], in: folder).record
        #expect(status["pictures"] as? Int == 4 && status["unreadable"] as? Int == 1)
        #expect((status["failed"] as? [[String: String]])?.first?["input"] == "in/x.png")
        #expect(try clip(["index", "--verify", "in"], in: folder).record["intact"] as? Bool == true)
        try FileManager.default.removeItem(atPath: folder["in/x.png"])
        #expect(try clip(["index", "--prune", "in"], in: folder).record["deleted"] as? Int == 1)
        #expect(try clip(["index", "--status", "in", "--format", "text"], in: folder).text.contains("unreadable    0"))
        let typed = try clip(["index", "in", "--dtype", "f32"] + model, in: folder)
        #expect(typed.status == 1 && typed.errors.contains("stored as f16, not as f32"))
        #expect(try clip(["index", "in", "--dtype", "f16"] + model, in: folder).record["unchanged"] as? Int == 4)
        let wrong = try clip(["index", "in", "--model", Fixtures.models[1]], in: folder)
        #expect(wrong.status == 1 && wrong.errorLines.count == 1 && wrong.errors.contains("holds embeddings of model"))
        #expect(try clip(["index", "--status", "--verify", "in"], in: folder).status == 64)
        #expect(try clip(["index"], in: folder).status == 64)
    }

    @Test func `Without a model named an index keeps the one that made it`() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: Fixtures.model, toPath: folder["m"])
        for name in ["in/a.png", "in/b.png"] { try folder.copyPicture("waves.png", to: name) }
        #expect(try clip(["index", "in", "--model", "m"], in: folder).status == 0)
        let commands = [
            ["index", "in"], ["dedupe", "in"], ["cluster", "in", "--count", "1"], ["outliers", "in"],
            ["filter", "in", "--keep", "a", "--threshold", "-1"], ["search", "a", "--index", "in", "--no-update"],
        ]
        for (number, command) in commands.enumerated() {
            try folder.copyPicture("blocks.png", to: "in/new\(number).png")
            let result = try clip(command, in: folder)
            #expect(result.status == 0 && result.errors.isEmpty, "\(command): \(result.errors)")
        }
        try FileManager.default.moveItem(atPath: folder["m"], toPath: folder["away"])
        for command in commands {
            let result = try clip(command, in: folder)
            #expect(result.status == 1 && result.errorLines.count == 1, "\(command): \(result.errors)")
            #expect(result.errors.contains("/m, which is not there any more: name where it is with --model"))
        }
        #expect(try clip(["index", "in", "--model", "away"], in: folder).status == 0)
    }

    @Test func `No results are an answer, and counts are told in words`() throws {
        let folder = try indexed()
        func text(_ arguments: String...) throws -> ClipProcess {
            try clip(arguments + ["--index", "in", "--format", "text"], in: folder)
        }
        let plan = try text("dedupe", "--exact")
        #expect(plan.errors.isEmpty && plan.text.contains("\n1 of 4 pictures is a duplicate (1 exact), "))
        #expect(plan.text.hasSuffix(" kB; nothing was touched: --move-to and --link act\n"))
        let nothing = try text("search", "a", "--threshold", "1")
        #expect(nothing.errors.isEmpty && nothing.text == "\"a\": no picture passes\n")
        let filtered = try text("filter", "--keep", "a", "--threshold", "1")
        #expect(filtered.errors.isEmpty && filtered.text.hasPrefix("0 of 4 pictures stay; "))
        let moved = try text("dedupe", "--exact", "--move-to", "out")
        #expect(
            moved.text.contains("1 of 4 pictures is a duplicate (1 exact), ") && moved.text.hasSuffix("; 1 moved\n"))
        _ = try clip(["index", "in"] + model, in: folder)
        let rest = try text("dedupe", "--exact")
        #expect(rest.errors.isEmpty && rest.text == "no duplicates among 3 pictures\n")
    }

    @Test func `A search finds a picture by itself and shows cosines`() throws {
        let folder = try indexed()
        let hits = try clip(["search", "--image", "in/c/d.png", "--index", "in", "--top", "2"], in: folder).records
        #expect(Set(hits.compactMap { $0["path"] as? String }) == ["in/c/d.png", "in/c/e.png"])
        #expect(hits.allSatisfy { ($0["score"] as? Double ?? 0) > 0.999 && $0["rank"] as? Int != nil })
        let text = try clip(
            ["search", "a b", "--index", "in/.clip-index", "--filter", "c/*", "--format", "text"], in: folder)
        #expect(text.status == 0 && text.lines.count >= 3 && text.text.contains("in/c/e.png"))
        let lines = try clip(["search", "--file", "-", "--index", "in", "--top", "1"], in: folder, input: "a\nb\n")
        #expect(try lines.records.map { $0["query"] as? String } == ["a", "b"])
        let none = try clip(["search", "a", "--index", "nowhere"], in: folder)
        #expect(none.status == 1 && none.errorLines.count == 1 && none.errors.contains("clip index <folder>"))
        let folderAsText = try clip(["search", "a", "in"], in: folder)
        #expect(folderAsText.status == 64 && folderAsText.errors.contains("--index in"))
        #expect(try clip(["search", "a", "--weights", "1,2", "--index", "in"], in: folder).status == 64)
        #expect(try clip(["search", "a", "--threshold", "x", "--index", "in"], in: folder).status == 64)
        let minus = try clip(
            ["search", "--image", "in/a.png", "--minus-image", "in/b.png", "--index", "in"], in: folder)
        #expect(try !minus.records.contains { $0["path"] as? String == "in/b.png" })
        #expect(try minus.records.first?["path"] as? String == "in/a.png")
    }

    @Test func `Duplicates, clusters, outliers and filters`() throws {
        let folder = try indexed()
        let plan = try clip(["dedupe", "--exact", "--index", "in"], in: folder).records
        #expect(plan.map { $0["duplicate"] as? String } == ["in/c/e.png"] && plan[0]["exact"] as? Bool == true)
        let moved = try clip(["dedupe", "in", "--exact", "--move-to", "aside"] + model, in: folder)
        #expect(moved.status == 0)
        #expect(try moved.records.contains { $0["action"] as? String == "aside/in/c/e.png" })
        #expect(FileManager.default.fileExists(atPath: folder["aside/in/c/e.png"]))
        let clusters = try clip(["cluster", "in", "--count", "2", "--labels", "x,y"] + model, in: folder).records
        #expect(clusters.compactMap { $0["size"] as? Int }.reduce(0, +) == 3)
        #expect(clusters.allSatisfy { ($0["labels"] as? [Any])?.count == 2 })
        #expect(try clip(["outliers", "--index", "in", "--top", "2"], in: folder).records.count == 2)
        let all = try clip(["filter", "--index", "in", "--keep", "a", "--threshold", "-1"], in: folder).records
        #expect(all.count == 3 && all.allSatisfy { $0["kept"] as? Bool == true })
        #expect(try clip(["filter", "--index", "in"], in: folder).status == 64)
    }

    /// A page's text between tags, a line each.
    private func words(_ page: String) -> [String] {
        page.replacing(/(?s)<(style|script)>.*?<\/\1>/, with: "").replacing(/<[^>]*>/, with: "\n")
            .split(separator: "\n").map(String.init)
    }

    @Test func `What is found comes as a page too`() throws {
        let folder = try indexed()
        try folder.copyPicture("waves.png", to: "in/<b>.png")
        #expect(try clip(["index", "in"] + model, in: folder).status == 0)
        let texts = ["search", "a cat", "--minus", "a dog", "--minus-threshold", "0.99", "--no-update"]
        let commands: [(arguments: [String], count: Int, says: String)] = [
            (texts + ["--image", "in/a.png", "--weights", "1,0.5", "--top", "3"], 3, "weight 0.50"),
            (["cluster", "--count", "2", "--labels", "cat,dog"], 5, "2 clusters"),
            (["dedupe", "--threshold", "0.999"], 3, "keep"), (["outliers", "--top", "2"], 4, "most like it"),
            (["filter", "--keep", "a cat", "--threshold", "-1"], 5, "5 of 5 pictures stay"),
        ]
        for (arguments, count, says) in commands {
            try folder.makeFolder("out")
            let plain = try clip(arguments + ["--index", "in"], in: folder)
            let result = try clip(arguments + ["--index", "in", "--html", "out/page.html"], in: folder)
            #expect(result.status == 0 && result.errors.isEmpty && result.text == plain.text, "\(arguments)")
            let page = try folder.text("out/page.html")
            #expect(page.components(separatedBy: "class=\"shot\"").count == count + 1, "\(arguments)")
            #expect(words(page).contains { $0.contains(says) }, "\(arguments)")
            #expect(page.contains("not a probability") && !page.contains("<b>"))
            #expect(page.contains("href=\"../in/") && page.contains("src=\"data:image/jpeg;base64,"))
        }
        let linked = try clip(texts + ["--index", "in", "--html", "page.html", "--html-links"], in: folder)
        #expect(try linked.status == 0 && !folder.text("page.html").contains("data:image/jpeg"))
        // A picture that is gone or broken by now has its place.
        try FileManager.default.removeItem(atPath: folder["in/a.png"])
        try folder.write("no picture", to: "in/b.png")
        let late = try clip(texts + ["--index", "in", "--html", "page.html"], in: folder)
        #expect(late.status == 0 && late.errors.isEmpty)
        #expect(try folder.text("page.html").components(separatedBy: "<span class=\"missing\">").count == 3)
        #expect(try clip(texts + ["--index", "in", "--html", "-"], in: folder).status == 64)
        #expect(try clip(texts + ["--index", "in", "--html-links"], in: folder).status == 64)
        let unwritable = try clip(texts + ["--index", "in", "--html", "nowhere/page.html"], in: folder)
        #expect(unwritable.status == 1 && unwritable.errorLines.count == 1 && unwritable.output.isEmpty)
    }

    @Test func `A page of duplicates shows what was moved away`() throws {
        let folder = try indexed()
        let moved = try clip(
            ["dedupe", "--index", "in", "--exact", "--move-to", "aside", "--html", "page.html"], in: folder)
        let page = try folder.text("page.html")
        #expect(moved.status == 0 && page.contains("href=\"./aside/in/c/e.png\"") && page.contains("moved here"))
        #expect(page.contains("kept: the first of equals") && page.contains("same bytes"))
        #expect(page.components(separatedBy: "class=\"shot\"").count == 3)
    }

    @Test func `Links are left out of duplicates, and names of one file are told together`() throws {
        let folder = try TemporaryFolder()
        for name in ["in/z.png", "in/copy of z.png"] { try folder.copyPicture("waves.png", to: name) }
        try FileManager.default.createSymbolicLink(atPath: folder["in/a.png"], withDestinationPath: "z.png")
        try FileManager.default.linkItem(atPath: folder["in/copy of z.png"], toPath: folder["in/the same.png"])
        #expect(try clip(["index", "in"] + model, in: folder).status == 0)
        let plan = try clip(["dedupe", "--index", "in"], in: folder)
        #expect(plan.status == 0 && plan.lines.count == 1 && plan.errors.contains("1 symbolic link is left out"))
        let record = try plan.record
        #expect(record["kept"] as? String == "in/the same.png" || record["kept"] as? String == "in/z.png")
        let text = try clip(["dedupe", "--index", "in", "--format", "text"], in: folder).text
        let linked = try clip(["dedupe", "--index", "in", "--exact", "--link"], in: folder)
        #expect(linked.status == 0 && text.contains("same "))
        let again = try clip(["dedupe", "--index", "in", "--exact"], in: folder)
        #expect(again.status == 0 && again.output.isEmpty && again.errors.contains("no duplicates"))
        let content = try folder.data("in/a.png")
        for name in ["in/z.png", "in/copy of z.png", "in/the same.png"] {
            #expect(try folder.data(name) == content)
        }
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder["in/a.png"]) == "z.png")
    }

    @Test func `Caption files come out with a score, rows that fail are left out`() throws {
        let folder = try TemporaryFolder()
        try folder.copyPicture("waves.png", to: "w.png")
        let csv = "id,image,caption\n1,w.png,\"waves, \"\"big\"\"\nones\"\n2,missing.png,x\n3,w.png,a\n"
        try folder.write(csv, to: "in.csv")
        let result = try clip(["filter", "--pairs", "in.csv"] + model, in: folder)
        #expect(result.status == 1 && result.errorLines.count == 1 && result.errors.contains("missing.png"))
        let rows = csvRows(result.text.replacing("\n", with: "\r\n"))
        #expect(rows[0] == ["id", "image", "caption", "clip_score"] && rows.map(\.[0]) == ["id", "1", "3"])
        #expect(rows[1][2] == "waves, \"big\"\r\nones")
        let jsonl = #"{"path":"w.png","text":"a","n":[1]}"# + "\nnonsense\n"
        let lines = try clip(["filter", "--pairs", "-"] + model, in: folder, input: jsonl)
        #expect(try lines.records.count == 1 && lines.record["n"] as? [Int] == [1] && lines.errorLines.count == 1)
        let score = try #require(try lines.record["clip_score"] as? Double)
        #expect(abs(score - Double(rows[2][3])!) < 1e-6)
        // A caption that can't be embedded stops nothing either.
        let long = "w.png\t\(Array(repeating: "wave", count: 99).joined(separator: " "))\nw.png\ta\n"
        let short = try clip(["filter", "--pairs", "-", "--long-text", "error"] + model, in: folder, input: long)
        #expect(short.status == 1 && short.lines.count == 1 && short.errorLines.count == 1)
        let high = try clip(["filter", "--pairs", "in.csv", "--threshold", "0.99"] + model, in: folder)
        #expect(high.lines == ["id,image,caption,clip_score"])
    }

    @Test func `Pictures are searched by pictures without a text encoder`() throws {
        let folder = try indexed()
        #expect(try clip(["pack", Fixtures.model, "--images-only", "-o", "io.clip"], in: folder).status == 0)
        #expect(try clip(["index", "in", "-o", "io.index", "--model", "io.clip"], in: folder).status == 0)
        let call = ["search", "--index", "io.index", "--model", "io.clip", "--top", "1"]
        let found = try clip(call + ["--image", "in/a.png"], in: folder)
        #expect(try found.status == 0 && found.record["path"] as? String == "in/a.png", "\(found.errors)")
        #expect(try clip(call + ["a dog"], in: folder).status == 1)
    }

    @Test func `Exports hold what embedding the pictures gives`() throws {
        let folder = try indexed()
        let expected = try clip(["embed-image", "in"] + model, in: folder).records
        #expect(try clip(["vectors", "--index", "in", "-o", "v.npy"], in: folder).status == 0)
        let array = try NumPyArray(folder.data("v.npy"))
        #expect(
            try jsonObject(folder.data("v.npy.json"))["inputs"] as? [String] == expected.map { $0["input"] as! String })
        for (row, record) in expected.enumerated() {
            #expect(largestError(array.row(row), floats(record["embedding"])) < 1e-3)
        }
        let copy = try clip(["vectors", "--index", "in", "--format", "pgcopy"], in: folder).lines
        let columns = copy.map { $0.split(separator: "\t").map(String.init) }
        #expect(columns.map { $0[0] } == expected.map { $0["input"] as! String })
        #expect(columns.allSatisfy { $0.count == 3 && $0[1].hasPrefix("[") && $0[1].hasSuffix("]") })
    }

    @Test func `Killed at any moment it leaves an index that opens and goes on`() throws {
        let folder = try TemporaryFolder()
        let pictures = try ["blocks.png", "ring_grey.png", "waves.png"].map {
            try Data(contentsOf: URL(filePath: Fixtures.pictures + "/" + $0))
        }
        for index in 0..<120 {
            // A comment behind the end changes the bytes, not the picture.
            try folder.write(pictures[index % 3] + Data("\(index)".utf8), to: "in/\(index).png")
        }
        for delay in [0.01, 0.03, 0.05, 0.08, 0.12, 0.2] {
            _ = try ClipProcess.bash(
                "$clip index in --batch-size 3 --model '\(Fixtures.model)' & sleep \(delay); kill -9 $!; wait",
                in: folder.path)
            guard FileManager.default.fileExists(atPath: folder["in/.clip-index"]),
                try folder.data("in/.clip-index").count >= 512
            else { continue }
            let verified = try clip(["index", "--verify", "in"], in: folder).record
            #expect((verified["damaged"] as? [String])?.isEmpty == true)
            #expect((verified["other_damage"] as? [String])?.isEmpty == true)
        }
        let last = try clip(["index", "in"] + model, in: folder).record
        #expect((last["added"] as! Int) + (last["unchanged"] as! Int) == 120)
        let expected = try clip(["embed-image", "in"] + model, in: folder).records
        let found = try clip(["vectors", "--index", "in"], in: folder).records
        #expect(found.count == 120)
        let byPath = Dictionary(uniqueKeysWithValues: found.map { ($0["input"] as! String, floats($0["embedding"])) })
        for record in expected {
            #expect(largestError(byPath[record["input"] as! String]!, floats(record["embedding"])) < 1e-3)
        }
    }

    @Test func `A second writer is refused or waits`() throws {
        let folder = try TemporaryFolder()
        let picture = try Data(contentsOf: URL(filePath: Fixtures.pictures + "/waves.png"))
        for index in 0..<150 { try folder.write(picture + Data("\(index)".utf8), to: "in/\(index).png") }
        let script = """
            $clip index in --batch-size 1 --model '\(Fixtures.model)' -q > first & one=$!
            while [ ! -s in/.clip-index ]; do :; done
            $clip index in --model '\(Fixtures.model)' > second; echo $? > refused
            $clip index in --wait --model '\(Fixtures.model)' > third; echo $? > waited
            wait $one; echo $?
            """
        let result = try ClipProcess.bash(script, in: folder.path)
        #expect(try result.text == "0\n" && folder.text("waited") == "0\n")
        // The first may have ended before the second began.
        if try folder.text("refused") == "1\n" {
            #expect(result.errors.contains("another process is writing this index"))
        }
        #expect(try clip(["index", "--status", "in"], in: folder).record["pictures"] as? Int == 150)
    }

    #if os(Linux)
    @Test func `A full disk is a clear error and leaves what was there`() throws {
        let folder = try indexed()
        let before = try folder.data("in/.clip-index")
        for index in 0..<40 { try folder.copyPicture("blocks.png", to: "in/more/\(index).png") }
        // The limit counts blocks of 1024 bytes.
        let script = "ulimit -f \(before.count / 1024 + 1); $clip index in --model '\(Fixtures.model)'"
        let result = try ClipProcess.bash(script, in: folder.path)
        #expect(result.status == 1 && !result.wasKilled && result.errorLines.count == 1)
        #expect(result.errors.contains("what was indexed before is kept"))
        #expect(try folder.data("in/.clip-index") == before)
        #expect(try clip(["index", "in"] + model, in: folder).record["added"] as? Int == 40)
    }
    #endif
}
