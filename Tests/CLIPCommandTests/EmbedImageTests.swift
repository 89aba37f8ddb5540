import CLIPTestSupport
import Foundation
import Testing

@Suite struct EmbedImageTests {
    private let pictures = ["blocks.png", "ring_grey.png", "speck.png", "waves.png"]
    private var paths: [String] { pictures.map { Fixtures.pictures + "/" + $0 } }

    private func embed(
        _ arguments: [String], input: Data? = nil, in folder: String? = nil, model: String = Fixtures.model
    ) throws -> ClipProcess {
        try ClipProcess.run(
            ClipProcess.path, ["embed-image", "--model", model] + arguments, input: input, in: folder)
    }

    @Test(arguments: Fixtures.models)
    func `Embeddings are the reference's, in the order given`(model: String) throws {
        let golden = try #require(try Fixtures.golden(model)["pictures"] as? [[String: Any]])
        let result = try embed(
            ["--no-normalize"] + golden.map { "\(Fixtures.pictures)/\($0["picture"]!)" }, model: model)
        #expect(result.status == 0 && result.errors.isEmpty)
        let records = try result.records
        #expect(records.count == golden.count)
        for (record, entry) in zip(records, golden) {
            #expect((record["input"] as? String)?.hasSuffix(entry["picture"] as! String) == true)
            #expect(cosine(floats(record["embedding"]), floats(entry["embedding"])) >= 0.999999)
            #expect(largestError(floats(record["embedding"]), floats(entry["embedding"])) <= 1e-4)
            #expect((record["model"] as? String)?.wholeMatch(of: /[0-9a-f]{64}/) != nil)
        }
    }

    @Test func `Every format holds the same numbers`() throws {
        let folder = try TemporaryFolder()
        let records = try embed(paths).records
        try #require(records.count == 4)
        let vectors = records.map { floats($0["embedding"]) }
        for vector in vectors { #expect(abs(cosine(vector, vector) - 1) < 1e-6 && abs(length(vector) - 1) < 1e-5) }

        let json =
            try JSONSerialization.jsonObject(with: embed(paths + ["--format", "json"]).output) as? [[String: Any]]
        #expect(json?.map { floats($0["embedding"]) } == vectors)

        let csv = csvRows(try embed(paths + ["--format=csv"]).text)
        #expect(csv.first?.prefix(2) == ["input", "e0"] && csv.first?.suffix(2) == ["model", "input_bytes"])
        #expect(csv.dropFirst().map { $0.dropFirst().dropLast(2).map { Float($0) } } == vectors)

        let path = folder["vectors.npy"]
        let written = try embed(paths + ["-o", path])
        #expect(written.status == 0 && written.output.isEmpty)
        let array = try NumPyArray(folder.data("vectors.npy"))
        #expect(array.shape == [4, vectors[0].count] && (0..<4).map(array.row) == vectors)
        let sidecar = try jsonObject(folder.data("vectors.npy.json"))
        #expect(sidecar["inputs"] as? [String] == paths)
        #expect(sidecar["model"] as? String == records[0]["model"] as? String)
        #expect(sidecar["shape"] as? [Int] == array.shape && (sidecar["failed"] as? [Any])?.isEmpty == true)
        #expect(try folder.contents() == ["vectors.npy", "vectors.npy.json"])

        let piped = try embed(paths + ["--format", "npy"])
        #expect(try NumPyArray(piped.output).values == array.values)

        let text = try embed(paths + ["--format", "text"])
        #expect(text.lines.count == 2 * 4 + 1 && text.text.contains("20 values, length 1.0000"))
        #expect(text.lines.allSatisfy { $0.count <= 200 })
    }

    @Test func `A file's name chooses the format, --format overrules it`() throws {
        let folder = try TemporaryFolder()
        #expect(try embed([paths[0], "-o", folder["a.csv"]]).status == 0)
        #expect(try folder.text("a.csv").hasPrefix("input,e0,"))
        #expect(try embed([paths[0], "-o", folder["a.json"]]).status == 0)
        #expect(try folder.text("a.json").hasPrefix("[\n{"))
        #expect(try embed([paths[0], "-o", folder["b.npy"], "--format", "jsonl"]).status == 0)
        #expect(try folder.text("b.npy").hasPrefix("{\"input\""))
        #expect(try embed([paths[0], "-o", folder["plain"]]).status == 0)
        #expect(try folder.text("plain").hasPrefix("{\"input\""))
    }

    @Test func `Batches and threads change nothing`() throws {
        let expected = try embed(paths).output
        for options in [["--batch-size", "1"], ["--batch-size", "3"], ["--threads", "1"], ["--threads", "3"]] {
            #expect(try embed(paths + options).output == expected)
        }
    }

    @Test func `A folder is walked, sorted by the bytes of its paths, hidden and other files left out`() throws {
        let folder = try TemporaryFolder()
        let names = ["B.PNG", "a-b.png", "a.png", "a/x.png", "a/y/z.png", "a0.png", "é.png"]
        for name in names { try folder.copyPicture("speck.png", to: "in/" + name) }
        try folder.copyPicture("speck.png", to: "in/.hidden.png")
        try folder.copyPicture("speck.png", to: "in/.git/x.png")
        try folder.write("text", to: "in/notes.txt")
        try FileManager.default.createSymbolicLink(atPath: folder["in/a/loop"], withDestinationPath: folder["in"])
        let result = try embed(["in"], in: folder.path)
        #expect(result.status == 0)
        #expect(
            result.errors
                == "clip: warning: skipped 4 files and folders in in: 1 TXT, 1 hidden folder, 1 hidden picture, 1 link to a folder\n"
        )
        #expect(try result.records.map { $0["input"] as? String } == names.map { "in/" + $0 })
        let listed = try embed(["--files-from", "-"], input: Data("in/a\nin/a.png\n".utf8), in: folder.path)
        #expect(try listed.records.map { $0["input"] as? String } == ["in/a/x.png", "in/a/y/z.png", "in/a.png"])
    }

