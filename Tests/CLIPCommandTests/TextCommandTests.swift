import CLIPTestSupport
import Foundation
import Testing

@Suite struct TextCommandTests {
    private func run(
        _ command: String, _ arguments: [String], input: Data? = nil, model: String = Fixtures.model
    ) throws -> ClipProcess {
        try ClipProcess.run(ClipProcess.path, [command, "--model", model] + arguments, input: input)
    }

    private static let long = String(repeating: "a photo of ", count: 30) + "zebras"

    @Test(arguments: Fixtures.models)
    func `Tokens and embeddings are the reference's`(model: String) throws {
        let golden = try #require(try Fixtures.golden(model)["texts"] as? [[String: Any]])
        let texts = golden.map { $0["text"] as! String }
        let tokens = try run("tokenize", ["--"] + texts, model: model)
        #expect(try tokens.records.map { $0["tokens"] as? [Int] } == golden.map { $0["tokens"] as? [Int] })
        #expect(try tokens.records.map { $0["input"] as? String } == texts)
        let embeddings = try run("embed-text", ["--no-normalize", "--"] + texts, model: model)
        #expect(embeddings.status == 0)
        for (record, entry) in try zip(embeddings.records, golden) {
            #expect(cosine(floats(record["embedding"]), floats(entry["embedding"])) >= 0.999999)
            #expect(largestError(floats(record["embedding"]), floats(entry["embedding"])) <= 1e-4)
            #expect(record["input"] as? String == entry["text"] as? String)
        }
    }

    @Test func `Texts come from arguments, files and standard input, in order`() throws {
        let folder = try TemporaryFolder()
        try folder.write("\u{FEFF}one\r\n\r\ntwo, \"three\"\nlast", to: "texts")
        let expected = ["zero", "one", "", "two, \"three\"", "last"]
        let result = try run("embed-text", ["--file", folder["texts"], "zero"])
        #expect(result.status == 0)
        #expect(try result.records.map { $0["input"] as? String } == expected)
        let piped = try run("embed-text", ["--file", "-", "--format", "csv"], input: folder.data("texts"))
        #expect(csvRows(piped.text).map(\.[0]) == ["input"] + expected.dropFirst())
        let nul = try run("embed-text", ["--file", "-", "-0"], input: Data("a\nb\0c\0".utf8))
        #expect(try nul.records.map { $0["input"] as? String } == ["a\nb", "c"])
        #expect(try run("tokenize", ["--file", "-"], input: Data()).output.isEmpty)
    }

    @Test func `A text a line, for NumPy`() throws {
        let folder = try TemporaryFolder()
        let input = Data("a dog\na cat\n".utf8)
        #expect(try run("embed-text", ["--file", "-", "-o", folder["t.npy"]], input: input).status == 0)
        let array = try NumPyArray(folder.data("t.npy"))
        let vectors = try run("embed-text", ["a dog", "a cat"]).records.map { floats($0["embedding"]) }
        #expect((0..<2).map(array.row) == vectors)
        #expect(try jsonObject(folder.data("t.npy.json"))["inputs"] as? [String] == ["a dog", "a cat"])
    }

    @Test func `Long texts are cut with the words quoted, refused or embedded in windows`() throws {
        let cut = try run("embed-text", ["short", Self.long])
        #expect(cut.status == 0 && cut.errorLines.count == 1)
        #expect(cut.errors.hasPrefix("clip: warning: \"a photo of") && cut.errors.contains("zebras\"\n"))
        #expect(cut.errors.contains("longer than the model's 24 tokens"))
        #expect(try run("embed-text", ["--quiet", Self.long]).errors.isEmpty)

        let refused = try run("embed-text", ["one", Self.long, "two", "--long-text", "error"])
        #expect(refused.status == 1 && refused.errorLines.count == 1 && refused.errors.contains("zebras"))
        #expect(try refused.records.map { $0["input"] as? String } == ["one", "two"])

        let chunked = try run("embed-text", [Self.long, "--long-text", "chunk"])
        #expect(chunked.status == 0 && chunked.errors.isEmpty)
        #expect(try floats(chunked.record["embedding"]) != floats(cut.records.last?["embedding"]))
        let windows = try run("tokenize", [Self.long, "--long-text", "chunk"]).record["chunks"] as? [[Int]]
        #expect((windows?.count ?? 0) > 1 && windows!.allSatisfy { $0.count <= 24 })
    }

    @Test func `Pieces stand beside tokens`() throws {
        let record = try run("tokenize", ["a cat", "--pieces"]).record
        let pieces = try #require(record["pieces"] as? [String])
        #expect(pieces.count == (record["tokens"] as? [Int])?.count)
        #expect(pieces.first == "<|startoftext|>" && pieces.last == "<|endoftext|>" && pieces[1] == "a</w>")
        let text = try run("tokenize", ["a cat", "--pieces", "--format", "text"]).text
        #expect(text.hasPrefix("\"a cat\"\n") && text.contains("  a</w>\n"))
        let csv = csvRows(try run("tokenize", ["a cat", "--format", "csv"]).text)
        try #require(csv.count == 2)
        #expect(csv[0] == ["input", "tokens", "model"] && csv[1][1].split(separator: " ").count == pieces.count)
    }

    @Test func `A line that is not UTF-8 is reported, the others go on`() throws {
        let result = try run("tokenize", ["--file", "-"], input: Data([0x61, 0x0A, 0xFF, 0x0A, 0x62]))
        #expect(result.status == 1)
        #expect(
            result.errors == "clip: standard input: line 2: is not UTF-8: convert it, for example with iconv -t utf-8\n"
        )
        #expect(try result.records.map { $0["input"] as? String } == ["a", "b"])
    }

    @Test func `A line of a megabyte is a text`() throws {
        let text = String(repeating: "word ", count: 200_000)
        let result = try run("tokenize", ["--file", "-", "--quiet"], input: Data((text + "\nend").utf8))
        #expect(result.status == 0)
        #expect(try result.records.map { ($0["tokens"] as? [Int])?.count ?? 0 <= 24 } == [true, true])
    }

    @Test func `An answer comes before the next question`() throws {
        let script = """
            coproc $clip embed-text --model '\(Fixtures.model)' --file -
            echo "a dog" >&${COPROC[1]}; read -t 20 -u ${COPROC[0]} line; echo "${line:0:16}"
            echo "a cat" >&${COPROC[1]}; read -t 20 -u ${COPROC[0]} line; echo "${line:0:16}"
            """
        #expect(try ClipProcess.bash(script).text == "{\"input\":\"a dog\"\n{\"input\":\"a cat\"\n")
    }

    @Test func `A file in another encoding is told once`() throws {
        let folder = try TemporaryFolder()
        let lines = Data((0..<110).flatMap { _ in [0x63, 0xE9, 0x0A] as [UInt8] })
        try folder.write(lines + Data("a cat\n".utf8), to: "latin.txt")
        let result = try ClipProcess.run(
            "embed-text", "--file", "latin.txt", "--model", Fixtures.model, in: folder.path)
        #expect(result.status == 1 && result.lines.count == 1)
        #expect(result.errorLines.count == 2, "\(result.errorLines)")
        #expect(result.errorLines.first?.contains("latin.txt: line 1: is not UTF-8") == true)
        #expect(result.errorLines.last == "clip: 109 more texts are not UTF-8")
    }
}
