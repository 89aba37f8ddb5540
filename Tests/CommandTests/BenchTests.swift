import Foundation
import Testing

@Suite struct BenchTests {
    private static let model = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../CLIPTests/Fixtures/models/quickgelu-f32").standardized.path

    @Test(arguments: ["image", "text"])
    func `A measurement is one JSON object`(what: String) throws {
        let run = try ClipProcess.run(
            "bench", "--what", what, "--batch", "3", "--threads", "1", "--seconds", "0.01", "--model", BenchTests.model,
            "--json")
        let record = try #require(try run.records.first)
        #expect(run.status == 0 && run.lines.count == 1)
        #expect(record["what"] as? String == what && record["batch"] as? Int == 3 && record["threads"] as? Int == 1)
        #expect(try #require(record["items_per_second"] as? Double) > 0)
        #expect(try #require(record["gflops"] as? Double) > 0)
        #expect(record["isa"] is String && record["dtype"] as? String == "f32")
    }

    @Test(arguments: ["0", "-1", "soon", "nan", "1e9"])
    func `A length of time that makes no sense is refused`(seconds: String) throws {
        let run = try ClipProcess.run("bench", "--seconds=\(seconds)", "--model", BenchTests.model)
        #expect(run.status == 64 && run.errors.contains("--seconds"))
    }
}