    @Test func `A file that is named is taken whatever its name says`() throws {
        let folder = try TemporaryFolder()
        try folder.copyPicture("waves.png", to: "picture.txt")
        #expect(try embed(["picture.txt"], in: folder.path).records.count == 1)
    }

    @Test func `Standard input is a picture or a list of them`() throws {
        let expected = try embed([paths[3]]).record
        let picture = try embed(["-"], input: Data(contentsOf: URL(filePath: paths[3]))).records
        try #require(picture.count == 1)
        #expect(picture[0]["input"] as? String == "standard input")
        #expect(floats(picture[0]["embedding"]) == floats(expected["embedding"]))

        let folder = try TemporaryFolder()
        try folder.copyPicture("waves.png", to: "one\ntwo.png")
        let lines = "\u{FEFF}" + paths[0] + "\r\n\n" + paths[3]
        #expect(
            try embed(["--files-from", "-"], input: Data(lines.utf8)).records.map { $0["input"] as? String } == [
                paths[0], paths[3],
            ])
        try folder.write(lines, to: "list")
        #expect(
            try embed(["--files-from", folder["list"], paths[1]]).records.map { $0["input"] as? String } == [
                paths[1], paths[0], paths[3],
            ])
        let nul = try embed(["--files-from", "-", "-0"], input: Data("one\ntwo.png\0".utf8), in: folder.path)
        #expect(try nul.records.map { $0["input"] as? String } == ["one\ntwo.png"])
        let twice = try embed(["-", "--files-from", "-"])
        #expect(twice.status == 64 && twice.errors.contains("Standard input is named 2 times"))
    }

    @Test func `A pipe that is named like a file is read`() throws {
        let result = try ClipProcess.bash(
            "$clip embed-image --model '\(Fixtures.model)' <(cat '\(paths[3])') | head -c 20")
        #expect(result.text.hasPrefix("{\"input\":\"/dev/fd/"))
    }

    @Test func `A broken picture is reported, the others go on`() throws {
        let folder = try TemporaryFolder()
        try folder.copyPicture("blocks.png", to: "1.png")
        try folder.write(Data(contentsOf: URL(filePath: paths[3])).prefix(200), to: "2.png")
        try folder.write("", to: "3.png")
        try folder.write("not a picture", to: "4.png")
        try folder.copyPicture("waves.png", to: "5.png")
        let result = try embed(
            ["1.png", "2.png", "3.png", "4.png", "missing.png", "5.png", "-o", "out.npy"], in: folder.path)
        #expect(result.status == 1 && !result.wasKilled)
        #expect(result.errorLines.map { $0.prefix { $0 != " " } } == Array(repeating: "clip:", count: 4))
        for (line, name) in zip(result.errorLines, ["2.png", "3.png", "4.png", "missing.png"]) {
            #expect(line.hasPrefix("clip: \(name): ") && line.count > name.count + 12)
        }
        #expect(try NumPyArray(folder.data("out.npy")).shape[0] == 2)
        let sidecar = try jsonObject(folder.data("out.npy.json"))
        #expect(sidecar["inputs"] as? [String] == ["1.png", "5.png"])
        let failed = try #require(sidecar["failed"] as? [[String: String]])
        #expect(failed.map { $0["input"] } == ["2.png", "3.png", "4.png", "missing.png"])
        #expect(failed.allSatisfy { $0["error"]?.isEmpty == false })
        #expect(try embed(["2.png", "--allow-truncated"], in: folder.path).status == 0)
    }

    @Test func `A folder without pictures, an empty list and a folder that can't be read are one clear line`() throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("empty")
        let empty = try embed(["empty"], in: folder.path)
        #expect(empty.status == 1 && empty.output.isEmpty && empty.errorLines.count == 1)
        #expect(empty.errors.hasPrefix("clip: empty: the folder holds no pictures"))
        let list = try embed(["--files-from", "-"], input: Data())
        #expect(list.status == 1 && list.errorLines == ["clip: no pictures: the list of files is empty"])
        let missing = try embed(["--files-from", "nowhere"], in: folder.path)
        #expect(missing.status == 1 && missing.errors.hasPrefix("clip: nowhere: can't be read: No such file"))
        if getuid() != 0 {
            try folder.makeFolder("closed")
            try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: folder["closed"])
            let closed = try embed(["closed"], in: folder.path)
            #expect(closed.status == 1 && closed.errors.hasPrefix("clip: closed: the folder can't be read: Permission"))
        }
    }

    @Test func `Names with control characters can't reach the terminal`() throws {
        let folder = try TemporaryFolder()
        let name = "a\u{1B}[2J\nb.png"
        try folder.copyPicture("speck.png", to: name)
        try folder.write("broken", to: "bad\u{1B}]0;x\u{7}.png")
        for format in ["text", "jsonl", "json", "csv"] {
            let result = try embed([name, "bad\u{1B}]0;x\u{7}.png", "--format", format], in: folder.path)
            // A table's cells are the names themselves where no terminal reads them.
            #expect(format == "csv" ? result.text.contains(name) : !result.text.contains("\u{1B}"))
            #expect(!result.errors.contains("\u{1B}") && !result.errors.contains("\u{7}"))
            #expect(result.errorLines.count == 1 && result.errors.contains("bad\\u{1b}]0;x\\u{7}.png"))
        }
        #expect(try embed([name], in: folder.path).record["input"] as? String == name)
    }

    #if os(Linux)
    @Test func `A name that is not UTF-8 opens its file all the same`() throws {
        let folder = try TemporaryFolder()
        let script = """
            mkdir in && cp '\(paths[3])' "in/$(printf 'caf\\351').png"
            for way in "in" "in/$(printf 'caf\\351').png"; do $clip embed-image --model '\(Fixtures.model)' "$way"; done
            ls in/* | $clip embed-image --model '\(Fixtures.model)' --files-from -
            """
        let result = try ClipProcess.bash(script, in: folder.path)
        #expect(result.errors.isEmpty)
        #expect(try result.records.map { $0["input"] as? String } == Array(repeating: "in/caf\u{FFFD}.png", count: 3))
    }

    @Test func `A file that can't be read is one clear line`() throws {
        let result = try embed(["/proc/self/mem", "", paths[0]])
        #expect(result.status == 1 && result.errorLines.count == 2)
        #expect(try result.records.count == 1)
        #expect(result.errorLines.first == "clip: /proc/self/mem: can't be read: Input/output error")
        #expect(result.errorLines.last?.hasPrefix("clip: \"\": ") == true)
    }

    @Test func `Memory does not grow with the number of inputs`() throws {
        let folder = try TemporaryFolder()
        // 25 MB of names, none of which is a file: whoever keeps names or errors in memory needs more than that.
        let name = "missing/" + String(repeating: "x", count: 2500)
        try folder.write((0..<10_000).map { "\(name)\($0).png\n" }.joined(), to: "list")
        let script = """
            $clip embed-image --model '\(Fixtures.model)' --files-from list -o out.npy 2>errors & pid=$!
            while grep VmHWM /proc/$pid/status 2>/dev/null; do :; done > peaks
            wait $pid; tail -1 peaks | tr -dc 0-9
            """
        let result = try ClipProcess.bash(script, in: folder.path)
        let kilobytes = try #require(Int(result.text))
        #expect(kilobytes < 30_000)
        let errors = try folder.data("errors")
        #expect(errors.count { $0 == UInt8(ascii: "\n") } == 10_000 && errors.count > 25_000_000)
        #expect(try folder.contents() == ["errors", "list", "peaks"])
    }
    #endif
}

private func length(_ vector: [Float]) -> Float { vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }
