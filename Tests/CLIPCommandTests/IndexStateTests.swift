import CLIPTestSupport
import Foundation
import Testing

/// An index that isn't whole, and one that the files have moved on from.
@Suite struct IndexStateTests {
    private let folder: TemporaryFolder
    private let model = ["--model", Fixtures.model]

    init() throws {
        folder = try TemporaryFolder()
        for (index, picture) in ["blocks.png", "ring_grey.png", "speck.png", "waves.png"].enumerated() {
            try folder.copyPicture(picture, to: "in/\(index).png")
            // Times that are not of this second.
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: folder["in/\(index).png"])
        }
        #expect(try clip(["index", "in"] + model).status == 0)
    }

    private func clip(_ arguments: [String]) throws -> ClipProcess {
        try ClipProcess.run(ClipProcess.path, arguments, in: folder.path)
    }

    @Test(arguments: [512, 600, 0.5, 0.9, -1, -64] as [Double]) func `Half a copy is told by whatever reads it`(
        _ cut: Double
    ) throws {
        let whole = try folder.data("in/.clip-index")
        let end = cut < 0 ? whole.count + Int(cut) : cut < 1 ? Int(cut * Double(whole.count)) : Int(cut)
        try folder.write(whole.prefix(end), to: "in/half")
        let missing = "in/half: the end of the index is missing"
        for command in [
            ["search", "a"], ["outliers"], ["filter", "--keep", "a"], ["cluster"], ["dedupe"],
            ["index", "--status", "in/half"],
        ] {
            let options = command[0] == "index" ? [] : ["--index", "in/half"]
            let result = try clip(command + options + (["search", "filter"].contains(command[0]) ? model : []))
            #expect(result.status == 0 && result.errors.contains(missing), "\(command): \(result.errors)")
        }
        let verified = try clip(["index", "--verify", "in/half"])
        #expect(verified.status == 1 && verified.errors.contains(missing))
        #expect(try verified.record["intact"] as? Bool == false)
        let status = try clip(["index", "--status", "in/half", "--format", "text"])
        #expect(status.text.contains("the end       is missing"))
        for command in [
            ["vectors", "-o", "v.npy"], ["dedupe", "--move-to", "away"], ["dedupe", "--link"],
        ] {
            let result = try clip(command + ["--index", "in/half"])
            #expect(result.status == 1 && result.errors.contains(missing) && result.output.isEmpty)
        }
        #expect(try folder.contents() == ["in"])
        // A whole one says nothing of the kind.
        #expect(try clip(["index", "--verify", "in"]).status == 0)
        // Indexing makes it whole again.
        let again = try clip(["index", "in", "-o", "in/half"] + model)
        #expect(again.status == 0 && again.errors.contains("in/half: the end of the index was missing") == (end > 512))
        #expect(try clip(["index", "--verify", "in/half"]).status == 0)
    }

    @Test func `The status says what is gone, new and changed since`() throws {
        func status(_ arguments: String...) throws -> [String: Any] {
            try clip(["index", "--status"] + arguments).record
        }
        let before = try status("in")
        #expect(before["gone"] as? Int == 0 && before["new"] as? Int == 0 && before["changed"] as? Int == 0)
        try FileManager.default.removeItem(atPath: folder["in/0.png"])
        try folder.copyPicture("waves.png", to: "in/new")
        try folder.copyPicture("speck.png", to: "in/1.png")
        let after = try status("in")
        #expect(after["gone"] as? Int == 1 && after["new"] as? Int == 1 && after["changed"] as? Int == 1)
        #expect(try clip(["index", "--status", "in", "--format", "text"]).text.contains("1 gone, 1 new, 1 changed"))
        // An index that lies elsewhere knows its pictures, and the folders that are named.
        try FileManager.default.moveItem(atPath: folder["in/.clip-index"], toPath: folder["in/i.idx"])
        let elsewhere = try status("in/i.idx")
        #expect(elsewhere["gone"] as? Int == 1 && elsewhere["new"] is NSNull && elsewhere["changed"] as? Int == 1)
        let named = try status("in", "-o", "in/i.idx")
        #expect(named["new"] as? Int == 1 && named["gone"] as? Int == 1)
    }

    @Test func `Results whose file is gone are marked, and don't count`() throws {
        try FileManager.default.removeItem(atPath: folder["in/3.png"])
        let hits = try clip(["search", "--image", "in/0.png", "--index", "in", "--top", "3", "--no-update"]).records
        let byPath = Dictionary(uniqueKeysWithValues: hits.map { ($0["path"] as! String, $0) })
        #expect(hits.count { $0["gone"] as? Bool == false } == 3)
        #expect(hits.compactMap { $0["rank"] as? Int } == [1, 2, 3])
        if let gone = byPath["in/3.png"] { #expect(gone["gone"] as? Bool == true && gone["rank"] is NSNull) }
        let all = try clip(["search", "--image", "in/0.png", "--index", "in", "--format", "text", "--no-update"])
        #expect(
            all.lines.count { $0.hasSuffix("in/3.png  gone") } == 1 && all.lines.count { $0.hasSuffix("  gone") } == 1)

        let outliers = try clip(["outliers", "--index", "in", "--top", "3"]).records
        #expect(outliers.count { $0["gone"] as? Bool == false } == 3)
        let kept = try clip(["filter", "--index", "in", "--keep", "a", "--show", "all", "--format", "text"] + model)
        #expect(kept.text.contains("of 3 pictures stay") && kept.lines.count { $0.hasSuffix("  gone") } == 1)
        let clusters = try clip(["cluster", "--index", "in", "--count", "1"]).records
        #expect(clusters.first?["size"] as? Int == 3 && clusters.first?["gone"] as? [String] == ["in/3.png"])
        for command in [["search", "--image", "in/0.png", "--no-update"], ["outliers"], ["cluster", "--count", "1"]] {
            let result = try clip(command + ["--index", "in", "--html", "page.html", "-q"])
            #expect(result.status == 0)
            #expect(try folder.text("page.html").contains(">gone<"), "\(command)")
        }
    }

    @Test func `Pruning doesn't believe that all are gone`() throws {
        try FileManager.default.moveItem(atPath: folder["in/.clip-index"], toPath: folder["i.idx"])
        try FileManager.default.moveItem(atPath: folder["in"], toPath: folder["away"])
        try FileManager.default.createSymbolicLink(atPath: folder["in"], withDestinationPath: folder["nowhere"])
        try clip(["index", "--prune", "i.idx"]).expect(status: 1, containing: "holds no pictures any more")
        #expect(try clip(["index", "--status", "i.idx"]).record["pictures"] as? Int == 4)
        let kept = try clip(["index", "--prune", "i.idx", "--format", "text"])
        #expect(
            kept.text == "i.idx: 4 kept, none found\n"
                && kept.errors.contains("\"clip index --prune i.idx --allow-empty\""))
        #expect(try clip(["index", "--prune", "i.idx", "--allow-empty"]).status == 0)
        #expect(try clip(["index", "--status", "i.idx"]).record["pictures"] as? Int == 0)
    }

    @Test func `More clusters than pictures are as many as there are pictures`() throws {
        try folder.copyPicture("waves.png", to: "in/again.png")
        #expect(try clip(["index", "in"] + model).status == 0)
        let result = try clip(["cluster", "--index", "in", "--count", "99999"])
        #expect(result.status == 0)
        #expect(try result.records.map { $0["size"] as? Int } == [2, 1, 1, 1])
    }

    @Test func `An interrupted run says what is kept`() throws {
        let picture = try Data(contentsOf: URL(filePath: Fixtures.pictures + "/waves.png"))
        for index in 0..<400 { try folder.write(picture + Data("\(index)".utf8), to: "more/\(index).png") }
        let script = """
            $clip index more --batch-size 1 --model '\(Fixtures.model)' & one=$!
            while [ ! -s more/.clip-index ] || [ $(stat -c %s more/.clip-index) -lt 9000 ]; do :; done
            kill -INT $one; wait $one; echo $?
            """
        // Bash starts what runs beside it with interrupts ignored, unless it controls jobs.
        let result = try ClipProcess.bash("set -m\n" + script, in: folder.path)
        guard result.lines.last == "130" else {
            // It had ended before.
            #expect(result.lines.last == "0")
            return
        }
        let said = try #require(result.errorLines.first { $0.hasPrefix("clip: interrupted: ") })
        let words = said.split(separator: " ").compactMap { Int($0) }
        let kept = try clip(["index", "--status", "more"]).record["pictures"] as? Int ?? 0
        // The last of them may have reached the disk, but not the sentence.
        #expect(words.count == 2 && words[1] == 400 && (words[0]...words[0] + 1).contains(kept))
        #expect(try clip(["index", "more"] + model).record["unchanged"] as? Int == kept)
    }

    @Test func `What is on a disk that isn't mounted is counted, and no more of it is shown than asked for`() throws {
        for name in 0..<4 { try FileManager.default.removeItem(atPath: folder["in/\(name).png"]) }
        for command in [["search", "a"] + model, ["outliers"]] {
            let result = try clip(command + ["--index", "in", "--top", "2"])
            #expect(try result.status == 0 && result.records.count == 2, "\(command)")
            #expect(try result.records.allSatisfy { $0["gone"] as? Bool == true && $0["rank"] is NSNull })
            let text = try clip(command + ["--index", "in", "--top", "2", "--format", "text"])
            #expect(text.text.contains("4 left out of the count, since the file is gone"))
        }
        let duplicates = try clip(["dedupe", "--index", "in", "--threshold", "0"])
        #expect(duplicates.errors.contains("4 left out of the count, since the file is gone: index again"))
    }

    @Test func `Copies are counted once, and small indexes have a size`() throws {
        try folder.write(folder.data("in/0.png"), to: "in/copy.png")
        let result = try clip(["index", "in", "--format", "text"] + model)
        #expect(result.text.contains("1 added (1 of them copies), 4 unchanged"), "\(result.text)")
        let status = try clip(["index", "--status", "in", "--format", "text"])
        #expect(status.text.contains(" kB\n") && !status.text.contains("0.0 MB"))
    }

    @Test func `A table without lines has the header that it has with them`() throws {
        for (command, none, some) in [
            (["search", "a"] + model, ["--threshold", "1"], []),
            (["filter", "--keep", "a", "--show", "kept"] + model, ["--threshold", "1"], ["--threshold", "-1"]),
            (["dedupe"], ["--exact"], ["--threshold", "-1"]),
        ] {
            let empty = try clip(command + none + ["--index", "in", "--format", "csv"])
            #expect(empty.status == 0 && empty.lines.count == 1 && empty.text.hasSuffix("\r\n"), "\(empty.text)")
            let rows = try clip(command + some + ["--index", "in", "--format", "csv"])
            #expect(
                rows.text.hasPrefix(empty.text) && rows.text.count > empty.text.count, "\(rows.text) \(rows.errors)")
        }
        let list = try folder.write("", to: "none.txt")
        let empty = try clip(["embed-text", "--file", list, "--format", "csv"] + model)
        let texts = try clip(["embed-text", "a", "--format", "csv"] + model)
        #expect(empty.text.hasPrefix("input,e0,e1,") && texts.text.hasPrefix(empty.text))
    }
}

extension ClipProcess {
    fileprivate func expect(status: Int32, containing words: String) {
        #expect(self.status == status && errors.contains(words))
    }
}

/// Names that are no UTF-8, which file systems on Linux take.
#if os(Linux)
@Suite struct NameBytesTests {
    private let name = Data("in/caf".utf8) + Data([0xE9]) + Data(".png".utf8)

    private func run(_ line: String, in folder: TemporaryFolder) throws -> ClipProcess {
        try ClipProcess.bash(
            "name=\"in/$(printf 'caf\\351').png\"; " + line, in: folder.path, environment: ["model": Fixtures.model])
    }

    private func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.copyPicture("waves.png", to: "in/b.png")
        #expect(try run("cp in/b.png \"$name\"", in: folder).status == 0)
        return folder
    }

    private func bytes(_ value: Any?) -> Data? { (value as? String).flatMap { Data(base64Encoded: $0) } }

    @Test(arguments: [
        ("embed-image in --model $model", "input"), ("classify in --model $model --labels dog,cat", "input"),
        ("similarity \"$name\" in/b.png --model $model", "a"), ("score \"$name\" words --model $model", "image"),
        ("explain \"$name\" words --model $model", "image"), ("audit in --labels dog,cat --model $model", "input"),
    ]) func `Records carry the bytes, and they open the file again`(_ command: String, _ field: String) throws {
        let folder = try folder()
        let result = try run("$clip " + command + " --format jsonl", in: folder)
        #expect(result.status == 0 && result.errors.isEmpty)
        let records = try result.records
        let lossy = records.filter { $0[field] as? String == "in/caf\u{FFFD}.png" }
        #expect(lossy.count == 1 && bytes(lossy.first?[field + "_bytes"]) == name)
        #expect(records.count { $0[field + "_bytes"] != nil } == 1)
    }

    @Test func `Tables hold names as they are, whatever their characters`() throws {
        let folder = try folder()
        for name in ["in/\u{1B}[31m.png", "in/x\u{2028}y.png", "in/\"q\", \u{7}.png"] {
            try folder.copyPicture("blocks.png", to: name)
            let result = try ClipProcess.run(
                "embed-image", name, "--model", Fixtures.model, "--format", "csv", in: folder.path)
            let table = csvRows(result.text)
            #expect(table.count == 2 && table[1].first == name && table[1].last == "")
        }
    }

    @Test func `Tables and the file beside an array carry them too`() throws {
        let folder = try folder()
        for command in ["embed-image in", "classify in --labels dog"] {
            let table = csvRows(try run("$clip \(command) --model $model --format csv", in: folder).text)
            try #require(table.count == 3)
            #expect(table[0].last == "input_bytes" && table.allSatisfy { $0.count == table[0].count })
            #expect(table[1].last == "" && bytes(table[2].last) == name)
        }
        #expect(try run("$clip embed-image in --model $model -o x.npy", in: folder).status == 0)
        let sidecar = try jsonObject(folder.data("x.npy.json"))
        #expect((sidecar["input_bytes"] as? [String: String])?.mapValues { bytes($0) } == ["1": name])
        let again = try run(
            "grep -o '\"1\":\"[^\"]*' x.npy.json | cut -d'\"' -f4 | base64 -d | $clip embed-image --files-from - -0 --model $model",
            in: folder)
        let reopened = try again.record
        #expect(again.status == 0 && bytes(reopened["input_bytes"]) == name)
    }

    @Test func `A file that fails is named by its bytes in an index, and a folder so named has one`() throws {
        let folder = try folder()
        let result = try run("echo bad > \"$name\"; $clip index in --model $model --format json", in: folder)
        let failed = try jsonObject(result.output)["failed"] as? [[String: Any]]
        #expect(result.status == 1 && bytes(failed?.first?["input_bytes"]) == name)
        let named = try run(
            "d=\"$(printf 'd\\351')\"; mkdir \"$d\"; cp in/b.png \"$d\"; $clip index \"$d\" --model $model --format json; ls -A \"$d\"",
            in: folder)
        #expect(
            named.status == 0 && named.text.contains("\"added\":1")
                && named.lines.suffix(2) == [".clip-index", "b.png"])
    }
}
#endif
