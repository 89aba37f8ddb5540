import CLIPTestSupport
import Foundation
import Testing

@Suite struct ScoreTests {
    private func score(_ arguments: String..., input: String? = nil) throws -> ClipProcess {
        try ClipProcess.run(
            ClipProcess.path, ["score", "--model", Fixtures.model] + arguments, input: input.map { Data($0.utf8) },
            in: Fixtures.pictures)
    }

    @Test func `A caption's score is its cosine stretched`() throws {
        let result = try score("waves.png", "a dog", "a cat", "--reference", "a dog")
        #expect(result.status == 0 && result.errors.isEmpty)
        let cosines = try ClipProcess.run(
            "similarity", "--model", Fixtures.model, "waves.png", "a dog", "a cat", in: Fixtures.pictures
        ).records.map { ($0["similarity"] as! NSNumber).floatValue }
        let records = try result.records
        try #require(records.count == 2)
        for (record, cosine) in zip(records, cosines) {
            #expect(abs((record["similarity"] as! NSNumber).floatValue - cosine) < 1e-6)
            #expect(abs((record["clip_score"] as! NSNumber).floatValue - 2.5 * max(cosine, 0)) < 1e-6)
            #expect(record["ref_clip_score"] is NSNumber && (record["model"] as? String)?.count == 64)
        }
    }

