import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPHub

/// `clip pull` as its users see it: the command, the program that it runs, and a hub.
@Suite struct PullProgramTests {
    private let folder: TemporaryFolder
    private let name = "models--org--model"
    private let commit = String(repeating: "c", count: 40)

    init() throws {
        folder = try TemporaryFolder()
    }

    private func environment(_ hub: LoopbackHub) -> [String: String] {
        ["HF_ENDPOINT": hub.address(), "HF_HUB_CACHE": folder.path, "HF_HUB_DOWNLOAD_TIMEOUT": "5"]
    }

    @Test func `A model is fetched, reported and found`() throws {
        let model = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "CLIPTests/Fixtures/models/quickgelu-f32").path
        let hub = try LoopbackHub { hub in
            for file in try! FileManager.default.contentsOfDirectory(atPath: model) {
                hub.files[file] = [UInt8](FileManager.default.contents(atPath: "\(model)/\(file)")!)
            }
        }
        let pulled = try Program.clip(["pull", "org/model"], environment(hub))
        #expect(pulled.status == 0 && pulled.errors.isEmpty, "\(pulled.errors)")
        let record = try #require(try JSONSerialization.jsonObject(with: Data(pulled.output.utf8)) as? [String: Any])
        #expect(record["name"] as? String == "org/model" && record["commit"] as? String == commit)
        #expect(record["path"] as? String == folder["\(name)/snapshots/\(commit)"])
        #expect(record["fetched"] as? Int == record["bytes"] as? Int && record["files"] as? Int == 6)
        let count = hub.requests.count
        let embedded = try Program.clip(["embed-text", "a", "--model", "org/model"], environment(hub))
        #expect(embedded.status == 0 && embedded.output.contains("embedding"))
        let listed = try Program.clip(["models"], environment(hub))
        #expect(listed.output.contains(#""name":"org/model","kind":"hub","family":"CLIP","bytes":"#))
        #expect(hub.requests.count == count)

