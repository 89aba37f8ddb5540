import CLIPTestSupport
import Foundation
import Testing

@Suite struct ClassifyTests {
    private let picture = Fixtures.pictures + "/waves.png"

    private func classify(_ arguments: [String], input: Data? = nil, in folder: String? = nil) throws -> ClipProcess {
        try ClipProcess.run(
            ClipProcess.path, ["classify", "--model", Fixtures.model] + arguments, input: input, in: folder)
    }

    private func labels(_ record: [String: Any]) -> [[String: Any]] { record["labels"] as? [[String: Any]] ?? [] }

    @Test func `Labels stand best first, their shares add up, cosines are those of similarity`() throws {
        let result = try classify([picture, "--labels", "dog,cat,a bird"])
        #expect(result.status == 0 && result.errors.isEmpty)
        let record = try #require(try result.records.first)
        #expect(record["input"] as? String == picture && record["model"] is String)
        #expect(record["ambiguous"] is Bool && record["fits_no_label"] is Bool)
        let scores = labels(record)
        #expect(Set(scores.map { $0["label"] as! String }) == ["dog", "cat", "a bird"])
        let shares = scores.map { ($0["probability"] as! NSNumber).floatValue }
        #expect(shares == shares.sorted(by: >) && abs(shares.reduce(0, +) - 1) < 1e-5)
        for score in scores {
            let prompt = "a photo of a \(score["label"]!)"
            let pair = try ClipProcess.run("similarity", "--model", Fixtures.model, picture, prompt).record
            let difference =
                (pair["similarity"] as! NSNumber).floatValue - (score["similarity"] as! NSNumber).floatValue
            #expect(abs(difference) < 1e-5)
        }
    }

