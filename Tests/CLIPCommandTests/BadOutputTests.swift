import CLIPTestSupport
import Foundation
import Testing

@Suite struct BadOutputTests {
    private let picture = Fixtures.pictures + "/waves.png"
    private let call = "$clip embed-image --model '\(Fixtures.model)' '\(Fixtures.pictures)'"

    #if os(Linux)
    @Test func `A full device is one clear line`() throws {
        for line in ["\(call) -o /dev/full", "\(call) > /dev/full", "\(call) --format npy -o /dev/full"] {
            let result = try ClipProcess.bash(line)
            #expect(result.status == 1 && result.errorLines.count == 1, "\(line): \(result.errors)")
            #expect(result.errors.contains("No space left on device"))
        }
    }
    #endif

    @Test(arguments: ["jsonl", "npy", "csv"])
    func `A file that may not grow leaves what stood there`(format: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("old", to: "out")
        let list = Array(repeating: "'\(Fixtures.pictures)'", count: 20).joined(separator: " ")
        let result = try ClipProcess.bash(
            "ulimit -f 4; \(call) \(list) --format \(format) -o out", in: folder.path)
        #expect(result.status == 1 && !result.wasKilled && result.errorLines.count == 1, "\(result.errors)")
        #expect(result.errors.hasPrefix("clip: out") && result.errors.contains("File too large"))
        #expect(try folder.contents() == ["out"])
        #expect(try folder.text("out") == "old")
    }

    @Test func `A model that doesn't fit is not packed`() throws {
        let folder = try TemporaryFolder()
        let result = try ClipProcess.bash("ulimit -f 16; $clip pack '\(Fixtures.model)' -o m.clip", in: folder.path)
        #expect(result.status == 1 && !result.wasKilled && result.errors.contains("File too large"))
        #expect(try folder.contents() == [])
    }

    @Test func `A model that doesn't fit is not exported, and leaves nothing`() throws {
        let folder = try TemporaryFolder()
        let result = try ClipProcess.bash("ulimit -f 16; $clip export '\(Fixtures.model)' -o out", in: folder.path)
        #expect(result.status == 1 && !result.wasKilled && result.errorLines.count == 1, "\(result.errors)")
        #expect(
            result.errors.contains("/out/model.safetensors: can't be written: File too large"), "\(result.errors)"
        )
        #expect(try folder.contents() == [])
    }

    @Test func `A packed model that fails its check leaves no file`() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: Fixtures.model, toPath: folder["m"])
        // A projection so small that f16 holds nothing of it.
        var bytes = [UInt8](try folder.data("m/model.safetensors"))
        let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try jsonObject(Data(bytes[8..<8 + length]))
        let entry = try #require(header["visual_projection.weight"] as? [String: Any])
        let range = try #require(entry["data_offsets"] as? [Int])
        for start in stride(from: 8 + length + range[0], to: 8 + length + range[1], by: 4) {
            let number = bytes[start..<start + 4].withUnsafeBytes { $0.loadUnaligned(as: Float.self) } * 1e-9
            withUnsafeBytes(of: number) { bytes.replaceSubrange(start..<start + 4, with: $0) }
        }
        try folder.write(Data(bytes), to: "m/model.safetensors")
        let half = try ClipProcess.run("pack", "m", "-o", "m.clip", in: folder.path)
        #expect(half.status == 1 && half.output.isEmpty && half.errorLines.count == 1, "\(half.errors)")
        #expect(
            half.errors.contains("m.clip: was not written: packed as f16") && half.errors.hasSuffix("pack it as f32\n"))
        #expect(try folder.contents() == ["m"])
        let full = try ClipProcess.run("pack", "m", "-o", "m.clip", "--dtype", "f32", in: folder.path)
        #expect(full.status == 0 && full.errors.isEmpty, "\(full.errors)")
    }

    @Test func `A place that can't be written is told before anything is computed`() throws {
        let folder = try TemporaryFolder()
        for place in [folder.path, folder["no/such/out.jsonl"]] {
            let result = try ClipProcess.run("embed-image", "--model", Fixtures.model, picture, "-o", place)
            #expect(result.status == 1 && result.errorLines.count == 1 && result.errors.hasPrefix("clip: \(place): "))
        }
    }

    @Test func `A reader that goes away is no news`() throws {
        let text = (0..<20_000).map { "text number \($0)\n" }.joined()
        let folder = try TemporaryFolder()
        try folder.write(text, to: "texts")
        for format in ["jsonl", "json", "csv", "text"] {
            let line = "$clip tokenize --model '\(Fixtures.model)' --file texts --format \(format)"
            let result = try ClipProcess.bash(
                "\(line) | head -c 10 > /dev/null; echo ${PIPESTATUS[0]}", in: folder.path)
            #expect(result.text == "141\n" && result.errors.isEmpty, "\(format): \(result.text) \(result.errors)")
            let ignored = try ClipProcess.bash(
                "trap '' PIPE; (\(line); echo $? >&2) | head -c 10 > /dev/null", in: folder.path)
            #expect(ignored.errors == "141\n")
        }
    }

    @Test func `Nothing replaces a file when every input fails`() throws {
        let folder = try TemporaryFolder()
        try folder.write("old", to: "out.jsonl")
        let result = try ClipProcess.run(
            "embed-image", "--model", Fixtures.model, "nowhere.png", "-o", "out.jsonl", in: folder.path)
        #expect(result.status == 1 && result.errorLines.count == 1)
        #expect(result.errorLines.first?.hasPrefix("clip: nowhere.png: ") == true)
        #expect(try folder.contents() == ["out.jsonl"])
        #expect(try folder.text("out.jsonl") == "old")
    }

    @Test(arguments: ["INT", "TERM", "HUP", "PIPE"])
    func `An interrupted run leaves nothing behind`(signal: String) throws {
        let folder = try TemporaryFolder()
        // The list never ends: the run is in the middle of its work when the signal comes.
        let script = """
            set -m; mkfifo list; exec 3<>list
            $clip embed-image --model '\(Fixtures.model)' --batch-size 1 --files-from list -o out.npy 2>errors &
            pid=$!; yes '\(picture)' | head -n 100 >&3
            for i in $(seq 200); do [ $(ls -A | grep -c tmp) = 2 ] && break; sleep 0.05; done
            ls -A | grep -c tmp
            kill -\(signal) $pid; wait $pid; echo $?; cat errors; rm list errors
            """
        let result = try ClipProcess.bash(script, in: folder.path)
        let number = ["INT": 130, "TERM": 143, "HUP": 129, "PIPE": 141][signal]!
        #expect(result.text == "2\n\(number)\n", "\(result.text) \(result.errors)")
        #expect(try folder.contents() == [])
    }
}
