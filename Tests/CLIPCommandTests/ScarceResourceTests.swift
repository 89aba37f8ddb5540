import CLIPTestSupport
import Foundation
import Testing

/// What is left of the command where the system gives it next to nothing, or takes a file away.
@Suite struct ScarceResourceTests {
    private let call = "embed-image --model '\(Fixtures.model)' '\(Fixtures.pictures)'"

    #if os(Linux)
    /// Runs a line with a limit, as a user whom limits hold, for a minute at most.
    private func limited(_ limit: String, _ line: String, in folder: TemporaryFolder) throws -> ClipProcess {
        let user = geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups" : ""
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
        return try ClipProcess.bash(
            "exec timeout -k 5 60 \(user) bash -c \"ulimit \(limit); exec '$clip' \(line)\"", in: folder.path)
    }

    @Test func `Without a thread to be had the caller does the work`() throws {
        let folder = try TemporaryFolder()
        let expected = try ClipProcess.bash("$clip \(call) --format jsonl")
        let result = try limited("-u 0", "\(call) --format jsonl --threads 4", in: folder)
        #expect(result.status == expected.status && result.output == expected.output, "\(result.errors)")
        let indexed = try limited(
            "-u 0",
            "index '\(Fixtures.pictures)' --model '\(Fixtures.model)' --threads 4 -o pictures.idx --format json",
            in: folder)
        #expect(indexed.status == expected.status, "\(indexed.errors)")
        #expect(try indexed.record["added"] as? Int == expected.lines.count)
    }

    @Test(arguments: 3...9)
    func `Few descriptors are an answer or an error`(count: Int) throws {
        let folder = try TemporaryFolder()
        let result = try limited("-n \(count)", "\(call) -o out.jsonl", in: folder)
        // 127: not even the program's libraries could be opened.
        #expect([0, 1, 127].contains(result.status) && !result.wasKilled, "\(result.status): \(result.errors)")
        #expect(result.status == 0 || !result.errors.isEmpty)
        #expect(try result.status != 127 || folder.contents().isEmpty)
    }

    @Test(arguments: [100_000, 300_000, 500_000, 700_000])
    func `Little address space is no hang and leaves nothing behind`(kilobytes: Int) throws {
        let folder = try TemporaryFolder()
        let result = try limited("-v \(kilobytes)", "\(call) -o out.jsonl --threads 4", in: folder)
        #expect(result.status != 124, "no end within a minute")
        #expect(try Set(folder.contents()).isSubset(of: ["out.jsonl"]))
        #expect(try result.status == 0 || folder.contents().isEmpty)
    }
    #endif

    @Test func `A large file that is no picture takes no memory`() throws {
        let folder = try TemporaryFolder()
        try folder.copyPicture("waves.png", to: "in/a.png")
        let large = folder["in/large.jpg"]
        try Data().write(to: URL(filePath: large))
        #expect(truncate(large, 2_000_000_000) == 0)
        for command in ["embed-image in", "embed-image in/a.png - < in/large.jpg", "index in -o i.idx"] {
            let result = try ClipProcess.bash(
                "ulimit -v 1500000; exec $clip \(command) --model '\(Fixtures.model)' --threads 2", in: folder.path)
            #expect(result.status == 1 && !result.wasKilled, "\(command): \(result.errors)")
            #expect(result.errors.contains("large.jpg") || result.errors.contains("standard input"), "\(result.errors)")
            #expect(!result.output.isEmpty)
        }
    }

    @Test func `A model that is cut short while it is used is one line`() throws {
        let folder = try TemporaryFolder()
        let packed = try ClipProcess.run("pack", Fixtures.model, "-o", folder["m.clip"])
        #expect(packed.status == 0)
        let result = try ClipProcess.bash(
            """
            coproc C { exec timeout 60 "$clip" embed-text --model m.clip --file - --format jsonl; }
            pid=$C_PID
            exec 3>&"${C[1]}" 4<&"${C[0]}"
            eval "exec ${C[1]}>&-"
            echo 'a dog' >&3
            read -r line <&4
            : > m.clip
            echo 'a cat' >&3
            exec 3>&-
            wait $pid
            echo "$? ${#line}"
            """, in: folder.path)
        let numbers = result.text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        #expect(numbers.count == 2 && numbers[0] == 1 && numbers[1] > 100, "\(result.text) \(result.errors)")
        #expect(result.errorLines.count == 1, "\(result.errors)")
        #expect(result.errors.hasPrefix("clip: m.clip: was cut short"))
        #expect(try folder.contents() == ["m.clip"])
    }
}
