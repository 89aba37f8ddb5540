import CLIPTestSupport
import Foundation
import Testing

/// What `classify` does with its answers: folders of pictures, keywords.
@Suite struct SortingTests {
    private let options = ["--labels", "dog,a/b", "--model", Fixtures.model]

    /// Pictures in `in`, two of one name.
    private func pictures() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (picture, name) in [
            ("waves.png", "in/one.png"), ("blocks.png", "in/x/one.png"), ("speck.png", "in/three.png"),
            ("waves.png", "in/.hidden.png"),
        ] { try folder.copyPicture(picture, to: name) }
        return folder
    }

    private func files(_ folder: TemporaryFolder, _ name: String) throws -> [String: Int] {
        let names = FileManager.default.enumerator(atPath: folder[name])?.allObjects as? [String] ?? []
        var found: [String: Int] = [:]
        for path in names {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder["\(name)/\(path)"])
            if attributes[.type] as? FileAttributeType == .typeDirectory { continue }
            found[path] = try folder.data("\(name)/\(path)").hashValue
        }
        return found
    }

    @Test(arguments: ["copy", "link", "move"])
    func `Pictures go into the folder of their answer, and back`(manner: String) throws {
        let folder = try pictures()
        let before = try files(folder, "in")
        let call = ["classify", "in", "--sort-into", "out", "--sort-by", manner, "--reject"] + options
        let result = try clip(call, in: folder)
        #expect(
            result.status == 0 && result.errors.hasSuffix("clip undo out.undo.jsonl takes it back\n"),
            "\(result.errors)")
        let records = try result.records
        #expect(records.count == 3)
        for record in records {
            let answer = record["answer"] as! String
            let place = record["sorted_to"] as! String
            #expect(place.hasPrefix("out/\(answer == "a/b" ? "a_b" : answer)/"))
            #expect(try folder.data(place).hashValue == before[String((record["input"] as! String).dropFirst(3))])
            let link = try? FileManager.default.destinationOfSymbolicLink(atPath: folder[place])
            #expect((link != nil) == (manner == "link"))
            #expect(FileManager.default.fileExists(atPath: folder[record["input"] as! String]) == (manner != "move"))
        }
        #expect(Set(records.map { $0["sorted_to"] as! String }).count == 3)
        if manner != "move" {
            // What is there already stays as it is.
            let again = try clip(call, in: folder)
            #expect(
                try again.status == 0
                    && again.records.map { $0["sorted_to"] as? String } == records.map { $0["sorted_to"] as? String })
            #expect(!FileManager.default.fileExists(atPath: folder["out.undo-2.jsonl"]))
        }
        let undone = try clip(["undo", "out.undo.jsonl"], in: folder)
        #expect(undone.status == 0, "\(undone.errors)")
        #expect(try files(folder, "in") == before)
        #expect(!FileManager.default.fileExists(atPath: folder["out"]))
    }

    @Test func `Names are kept apart and nothing there is replaced`() throws {
        let folder = try pictures()
        let call = ["classify", "in", "--sort-into", "out", "--labels", "dog", "--model", Fixtures.model]
        let places = try clip(call, in: folder).records.map { $0["sorted_to"] as! String }
        let name = try #require(places.first { $0.hasSuffix("/one.png") })
        try folder.write("mine", to: name)
        #expect(try clip(call, in: folder).records.contains { ($0["sorted_to"] as! String).hasSuffix("/one-2.png") })
        #expect(try folder.text(name) == "mine")
        // Of a picture that was changed since, the copy is not this one.
        let undone = try clip(["undo", "out.undo.jsonl"], in: folder)
        #expect(try undone.status == 1 && undone.errors.contains("has changed since") && folder.text(name) == "mine")
    }

    @Test func `Pictures of an index are sorted by what it knows, and only unchanged`() throws {
        let folder = try pictures()
        #expect(try clip(["index", "in", "--model", Fixtures.model], in: folder).status == 0)
        try folder.write(folder.data("in/one.png") + Data("x".utf8), to: "in/one.png")
        let call = ["classify", "--index", "in", "--labels", "dog,cat", "--sort-into", "out", "--sort-by", "move"]
        let result = try clip(call, in: folder)
        #expect(result.status == 1 && result.errors.contains("in/one.png: can't be sorted into out/"))
        #expect(result.errors.contains("has changed since it was indexed"))
        #expect(try result.records.map { $0["sorted_to"] is String } == [false, true, true])
        let csv = try clip(call + ["--format", "csv"], in: folder)
        #expect(csv.lines[0].hasPrefix("input,label,") && csv.lines[0].contains(",gone,sorted_to,model,"))
    }

    @Test func `What can't be sorted is refused before anything is done`() throws {
        let folder = try pictures()
        for more in [
            ["in", "--sort-into", "in/out"], ["-", "--sort-into", "out"], ["in", "--sort-by", "move"],
            ["in", "--undo-list", "x"],
            ["in", "--keyword-threshold", "0.3"], ["in", "--keywords", "x.txt"],
        ] {
            let result = try clip(["classify"] + more + options, in: folder)
            #expect(result.status == 64 && result.output.isEmpty, "\(more)")
        }
        let semicolon = ["classify", "in", "--labels", "a;b,c", "--keywords", "k.csv", "--model", Fixtures.model]
        #expect(try clip(semicolon, in: folder).errors.contains("semicolon"))
        #expect(!FileManager.default.fileExists(atPath: folder["out"]))
    }

    @Test func `Keywords stand in files beside the pictures, and in a table for exiftool`() throws {
        let folder = try pictures()
        try folder.copyPicture("waves.png", to: "in/a, \"b\".png")
        try folder.write("<mine/>", to: "in/three.png.xmp")
        let labels = ["--labels", "dog,<cat> & co", "--model", Fixtures.model]
        let call = ["classify", "in", "--xmp", "--keywords", "k.csv", "--keyword-threshold", "-1"] + labels
        let result = try clip(call, in: folder)
        #expect(result.status == 1 && result.errors.contains("in/three.png.xmp: is there already and is left alone"))
        let packet = try folder.text("in/one.png.xmp")
        #expect(packet.contains("<rdf:li>&lt;cat&gt; &amp; co</rdf:li>") && packet.contains("<rdf:li>dog</rdf:li>"))
        #expect(try folder.text("in/three.png.xmp") == "<mine/>")
        let table = try folder.text("k.csv")
        #expect(table.hasPrefix("SourceFile,Subject\n\"in/a, \"\"b\"\".png\","))
        #expect(table.split(separator: "\n").count == 5 && table.contains("in/x/one.png,"))
        #expect(table.contains(";"))
        // The same words again are no change; none reach a high cosine.
        #expect(try clip(call, in: folder).errorLines.count { $0.hasPrefix("clip: in/") } == 1)
        let none = try clip(
            ["classify", "in", "--keywords", "none.csv", "--keyword-threshold", "1"] + labels, in: folder)
        #expect(try none.status == 0 && folder.text("none.csv") == "SourceFile,Subject\n")
        #expect(try clip(["undo", "clip.undo.jsonl"], in: folder).status == 0)
        let left = try files(folder, "in").keys.filter { $0.hasSuffix(".xmp") }
        #expect(left == ["three.png.xmp"])
    }
}