    @Test func `Pairs stream through in order, and a bad line stops nothing`() throws {
        let lines = [
            #"{"image":"waves.png","text":"a dog","references":["a puppy"]}"#, "nonsense",
            "blocks.png\ta cat", "nowhere.png\ta dog", "", #"{"image":"blocks.png","caption":"a dog"}"#,
            #"{"image":"waves.png","text":7}"#, "waves.png\ta cat\ta kitten\ta cat",
        ]
        let result = try score("--pairs", "-", "--batch-size", "2", input: lines.joined(separator: "\n"))
        #expect(result.status == 1)
        #expect(
            try result.records.map { $0["image"] as? String } == ["waves.png", "blocks.png", "blocks.png", "waves.png"])
        #expect(try result.records.map { $0["text"] as? String } == ["a dog", "a cat", "a dog", "a cat"])
        #expect(
            result.errorLines.map { $0.prefix(34) }.sorted() == [
                "clip: nowhere.png: can't be opened", "clip: standard input: line 2: expe",
                "clip: standard input: line 7: expe",
            ])
        let csv = csvRows(
            try score("--pairs", "-", "--template", "A photo depicts {}", "--format", "csv", input: lines[2]).text)
        #expect(
            csv.first == ["image", "text", "similarity", "clip_score", "ref_clip_score", "model", "image_bytes"]
                && csv.count == 2)
        let empty = try score("--pairs", "-", input: "\n")
        #expect(empty.status == 1 && empty.errors.contains("holds no pairs"))
    }

    @Test func `Tables of pairs score as their lines do`() throws {
        let folder = try TemporaryFolder()
        let image = Fixtures.pictures + "/waves.png"
        let files = [
            "lines": "\(image)\ta dog\ta puppy\ta hound",
            "a.jsonl": #"{"file":"\#(image)","title":"a dog","references":["a puppy","a hound"]}"#,
            "a.csv": "reference_1,text,path,reference_2\r\na puppy,\"a dog\",\(image),a hound\r\n",
            "a.tsv": "reference_1\ttext\tpath\treference_2\na puppy\ta dog\t\(image)\ta hound\n",
        ]
        let expected = try score(image, "a dog", "--reference", "a puppy", "--reference", "a hound").lines
        for (name, content) in files {
            let path = try folder.write(content, to: name)
            let result = try score("--pairs", path)
            #expect(
                result.status == 0 && result.errors.isEmpty && result.lines == expected, "\(name): \(result.errors)")
            // The other command with pairs reads the same.
            let filtered = try ClipProcess.run("filter", "--model", Fixtures.model, "--pairs", path)
            #expect(filtered.status == 0 && filtered.errors.isEmpty && filtered.text.contains("a hound"), "\(name)")
        }
        let tabs = try ClipProcess.run("filter", "--model", Fixtures.model, "--pairs", folder["lines"]).lines
        let cosine = try #require(try score(image, "a dog").record["similarity"] as? Double)
        #expect(try abs(#require(Double(tabs[0].split(separator: "\t")[4])) - cosine) < 1e-6)
        let named = try score("--pairs", folder["a.csv"], "--caption-column", "reference_1")
        #expect(try named.record["text"] as? String == "a puppy")
        let headless = try score("--pairs", folder["lines"], "--pairs-format", "tsv")
        #expect(headless.status == 1 && headless.errorLines.count == 1 && headless.errors.contains("--image-column"))
        // As the message says: a .tsv without a header is read as lines.
        let bare = try folder.write(Data("\(image)\ta dog\n".utf8), to: "bare.tsv")
        #expect(try score("--pairs", bare).errors.contains("--pairs-format lines"))
        #expect(try score("--pairs", bare, "--pairs-format", "lines").record["text"] as? String == "a dog")
        #expect(try score("waves.png", "a dog", "--image-column", "x").status == 64)
    }

    @Test func `Rows of CSV that don't fit are named, and swallow nothing`() throws {
        let folder = try TemporaryFolder()
        let image = Fixtures.pictures + "/waves.png"
        func run(_ rows: String) throws -> [ClipProcess] {
            let path = try folder.write(rows, to: "in.csv")
            return [
                try score("--pairs", path), try ClipProcess.run("filter", "--model", Fixtures.model, "--pairs", path),
            ]
        }
        let good = "\(image),a dog\n"
        for result in try run("image,caption\n\(good)\(image),\"two\nlines\"\n\(image),\"open\n\(good)\(good)") {
            #expect(result.status == 1 && result.errorLines.count == 1 && result.text.contains("a dog"))
            #expect(result.errors.contains("line 5: the quoted value") && result.errors.contains("2 lines behind"))
            #expect(!result.text.contains("open"))
        }
        for row in ["\(image),a dog, brown\n", "\(image),\"a\" dog\n"] {
            for result in try run("image,caption\n\(row)\(good)") {
                #expect(result.status == 1 && result.errors.contains("line 2: "), "\(result.errors)")
                #expect(result.text.contains("a dog") && result.errorLines.count == 1)
            }
        }
        // A quote inside a value is text.
        #expect(
            try score("--pairs", folder.write("image,caption\n\(image),a 5\" disk\n", to: "q.csv")).record["text"]
                as? String == "a 5\" disk")
        for result in try run("image,caption,caption\n\(image),a dog,a cat\n") {
            #expect(result.status == 1 && result.errors.contains("2 columns named caption"))
        }
    }

    @Test func `Damaged pairs are refused line by line`() throws {
        var random = SeededGenerator(seed: 7)
        let good = Array(#"{"image":"waves.png","text":"a dog","references":["a puppy"]}"#.utf8)
        var lines: [UInt8] = []
        for _ in 0..<3000 {
            var line = good
            for _ in 0...Int(random.next() % 3) {
                let place = Int(random.next() % UInt64(line.count))
                // The line must stay one.
                line[place] = UInt8(random.next() % 245 + 11)
            }
            lines += line + [10]
        }
        let folder = try TemporaryFolder()
        let path = try folder.write(Data(lines), to: "damaged")
        for format in ["lines", "csv", "tsv"] {
            let result = try ClipProcess.run(
                "score", "--model", Fixtures.model, "--pairs", path, "--pairs-format", format, in: Fixtures.pictures)
            #expect(!result.wasKilled && result.status == 1, "\(format)")
        }
    }

    @Test func `Two sources of pairs are one too many`() throws {
        #expect(try score("waves.png").status == 64)
        #expect(try score("waves.png", "a dog", "--pairs", "-").status == 64)
        #expect(try score("--pairs", "-", "--reference", "x").status == 64)
        #expect(try score("waves.png", "a dog", "--template", "x").status == 64)
    }
}

@Suite struct CompareTests {
    @Test func `A folder is no distance from itself`() throws {
        let result = try ClipProcess.run(
            "compare", "--model", Fixtures.model, Fixtures.pictures, Fixtures.pictures, "--resamples", "40")
        #expect(result.status == 0 && result.errors.isEmpty)
        let record = try result.record
        #expect(
            (record["distance"] as! NSNumber).doubleValue < 1e-4 && (record["chance"] as! NSNumber).doubleValue == 1)
        #expect((record["interval"] as? [Any])?.count == 2)
    }

    @Test func `A folder of one picture can't be compared`() throws {
        let folder = try TemporaryFolder()
        try folder.copyPicture("waves.png", to: "waves.png")
        let result = try ClipProcess.run("compare", "--model", Fixtures.model, folder.path, Fixtures.pictures)
        #expect(result.status == 1 && result.output.isEmpty)
        #expect(result.errors.hasSuffix("1 pictures that can be read, expected at least 2\n"))
    }
}

