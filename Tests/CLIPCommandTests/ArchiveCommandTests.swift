import CLIPTestSupport
import Foundation
import Testing

/// Archives and shards on the command line, and camera raw files.
@Suite struct ArchiveCommandTests {
    private let folder: TemporaryFolder
    private let model = ["--model", Fixtures.model]

    init() throws {
        folder = try TemporaryFolder()
        for (place, name) in ["blocks.png", "waves.png", "ring_grey.png"].enumerated() {
            try folder.copyPicture(name, to: "s/00\(place).png")
        }
        try folder.write("a dog\n", to: "s/000.txt")
        try folder.write(#"{"caption": "a cat", "url": "x"}"#, to: "s/001.json")
        let result = try ClipProcess.bash(
            "cd s && tar cf ../shard.tar 000.png 000.txt 001.png 001.json 002.png && tar czf ../shard.tgz 000.png && cp ../shard.tgz ../wrong.tar",
            in: folder.path)
        try #require(result.status == 0, "\(result.errors)")
    }

    private func clip(_ arguments: String...) throws -> ClipProcess {
        try ClipProcess.run(ClipProcess.path, arguments + model, in: folder.path)
    }

    private func embeddings(_ result: ClipProcess) throws -> [[Double]] {
        try result.records.map { try #require($0["embedding"] as? [Double]) }
    }

    @Test func `The pictures in an archive are embedded as they are outside`() throws {
        let inside = try clip("embed-image", "shard.tar")
        let outside = try clip("embed-image", "s")
        #expect(inside.status == 0 && inside.errors.isEmpty)
        #expect(try embeddings(inside) == embeddings(outside))
        #expect(
            try inside.records.map { $0["input"] as? String } == (0..<3).map { "shard.tar::00\($0).png" })
        let one = try clip("embed-image", "shard.tar::001.png")
        #expect(try embeddings(one) == [embeddings(outside)[1]])
        let missing = try clip("embed-image", "shard.tar::none.png")
        #expect(missing.status == 1 && missing.errors.contains("shard.tar::none.png: isn't in the archive"))
        let wrong = try clip("embed-image", "wrong.tar")
        #expect(wrong.status == 1 && wrong.errors.contains("wrong.tar: is a compressed archive"))
        let similar = try clip("similarity", "image:shard.tar::000.png", "image:s/000.png")
        #expect(abs(try #require(try similar.record["similarity"] as? Double) - 1) < 1e-5)
    }

    @Test func `A shard's captions are its pairs`() throws {
        let result = try clip("score", "--pairs", "shard.tar")
        #expect(result.status == 1)
        #expect(try result.records.map { $0["text"] as? String } == ["a dog", "a cat"])
        #expect(try result.records.map { $0["image"] as? String } == ["shard.tar::000.png", "shard.tar::001.png"])
        #expect(result.errorLines.count == 1 && result.errors.contains("shard.tar: line 3: expected a text under"))
        let kept = try clip("filter", "--pairs", "shard.tar", "--threshold", "-1")
        #expect(kept.lines.count == 2 && kept.lines[0].contains(#""image":"shard.tar::000.png""#))
    }

    @Test func `An output never takes an archive's place`() throws {
        let before = try folder.data("shard.tar")
        let result = try clip("embed-image", "shard.tar", "-o", "shard.tar", "--format", "jsonl", "--overwrite")
        #expect(try result.status != 0 && folder.data("shard.tar") == before)
    }

    @Test func `A raw file's preview is embedded, and marked`() throws {
        let jpeg = try Data(contentsOf: Fixtures.example("cat.jpg"))
        try folder.write(Data("FUJIFILMCCD-RAW 0201".utf8) + Data(count: 200) + jpeg + Data(count: 99), to: "r/a.raf")
        try folder.write(jpeg, to: "r/b.jpg")
        let result = try clip("embed-image", "r")
        let records = try result.records
        try #require(records.count == 2)
        #expect(records[0]["preview"] as? Bool == true && records[1]["preview"] == nil)
        #expect(try embeddings(result)[0] == embeddings(result)[1])
        #expect(result.errors.contains("note: of 1 camera raw file the JPEG preview inside was read"))
        #expect(try clip("index", "r", "--format", "json").record["added"] as? Int == 2)
        #expect(try clip("embed-image", "r", "--quiet").errors.isEmpty)
    }

    @Test func `Pictures of an index aren't sorted into its folder`() throws {
        #expect(try clip("index", "s").status == 0)
        let result = try clip("classify", "--index", "s", "--labels", "a,b", "--sort-into", "s/sorted")
        #expect(result.status == 64 && result.errors.contains("'--sort-into s/sorted' is inside s"))
    }
}
