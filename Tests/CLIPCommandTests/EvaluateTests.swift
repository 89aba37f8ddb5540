import CLIPTestSupport
import Foundation
import Testing

@Suite struct EvaluateTests {
    private func labelled() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (picture, name) in [
            ("blocks.png", "blue_blocks/one.png"), ("waves.png", "blue_blocks/deep/two.png"),
            ("speck.png", "speck/one.png"), ("ring_grey.png", "speck/two.png"),
        ] { try folder.copyPicture(picture, to: "sets/\(name)") }
        return folder
    }

    private func records(_ result: ClipProcess, _ kind: String) throws -> [[String: Any]] {
        try result.records.filter { $0["kind"] as? String == kind }
    }

    @Test func `A folder for each label is measured, and a table of paths the same`() throws {
        let folder = try labelled()
        try folder.copyPicture("speck.png", to: "sets/stray.png")
        let options = ["--model", Fixtures.model, "--template", "a {}", "--template", "{}"]
        let read = try clip(["evaluate", "sets", "--html", "page.html"] + options, in: folder)
        #expect(read.status == 0)
        #expect(
            read.errors.contains("1 picture left out for want of a label, such as sets/stray.png"), "\(read.errors)")
        let pictures = try records(read, "picture")
        #expect(pictures.map { $0["label"] as? String } == ["blue blocks", "blue blocks", "speck", "speck"])
        for picture in pictures {
            let answer =
                try clip(
                    ["classify", picture["input"] as! String, "--labels", "blue blocks,speck", "--top", "1"] + options,
                    in: folder
                ).record["labels"] as? [[String: Any]]
            #expect(answer?.first?["label"] as? String == picture["answer"] as? String)
            #expect((picture["rank"] as? Int == 0) == (picture["label"] as? String == picture["answer"] as? String))
        }
        let summary = try #require(try records(read, "summary").first)
        let right = pictures.count { $0["right"] as? Bool == true }
        #expect((summary["top1"] as? NSNumber)?.doubleValue == Double(right) / 4)
        #expect(summary["top5"] is NSNull && summary["pictures"] as? Int == 4 && summary["labels"] as? Int == 2)
        #expect(try records(read, "class").count == 2 && records(read, "template").count == 2)
        let page = try folder.text("page.html")
        #expect(page.contains("<h1>How often the labels are right: 4 pictures, 2 labels</h1>"))

        let lines = pictures.map { "\($0["input"]!),\($0["label"]!)" }.joined(separator: "\n")
        try folder.write("path,label\n\(lines)\n", to: "labels.csv")
        let table = try clip(["evaluate", "labels.csv"] + options, in: folder)
        #expect(table.status == 0 && table.errors.isEmpty, "\(table.errors)")
        #expect(try records(table, "picture").count == 4)
        #expect(
            table.lines.filter { !$0.contains(#""kind":"summary""#) }
                == read.lines.filter { !$0.contains(#""kind":"summary""#) })
    }

    @Test func `An index gives the same as its pictures, which may be gone`() throws {
        let folder = try labelled()
        #expect(try clip(["index", "sets", "--dtype", "f32", "--model", Fixtures.model], in: folder).status == 0)
        let options = ["--template", "{}"]
        let read = try clip(["evaluate", "sets", "--model", Fixtures.model] + options, in: folder)
        let taken = try clip(["evaluate", "sets", "--index", "sets"] + options, in: folder)
        #expect(taken.status == 0 && taken.errors.isEmpty, "\(taken.errors)")
        let keys = ["input", "label", "answer", "rank"]
        func answers(_ result: ClipProcess) throws -> [[String]] {
            try records(result, "picture").map { record in keys.map { "\(record[$0]!)" } }
        }
        #expect(try answers(taken) == answers(read))
        try folder.write(
            "path,label\nsets/speck/one.png,speck\nsets/blue_blocks/one.png,blue blocks\n", to: "labels.csv")
        try folder.remove("sets/speck/one.png")
        let gone = try clip(["evaluate", "labels.csv", "--index", "sets"] + options, in: folder)
        #expect(try gone.status == 0 && records(gone, "picture").count == 2)
    }

    @Test func `Captions look for their pictures, by files and by an index`() throws {
        let folder = try labelled()
        #expect(try clip(["index", "sets", "--dtype", "f32", "--model", Fixtures.model], in: folder).status == 0)
        try folder.write(
            """
            image,caption,reference
            sets/speck/one.png,a speck,a dot
            sets/speck/two.png,a ring,
            sets/speck/one.png,"one, small",
            sets/gone.png,nothing,

            """, to: "captions.csv")
        let read = try clip(["evaluate", "--pairs", "captions.csv", "--model", Fixtures.model], in: folder)
        #expect(
            read.status == 1 && read.errorLines.count == 1 && read.errors.contains("sets/gone.png"), "\(read.errors)")
        #expect(try records(read, "caption").count == 4 && records(read, "picture").count == 2)
        let recall = try #require(try records(read, "retrieval").first)
        let found = try records(read, "caption").count { $0["rank"] as? Int == 0 }
        #expect((recall["image_recall"] as? NSNumber)?.doubleValue == Double(found) / 4 && recall["k"] as? Int == 1)
        let taken = try clip(["evaluate", "--pairs", "captions.csv", "--index", "sets"], in: folder)
        func ranks(_ result: ClipProcess) throws -> [String] {
            try records(result, "caption").map { "\($0["text"]!) \($0["rank"]!)" }
        }
        #expect(try ranks(taken) == ranks(read))
    }

    @Test func `What can't be measured is said`() throws {
        let folder = try labelled()
        func errors(_ arguments: String...) throws -> String {
            let result = try clip(["evaluate", "--model", Fixtures.model] + arguments, in: folder)
            #expect(result.status != 0 && result.output.isEmpty && !result.wasKilled, "\(arguments)")
            return result.errors
        }
        #expect(try errors("nowhere").contains("expected a folder with one of pictures for each label"))
        #expect(try errors("sets/speck").contains("expected sets/speck/<label>/<picture>"))
        try folder.write("path,label\nsets/speck/one.png,speck\n", to: "one.csv")
        #expect(try errors("one.csv").contains("expected at least two labels"))
        try folder.write("path,label\nsets/speck/one.png,speck\nsets/speck/one.png,blue\n", to: "two.csv")
        #expect(try errors("two.csv").contains(#"both "speck" and "blue""#))
        try folder.write("path,class\na.png,b\n", to: "columns.csv")
        #expect(try errors("columns.csv").contains("has no column label but path, class"))
        #expect(try errors("sets", "--pairs", "one.csv").contains("leave out '<folder>'"))
        #expect(try errors("--pairs", "one.csv", "--html", "x.html").contains("'--html x.html' has no effect"))
    }
}