@Suite struct ExplainTests {
    @Test func `The numbers go out, the drawing into its file`() throws {
        let folder = try TemporaryFolder()
        let map = folder.path + "/map.png"
        let result = try ClipProcess.run(
            "explain", "--model", Fixtures.model, "--cells", "3", "waves.png", "a red dog", "-o", map,
            in: Fixtures.pictures)
        #expect(result.status == 0 && result.errors.isEmpty)
        let record = try result.record
        #expect((record["drops"] as? [[Any]])?.map(\.count) == [3, 3, 3])
        #expect((record["words"] as? [[String: Any]])?.map { $0["word"] as? String } == ["a", "red", "dog"])
        #expect(try Data(contentsOf: URL(filePath: map)).starts(with: [0x89, 0x50, 0x4E, 0x47]))
        let text = try ClipProcess.run(
            "explain", "--model", Fixtures.model, "--cells", "2", "waves.png", "a dog", "--format", "text",
            in: Fixtures.pictures)
        #expect(text.lines.first == "waves.png: a dog" && text.text.contains("not why"))
        let word = try #require(text.lines.first { $0.contains("without \"dog\"") })
        #expect(word.firstMatch(of: /^  without "dog"  cosine -?\d\.\d{3}  \(\d\.\d{3} (lower|higher)\)$/) != nil)
    }

    @Test func `What can't be explained is said`() throws {
        let missing = try ClipProcess.run("explain", "--model", Fixtures.model, "nowhere.png", "a dog")
        #expect(missing.status == 1 && missing.errors.hasPrefix("clip: nowhere.png: can't be read"))
        let crops = try ClipProcess.run("explain", "waves.png", "a dog", "--fit", "multicrop")
        #expect(crops.status == 64)
    }
}

@Suite struct AuditCommandTests {
    @Test func `Every picture, label and group has its record, and a page shows them`() throws {
        let folder = try TemporaryFolder()
        try folder.copyPicture("waves.png", to: "<b>&\"x\".png")
        try folder.copyPicture("blocks.png", to: "blocks.png")
        try folder.copyPicture("waves.png", to: "waves.png")
        let groups = try folder.write(
            Data("path,group\n\"<b>&\"\"x\"\".png\",one\nblocks.png,two\nwaves.png,one\n".utf8), to: "groups.csv")
        let page = folder.path + "/audit.html"
        let result = try ClipProcess.run(
            "audit", "--model", Fixtures.model, folder.path, "--labels", "dog|puppy,cat", "--groups", groups, "--html",
            page)
        #expect(result.status == 0 && result.errors == "clip: note: skipped 1 file in \(folder.path): 1 CSV\n")
        let records = try result.records
        let kinds = Dictionary(grouping: records) { $0["kind"] as? String ?? "" }.mapValues(\.count)
        #expect(kinds == ["picture": 3, "label": 2, "association": 4, "summary": 1])
        #expect(records.compactMap { $0["group"] as? String }.filter { $0 == "one" }.count == 4)
        let html = String(decoding: try Data(contentsOf: URL(filePath: page)), as: UTF8.self)
        #expect(html.contains("<h2 id=\"s0\">") && !html.contains("<b>"))
    }

    @Test func `A label that is too long is an error where that is asked for`() throws {
        let long = Array(repeating: "dog", count: 99).joined(separator: " ")
        for (rule, status) in [("truncate", 0), ("error", 1)] as [(String, Int32)] {
            let result = try ClipProcess.run(
                "audit", "--model", Fixtures.model, Fixtures.pictures, "--labels", "\(long),cat", "--long-text", rule)
            #expect(result.status == status && result.errors.contains("tokens"), "\(result.errors)")
        }
    }

    @Test func `What is missing is said`() throws {
        #expect(try ClipProcess.run("audit", Fixtures.pictures).status == 64)
        let folder = try TemporaryFolder()
        let groups = try folder.write(Data("path,group\nelsewhere.png,one\n".utf8), to: "groups.csv")
        let result = try ClipProcess.run(
            "audit", "--model", Fixtures.model, Fixtures.pictures, "--labels", "dog,cat", "--groups", groups)
        #expect(result.status == 1 && result.errors.contains("none of its paths is among the pictures"))
        let broken = try folder.write(Data("path,group\nno comma\n".utf8), to: "broken.csv")
        let unread = try ClipProcess.run(
            "audit", "--model", Fixtures.model, Fixtures.pictures, "--labels", "dog,cat", "--groups", broken)
        #expect(unread.status == 1 && unread.errors.contains("line 2: expected a path, a comma and a group"))
    }
}