    @Test func `Labels come from files and quoted lists, --top cuts`() throws {
        let folder = try TemporaryFolder()
        try folder.write("dog\r\n\n cat \n", to: "labels")
        let result = try classify([picture, "--labels", #""a, b",c"#, "--labels-file", folder["labels"]])
        #expect(Set(labels(try result.record).map { $0["label"] as! String }) == ["a, b", "c", "dog", "cat"])
        let top = try classify([picture, "--labels", "a,b,c", "--top", "1"])
        #expect(labels(try top.record).count == 1)
        let csv = csvRows(try classify([picture, "--labels", #""a, b",c"#, "--format", "csv"]).text)
        #expect(
            csv.first
                == [
                    "input", "label", "probability", "similarity", "ambiguous", "fits_no_label", "model", "input_bytes",
                ])
        #expect(csv.count == 3 && Set(csv.dropFirst().map(\.[1])) == ["a, b", "c"])
    }

    @Test func `Independent scores and an answer stand beside the shares when asked for`() throws {
        let record = try classify([picture, "--labels", "dog,cat", "--independent", "--reject"]).record
        for score in labels(record) {
            let alone = (score["independent"] as! NSNumber).floatValue
            #expect(alone >= 0 && alone <= 1)
        }
        let best = labels(record).first?["label"] as? String
        #expect(record["answer"] as? String == (record["fits_no_label"] as? Bool == true ? "none" : best))
        let plain = try classify([picture, "--labels", "dog,cat"]).record
        #expect(plain["answer"] == nil && labels(plain).first?["independent"] == nil)
    }

    @Test func `Templates change what is compared, and must have a place for the label`() throws {
        let one = try classify([picture, "--labels", "dog,cat", "--template", "a drawing of a {}"])
        let two = try classify([picture, "--labels", "dog,cat", "--template", "a drawing of a {}", "--template", "{}"])
        #expect(one.status == 0 && two.status == 0 && one.output != two.output)
        let wrong = try classify([picture, "--labels", "dog,cat", "--template", "a drawing"])
        #expect(wrong.status == 64 && wrong.errors.hasPrefix("Error: ") && wrong.errors.contains("{}"))
        #expect(try classify([picture, "--labels", "dog,dog"]).status == 64)
    }

    @Test func `The text says what the numbers are`() throws {
        let result = try classify([picture, picture, "--labels", "dog,cat", "--format", "text"])
        #expect(result.lines.count { $0 == picture } == 2)
        #expect(result.lines.count { $0.contains(" %   cosine ") } == 4)
        #expect(result.lines.last == "  share among the 2 labels given, not a probability of being true")
        let one = try classify([picture, "--labels", "dog", "--format", "text"])
        #expect(one.lines.last?.hasPrefix("  one label alone always has the whole share") == true)
        let many = (0..<40).map { "label \($0)" }.joined(separator: ",")
        let few = try classify([picture, "--labels", many, "--format", "text"])
        #expect(few.text.contains("  … 35 more; --top 40 shows all\n"))
    }

    @Test func `Missing labels and a missing label file are told`() throws {
        #expect(try classify([picture]).status == 64)
        let missing = try classify([picture, "--labels-file", "/nowhere/labels"])
        #expect(missing.status == 1 && missing.errors.hasPrefix("clip: /nowhere/labels: can't be read: "))
        let empty = try classify([picture, "--labels-file", "-"], input: Data("\n\n".utf8))
        #expect(empty.status == 1 && empty.errors == "clip: standard input: holds no labels, expected one a line\n")
    }

    @Test func `Labels that are one to the model are refused, and what was meant is said`() throws {
        for labels in ["cat,cat", "Cat,cat,CAT", "a  dog,a dog", "bird,fish,\u{a0}Bird"] {
            let same = try classify([picture, "--labels", labels])
            #expect(same.status == 64 && same.output.isEmpty, "\(labels): \(same.errors)")
        }
        #expect(try classify([picture, "--labels", "cat,dog,", "--long-text", "error"]).status == 0)
        let words = try classify(["--labels", "dog", "cat", picture])
        #expect(words.status == 64 && words.errors.contains(#"--labels "dog,cat""#), "\(words.errors)")
        // A picture that is missing is one picture's fault.
        let missing = try classify(["--labels", "dog", "cat.png", picture])
        #expect(missing.status == 1 && missing.lines.count == 1)
        let dash = try classify([picture, "--labels", "-dog"])
        #expect(dash.status == 64 && dash.errors.contains("'--labels=-dog'"))
        let negative = try classify([picture, "--labels=cat,-dog"])
        #expect(negative.status == 0 && negative.errors.contains("excludes nothing"))
    }

    @Test func `A label that is cut is told by every command`() throws {
        let folder = try TemporaryFolder()
        try folder.copyPicture("waves.png", to: "in/a.png")
        try folder.copyPicture("blocks.png", to: "in/b.png")
        let long = Array(repeating: "word", count: 99).joined(separator: " ")
        _ = try ClipProcess.run("index", "in", "--model", Fixtures.model, in: folder.path)
        for arguments in [
            ["classify", "in", "--labels", "dog,\(long)"], ["audit", "in", "--labels", "dog|\(long),cat"],
            ["cluster", "--index", "in", "--labels", "dog,\(long)"], ["filter", "--index", "in", "--keep", long],
            ["filter", "--index", "in", "--drop", long], ["search", long, "--index", "in"],
            ["search", "dog", "--minus", long, "--index", "in"], ["score", "in/a.png", long],
            ["similarity", "in/a.png", long], ["explain", "in/a.png", long, "--cells", "1"], ["embed-text", long],
        ] {
            let result = try ClipProcess.run(
                ClipProcess.path, arguments + ["--model", Fixtures.model], in: folder.path)
            #expect(
                result.status == 0 && result.errors.contains("the end is dropped"), "\(arguments[0]): \(result.errors)")
        }
        let refused = try ClipProcess.run(
            "filter", "--index", "in", "--keep", long, "--long-text", "error", "--model", Fixtures.model,
            in: folder.path)
        #expect(refused.status == 1 && refused.errors.contains("tokens"))
    }

    @Test func `The embedded model says that it only demonstrates`() throws {
        let note = "clip: note: answered by the small demonstration model"
        let answer = try ClipProcess.run("classify", picture, "--labels", "dog,cat")
        #expect(answer.status == 0 && answer.errorLines.count == 1 && answer.errors.contains(note))
        #expect(answer.errors.contains("\"clip help pull\""))
        #expect(try ClipProcess.run("classify", picture, "--labels", "dog,cat", "--quiet").errors.isEmpty)
        #expect(try classify([picture, "--labels", "dog,cat"]).errors.isEmpty)
        let named = try ClipProcess.run(
            ClipProcess.path, ["embed-text", "a"], environment: ["CLIP_MODEL": Fixtures.model])
        #expect(named.errors.isEmpty)
    }

    @Test func `Where nothing is answered the embedded model isn't spoken of`() throws {
        let folder = try TemporaryFolder()
        try folder.copyPicture("waves.png", to: "in/a.png")
        try folder.copyPicture("waves.png", to: "in/b.png")
        func errors(_ arguments: String...) throws -> [String] {
            try ClipProcess.run(ClipProcess.path, arguments, in: folder.path).errorLines
        }
        let note = "clip: note: answered by"
        #expect(try errors("index", "in").first?.hasPrefix(note) ?? false)
        #expect(try errors("search", "a dog", "--index", "in").first?.hasPrefix(note) ?? false)
        for silent in [
            ["index", "in"], ["dedupe", "in", "--exact"], ["tokenize", "a dog"], ["info"],
            ["preprocess", "in/a.png", "-o", "x.npy"], ["embed-text", "a", "--model", "embedded"],
            ["index", "in", "--model", "embedded"], ["verify", "embedded", "-q"],
        ] {
            let result = try ClipProcess.run(ClipProcess.path, silent, in: folder.path)
            #expect(result.status == 0 && result.errors.isEmpty, "\(silent): \(result.errors)")
        }
        let missing = try errors("classify", "nowhere.png", "--labels", "dog,cat")
        #expect(missing.count == 1 && missing[0].hasPrefix("clip: nowhere.png"))
        // A folder of that name comes first.
        try folder.makeFolder("embedded")
        #expect(
            try errors("embed-text", "a", "--model", "embedded").first?.hasPrefix("clip: embedded: has neither")
                ?? false)
    }

    @Test func `To the embedded model words without meaning fit nothing`() throws {
        let folder = try TemporaryFolder()
        let examples = URL(filePath: Fixtures.path + "/../../../Models/examples").standardizedFileURL.path
        let index = try ClipProcess.run("index", examples, "-o", "x.index", "-q", in: folder.path)
        #expect(index.status == 0)
        func fits(_ text: String) throws -> [Bool?] {
            try ClipProcess.run("search", text, "--index", "x.index", "--top", "30", "-q", in: folder.path).records.map
            {
                $0["fits"] as? Bool
            }
        }
        for word in ["qwertz", "asdf", "asdfghjkl", "nothing", "an empty scene", "justice"] {
            #expect(try fits(word).allSatisfy { $0 == false }, "\(word)")
            let kept = try ClipProcess.run("filter", "--index", "x.index", "--keep", word, "-q", in: folder.path)
            #expect(kept.status == 0 && kept.lines.isEmpty)
        }
        for word in ["guitar", "cactus", "dog"] { #expect(try fits(word).first == true, "\(word)") }
    }
}
