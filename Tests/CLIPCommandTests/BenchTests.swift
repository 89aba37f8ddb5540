import CLIPTestSupport
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
        for name in [
            "arithmetic_roof_gflops", "arithmetic_share", "memory_roof_gigabytes_per_second", "memory_share",
            "region_microseconds",
        ] {
            #expect(try #require(record[name] as? Double) > 0, "\(name)")
        }
    }

    @Test func `Whole numbers have a limit of their own`() throws {
        let scratch = try TemporaryFolder()
        let packed = scratch.path + "/int8.clip"
        #expect(try ClipProcess.run("pack", BenchTests.model, "-o", packed, "--dtype", "int8").status == 0)
        let run = try ClipProcess.run("bench", "--threads", "1", "--seconds", "0.01", "--model", packed)
        #expect(try #require(run.record["integer_roof_gops"] as? Double) > 0)
        #expect(try #require(run.record["integer_share"] as? Double) > 0)
        #expect(try run.record["arithmetic_share"] == nil)
    }

    @Test func `Texts may come from a file`() throws {
        let scratch = try TemporaryFolder()
        let texts = try scratch.write(Data("a dog\na cat\n".utf8), to: "texts.txt")
        let run = try ClipProcess.run(
            "bench", "--what", "text", "--file", texts, "--batch", "5", "--seconds", "0.01", "--model",
            BenchTests.model)
        #expect(run.status == 0)
        #expect(try run.record["items_per_second"] as? Double ?? 0 > 0)
        let empty = try scratch.write(Data(), to: "empty.txt")
        let none = try ClipProcess.run("bench", "--what", "text", "--file", empty, "--model", BenchTests.model)
        #expect(none.status == 64 && none.errors.contains("no text"))
    }

    @Test func `Decoding and cold starts are measured on a picture`() throws {
        let picture = Fixtures.pictures + "/waves.png"
        let decode = try ClipProcess.run("bench", "--what", "decode", picture, "--threads", "1", "--seconds", "0.01")
        #expect(decode.status == 0)
        #expect(try decode.record["megapixels_per_second"] as? Double ?? 0 > 0)
        #expect(try decode.record["width"] as? Int ?? 0 > 0)
        let cold = try ClipProcess.run(
            "bench", "--what", "cold", "--threads", "1", "--seconds", "0.3", "--model", BenchTests.model)
        #expect(cold.status == 0 && cold.errors.isEmpty)
        for name in ["wall_seconds", "user_over_warm", "peak_megabytes"] {
            #expect(try #require(cold.record[name] as? Double) > 0, "\(name)")
        }
        #expect(try cold.record["page_faults"] as? Int ?? 0 > 0)
    }

    @Test func `Loading is measured until both encoders stand ready`() throws {
        let run = try ClipProcess.run("bench", "--what", "load", "--seconds", "0.01", "--model", BenchTests.model)
        #expect(run.status == 0 && run.errors.isEmpty)
        for name in ["seconds", "open_seconds", "image_seconds", "text_seconds", "megabytes"] {
            #expect(try #require(run.record[name] as? Double) > 0, "\(name)")
        }
    }

    @Test func `Search is measured on vectors that are made up`() throws {
        let run = try ClipProcess.run("bench", "--what", "search", "--batch", "2", "--seconds", "0.01")
        #expect(run.status == 0)
        #expect(try run.record["vectors"] as? Int == 100_000)
        #expect(try run.record["items_per_second"] as? Double ?? 0 > 0)
    }

    @Test func `What doesn't fit the subject is refused`() throws {
        for arguments in [["bench", "a.png"], ["bench", "--what", "decode", "--file", "texts.txt"]] {
            let run = try ClipProcess.run(ClipProcess.path, arguments)
            #expect(run.status == 64 && run.errors.contains("'--what decode'"), "\(arguments)")
        }
        let missing = try ClipProcess.run("bench", "--what", "decode", "missing.jpg")
        #expect(missing.status == 1 && missing.errors.contains("missing.jpg: can't be read"))
        let cold = try ClipProcess.run(
            "bench", "--what", "cold", BenchTests.model + "/config.json", "--model", BenchTests.model)
        #expect(cold.status == 1 && cold.errors.contains("failed, see above"))
    }

    @Test(arguments: ["0", "-1", "soon", "nan", "1e9"])
    func `A length of time that makes no sense is refused`(seconds: String) throws {
        let run = try ClipProcess.run("bench", "--seconds=\(seconds)", "--model", BenchTests.model)
        #expect(run.status == 64 && run.errors.contains("--seconds"))
    }
}