        let text = try Program.clip(["pull", "org/model", "--format", "text"], environment(hub))
        #expect(text.output.contains("nothing new") && text.output.contains("use it with --model org/model"))
    }

    @Test func `Errors are one line, and say what to do`() throws {
        let hub = try LoopbackHub { $0.files = Model.files }
        for (name, words) in [
            ("org/other", "check the name"), ("org/model@v9", "has no such revision"), ("siglip2", "say which"),
            ("nonsense", "expected org/name"), ("clap-htsat", "hears sounds"),
        ] {
            let result = try Program.clip(["pull", name], environment(hub))
            #expect(result.status == 1 && result.output.isEmpty, "\(name)")
            #expect(result.errors.contains(words) && result.errors.hasPrefix("clip: "), "\(name): \(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1, "\(name): \(result.errors)")
        }
        let offline = try Program.clip(["pull", "org/model"], environment(hub).merging(["HF_HUB_OFFLINE": "1"]) { $1 })
        #expect(offline.status == 1 && offline.errors.contains("HF_HUB_OFFLINE keeps this program off the network"))
        #expect(try Program.clip(["pull", "--", "-x"], environment(hub)).status == 64)
    }

    @Test func `A pull that is killed is gone on with`() throws {
        let weights = Model.weights(600_000)
        let hub = try LoopbackHub {
            $0.files = ["config.json": Model.config, "model.safetensors": weights]
            $0.rate = 600_000
        }
        let partial = folder["\(name)/blobs/\(Digest.sha256(weights)).636c6970.incomplete"]
        for _ in 0..<2 {
            let process = try Program.start(["pull", "org/model"], environment(hub))
            let before = Program.size(partial)
            while process.isRunning, Program.size(partial) < before + 50_000 { usleep(10_000) }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            // The half that fetches ends when nobody listens any more.
            var size = -1
            while Program.size(partial) != size {
                size = Program.size(partial)
                usleep(500_000)
            }
        }
        #expect(Program.size(partial) >= 100_000 && Program.size(partial) < weights.count)
        hub.change { $0.rate = nil }
        let result = try Program.clip(["pull", "org/model"], environment(hub))
        #expect(result.status == 0, "\(result.errors)")
        #expect(try folder.bytes("\(name)/snapshots/\(commit)/model.safetensors") == weights)
        #expect(hub.requests.count { $0.port == .store && $0.headers["range"] != nil } == 2)
    }

    @Test func `When the command is killed, nothing of it is left`() throws {
        let hub = try LoopbackHub {
            $0.files = Model.files
            $0.stallsFrom = 1000
        }
        let process = try Program.start(
            ["pull", "org/model"], environment(hub).merging(["HF_HUB_DOWNLOAD_TIMEOUT": "600"]) { $1 })
        while process.isRunning, !hub.requests.contains(where: { $0.port == .store }) { usleep(10_000) }
        let partial = folder["\(name)/blobs/\(Digest.sha256(Model.weights())).636c6970.incomplete"]
        while process.isRunning, Program.size(partial) == 0 { usleep(10_000) }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        // Whoever fetches a blob holds its lock.
        let lock = open(folder[".locks/\(name)/\(Digest.sha256(Model.weights())).lock"], O_RDWR)
        defer { close(lock) }
        var rounds = 0
        while flock(lock, LOCK_EX | LOCK_NB) != 0, rounds < 600 {
            usleep(50_000)
            rounds += 1
        }
        #expect(lock >= 0 && rounds < 600)
    }

    @Test func `A program that can't be loaded is not run again`() throws {
        try FileManager.default.copyItem(atPath: Program.path, toPath: folder["clip"])
        let loader = "clip-pull: error while loading shared libraries: libcurl.so.4: cannot open shared object file"
        try folder.write(Array("#!/bin/sh\necho '\(loader)' >&2\nexit 127\n".utf8), to: "clip-pull")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder["clip-pull"])
        let result = try Program.run(folder["clip"], ["pull", "org/model"], [:])
        #expect(result.status == 1 && result.output.isEmpty)
        #expect(result.errors.contains(loader) && result.errors.contains("can't be loaded"), "\(result.errors)")
        #expect(!result.errors.contains("run this again"))
    }

    @Test func `A fetching program that crashes has had an answer that can't be read`() throws {
        try FileManager.default.copyItem(atPath: Program.path, toPath: folder["clip"])
        for (signal, isCrash) in [("ILL", true), ("TRAP", true), ("KILL", false)] {
            try folder.write(Array("#!/bin/sh\nkill -\(signal) $$\n".utf8), to: "clip-pull")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder["clip-pull"])
            let result = try Program.run(folder["clip"], ["pull", "org/model"], [:])
            #expect(result.status == 1 && result.output.isEmpty)
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
            #expect(result.errors.contains("the server's answer could not be read") == isCrash, "\(result.errors)")
            #expect(result.errors.contains("run this again") != isCrash, "\(result.errors)")
        }
    }

    #if os(Linux)
    @Test func `Without proc a pull is refused in a line`() throws {
        // A mount of its own needs a user namespace, which not every system gives.
        guard try Program.run("/usr/bin/env", ["unshare", "-rm", "true"], [:]).status == 0 else { return }
        let hub = try LoopbackHub { $0.files = Model.files }
        for more in [[:], ["HF_HUB_OFFLINE": "1"]] {
            let count = hub.requests.count
            let refused = try Program.run(
                "/usr/bin/env",
                [
                    "unshare", "-rm", "bash", "-c", "mount -t tmpfs none /proc && exec \"$0\" pull org/model",
                    Program.path,
                ],
                environment(hub).merging(more) { $1 })
            #expect(refused.status == 1 && refused.output.isEmpty && hub.requests.count == count)
            #expect(refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
            #expect(refused.errors.contains("needs /proc, which is not mounted here: mount it"), "\(refused.errors)")
            // What is in the cache is no less refused.
            #expect(try Program.clip(["pull", "org/model"], environment(hub)).status == 0)
        }
    }
    #endif

    /// Foundation's networking on Linux traps on the first.
    @Test(arguments: [Int64.max, Int64.max - 1024, 1 << 60])
    func `A length that no file has is refused`(length: Int64) throws {
        let hub = try LoopbackHub {
            $0.files = ["config.json": Model.config]
            $0.headHeaders = ["Content-Length": "\(length)"]
        }
        let result = try Program.clip(["pull", "org/model"], environment(hub))
        #expect(result.status == 1 && result.output.isEmpty)
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        #expect(
            result.errors.contains("config.json has \"\(length)\" bytes, expected")
                || length == .max && result.errors.contains("the server's answer could not be read"),
            "\(result.errors)")
        #expect(!result.errors.contains("run this again"), "\(result.errors)")
    }

    @Test func `The command compares what the cache has, when it is asked to`() throws {
        let hub = try LoopbackHub { $0.files = Model.files }
        for (options, verified) in [([], false), (["--verify"], true)] {
            let result = try Program.clip(["pull", "org/model"] + options, environment(hub))
            #expect(result.status == 0 && result.output.contains("\"verified\":\(verified)"), "\(result)")
        }
        let blob = folder["\(name)/blobs/\(Digest.sha256(Model.weights()))"]
        try Data(Model.weights(seed: 7)).write(to: URL(filePath: blob))
        let result = try Program.clip(["pull", "org/model", "--verify"], environment(hub))
        #expect(result.status == 0 && result.output.contains("\"fetched\":200000"), "\(result)")
        #expect(result.errors.contains("model.safetensors in the cache is damaged, fetching it again"))
        #expect(FileManager.default.contents(atPath: blob) == Data(Model.weights()))
    }

    @Test func `Two programs at once fetch each file once`() throws {
        let weights = Model.weights(300_000)
        let hub = try LoopbackHub {
            $0.files = ["config.json": Model.config, "model.safetensors": weights]
            $0.rate = 600_000
        }
        let processes = try (0..<3).map { _ in try Program.start(["pull", "org/model"], environment(hub)) }
        for process in processes {
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
        #expect(hub.requests.count { $0.port == .store } == 1)
        #expect(try folder.bytes("\(name)/snapshots/\(commit)/model.safetensors") == weights)
    }

    @Test func `A proxy is used, except where it is not to be`() throws {
        let hub = try LoopbackHub { $0.files = Model.files }
        // An unknown host that only the proxy can serve.
        let proxied = ["HF_ENDPOINT": "http://hub.invalid", "http_proxy": hub.address(.proxy), "no_proxy": ""]
        let result = try Program.clip(["pull", "org/model"], environment(hub).merging(proxied) { $1 })
        #expect(result.status == 0, "\(result.errors)")
        #expect(!hub.requests.isEmpty && hub.requests.allSatisfy { $0.port == .proxy })
        let count = hub.requests.count
        let direct = ["http_proxy": hub.address(.proxy), "no_proxy": "127.0.0.1"]
        #expect(try Program.clip(["pull", "org/model"], environment(hub).merging(direct) { $1 }).status == 0)
        #expect(hub.requests[count...].allSatisfy { $0.port != .proxy } && hub.requests.count > count)
    }
}

/// The command, as its users run it.
private enum Program {
    static let path = BuiltProgram.path("clip")

    static func clip(
        _ arguments: [String], _ environment: [String: String]
    ) throws -> (status: Int32, output: String, errors: String) {
        try run(path, arguments, environment)
    }

    static func run(
        _ program: String, _ arguments: [String], _ environment: [String: String]
    ) throws -> (status: Int32, output: String, errors: String) {
        let scratch = try TemporaryFolder()
        try scratch.write([], to: "out")
        try scratch.write([], to: "err")
        let process = process(arguments, environment)
        process.executableURL = URL(filePath: program)
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: scratch["out"]))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: scratch["err"]))
        try process.run()
        process.waitUntilExit()
        func text(_ name: String) throws -> String { String(decoding: try scratch.bytes(name), as: UTF8.self) }
        return (process.terminationStatus, try text("out"), try text("err"))
    }

    static func start(_ arguments: [String], _ environment: [String: String]) throws -> Process {
        let process = process(arguments, environment)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// The size of the file at `path`, 0 if there is none.
    static func size(_ path: String) -> Int {
        ((try? FileManager.default.attributesOfItem(atPath: path)[.size]) as? Int) ?? 0
    }

    private static func process(_ arguments: [String], _ environment: [String: String]) -> Process {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let kept = ProcessInfo.processInfo.environment.filter { name, _ in
            ![
                "HF_", "HUGGING", "TRANSFORMERS_", "CLIP_", "http", "HTTP", "no_proxy", "NO_PROXY", "all_proxy",
                "ALL_PROXY",
            ]
            .contains { name.hasPrefix($0) }
        }
        process.environment = kept.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        return process
    }
}
