import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPHub

@Suite struct PullTests {
    private let folder: TemporaryFolder
    private let name = "models--org--model"
    private let commit = String(repeating: "c", count: 40)

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func `A model is laid out as Python's client does it`() async throws {
        let hub = try LoopbackHub { $0.files = Model.files }
        let pulled = try await client(hub, folder).pull("org/model")
        let files = Model.files
        let names = ["README.md", "config.json", "merges.txt", "model.safetensors", "vocab.json"]
        #expect(pulled.commit == commit && pulled.revision == "main" && pulled.fileCount == 5)
        #expect(pulled.folder == folder["\(name)/snapshots/\(commit)"] && pulled.path == pulled.folder)
        #expect(
            pulled.byteCount == names.reduce(0) { $0 + files[$1]!.count } && pulled.fetchedByteCount == pulled.byteCount
        )
        func hash(_ file: String) -> String {
            files[file]!.count >= 1000 ? Digest.sha256(files[file]!) : Digest.git(files[file]!)
        }
        let blobs = names.map { "\(name)/blobs/\(hash($0))" }
        let links = names.map { "\(name)/snapshots/\(commit)/\($0) -> ../../blobs/\(hash($0))" }
        let locks = names.map { ".locks/\(name)/\(hash($0)).lock" }
        #expect(try folder.tree() == (["CACHEDIR.TAG", "\(name)/refs/main"] + blobs + links + locks).sorted())
        #expect(try folder.bytes("\(name)/refs/main") == Array(commit.utf8))
        for file in names { #expect(try folder.bytes("\(name)/snapshots/\(commit)/\(file)") == files[file]!) }
    }

    @Test func `What is here is not fetched again`() async throws {
        let hub = try LoopbackHub { $0.files = Model.files }
        let client = try client(hub, folder)
        _ = try await client.pull("org/model")
        let before = hub.requests.count
        #expect(try await client.pull("org/model").fetchedByteCount == 0)
        #expect(!hub.requests[before...].contains { $0.method == "GET" && !$0.path.hasPrefix("/api/") })

        // A new commit changes one file: the others' blobs serve it too, and the old snapshot stays.
        let next = String(repeating: "d", count: 40)
        let weights = Model.weights(seed: 9)
        hub.change {
            $0.commit = next
            $0.files["model.safetensors"] = weights
        }
        #expect(try await client.pull("org/model").fetchedByteCount == weights.count)
        #expect(try folder.bytes("\(name)/refs/main") == Array(next.utf8))
        #expect(try folder.bytes("\(name)/snapshots/\(next)/model.safetensors") == weights)
        #expect(try folder.bytes("\(name)/snapshots/\(commit)/model.safetensors") == Model.weights())
    }

    @Test func `Revisions are branches, tags, requests and commits`() async throws {
        let hub = try LoopbackHub {
            $0.files = Model.files
            $0.revisions = ["v1.0", "refs/pr/7"]
        }
        let client = try client(hub, folder)
        #expect(try await client.pull("org/model@refs/pr/7").revision == "refs/pr/7")
        #expect(try folder.bytes("\(name)/refs/refs/pr/7") == Array(commit.utf8))
        #expect(try await client.pull("org/model@\(commit)").fetchedByteCount == 0)
        #expect(try !folder.tree().contains { $0.contains("refs/\(commit)") })
        let error = await failure { try await client.pull("org/model") }
        #expect(error.kind == .notFound && error.message.contains("no such revision"))
    }

    @Test func `Fifty cut connections, and the right hash at the end`() async throws {
        let weights = Model.weights(3_000_000)
        var random = SeededGenerator(seed: 50)
        let cuts = (0..<50).map { _ in Int.random(in: 0...80_000, using: &random) }
        for hard in [false, true] {
            let folder = try TemporaryFolder()
            let hub = try LoopbackHub {
                $0.files = ["config.json": Model.config, "model.safetensors": weights]
                $0.cuts = cuts
                $0.cutsHard = hard
            }
            let clock = HastyClock()
            let pulled = try await client(hub, folder, clock: clock).pull("org/model")
            #expect(try folder.bytes("\(name)/snapshots/\(commit)/model.safetensors") == weights)
            #expect(try !folder.tree().contains { $0.hasSuffix(".incomplete") })
            // After a soft cut every byte comes once; a reset may throw away what was on its way.
            if !hard { #expect(pulled.fetchedByteCount == pulled.byteCount) }
            #expect(hub.requests.count { $0.port == .store } > 45 && clock.longWaits.count < 20)
        }
    }

    @Test func `A server without ranges starts again from the first byte`() async throws {
        let weights = Model.weights()
        let hub = try LoopbackHub {
            $0.files = ["config.json": Model.config, "model.safetensors": weights]
            $0.cuts = [0, 70_000, 150_000]
            $0.ignoresRanges = true
        }
        _ = try await client(hub, folder).pull("org/model")
        #expect(try folder.bytes("\(name)/snapshots/\(commit)/model.safetensors") == weights)
    }

    @Test func `A large file comes in segments`() async throws {
        let weights = Model.weights()
        for (ranges, requests) in [(true, 20), (false, 1)] {
            let folder = try TemporaryFolder()
            let hub = try LoopbackHub {
                $0.files = ["config.json": Model.config, "model.safetensors": weights]
                $0.ignoresRanges = !ranges
            }
            let client = try client(hub, folder, segment: 10_000)
            #expect(try await client.pull("org/model").byteCount == weights.count + Model.config.count)
            #expect(try folder.bytes("\(name)/snapshots/\(commit)/model.safetensors") == weights)
            #expect(hub.requests.count { $0.port == .store } == requests)
        }
    }

    @Test func `What an earlier run left is gone on with, and replaced where it is damaged`() async throws {
        let weights = Model.weights()
        let hub = try LoopbackHub { $0.files = ["config.json": Model.config, "model.safetensors": weights] }
        let partial = "\(name)/blobs/\(Digest.sha256(weights)).636c6970.incomplete"
        try folder.write(Array(weights.prefix(150_000)), to: partial)
        #expect(try await client(hub, folder).pull("org/model").fetchedByteCount == 50_000 + Model.config.count)
        #expect(hub.requests.contains { $0.headers["range"] == "bytes=150000-199999" })

        for leftover in [[UInt8](repeating: 0, count: 150_000), [UInt8](repeating: 0, count: 200_001), weights] {
            let folder = try TemporaryFolder()
            try folder.write(leftover, to: partial)
            _ = try await client(hub, folder).pull("org/model")
            #expect(try folder.bytes("\(name)/snapshots/\(commit)/model.safetensors") == weights)
            #expect(try !folder.tree().contains { $0.hasSuffix(".incomplete") })
        }
    }

    @Test func `Wrong bytes are fetched once more, then refused`() async throws {
        let weights = Model.weights()
        for (corruptions, file) in [(1, "model.safetensors"), (2, "model.safetensors"), (9, "config.json")] {
            let folder = try TemporaryFolder()
            let hub = try LoopbackHub {
                $0.files = ["config.json": Model.config, "model.safetensors": weights]
                $0.corruptions = file == "config.json" ? 9 : 0
            }
            if file != "config.json" {
                // The configuration comes whole, the weights don't.
                hub.change { $0.largeFrom = 10 }
                _ = try await client(hub, folder).pull("org/model", files: ["config.json"])
                hub.change { $0.corruptions = corruptions }
            }
            let client = try client(hub, folder)
            if corruptions == 1 {
                _ = try await client.pull("org/model")
                #expect(try folder.bytes("\(name)/snapshots/\(commit)/model.safetensors") == weights)
            } else {
                let error = await failure { try await client.pull("org/model") }
                #expect(error.kind == .damaged && error.path == file, "\(error)")
                #expect(error.message.contains("the hub announced"))
                #expect(try !folder.tree().contains { $0.contains("snapshots/\(commit)/\(file)") })
            }
        }
    }

    @Test func `A hub that announces the wrong size is refused`() async throws {
        for size in ["199999", "200001", "1000000000000000", "9223372036854775807", "18446744073709551616", "-1"] {
            let folder = try TemporaryFolder()
            let hub = try LoopbackHub {
                $0.files = ["config.json": Model.config, "model.safetensors": Model.weights()]
                $0.largeFrom = 100
                $0.headHeaders = ["X-Linked-Size": size]
            }
            let error = await failure { try await client(hub, folder).pull("org/model") }
            #expect([.damaged, .network, .storage, .server].contains(error.kind), "\(size): \(error)")
            #expect(size.utf8.count < 16 || error.kind == .server && error.message.contains(size), "\(size): \(error)")
            #expect(try !folder.tree().contains { $0.contains("snapshots/") && $0.contains("model.safetensors") })
        }
    }

    @Test func `An answer that comes packed is refused`() async throws {
        let hub = try LoopbackHub {
            $0.files = Model.files
            $0.contentEncoding = "gzip"
        }
        for hasList in [false, true] {
            let error = await failure { try await client(hub, folder).pull("org/model") }
            #expect(
                error.kind == .refused && error.message.contains("Content-Encoding \"gzip\""), "\(hasList): \(error)")
            // The list as it should be: now it is a file that comes packed.
            hub.change {
                $0.contentEncoding = nil
                $0.contentEncodingOfFiles = "gzip"
            }
        }
        hub.change { $0.contentEncodingOfFiles = "identity" }
        _ = try await client(hub, folder).pull("org/model")
    }

    @Test func `Links that somebody has put into the cache lead nothing elsewhere`() async throws {
        let hub = try LoopbackHub { $0.files = Model.files }
        let weights = Digest.sha256(Model.weights())
        let partial = "\(name)/blobs/\(weights).636c6970.incomplete"
        let victim = Array("somebody's own".utf8)
        for (path, isHard) in [(partial, false), (partial, true), (".locks/\(name)/\(weights).lock", false)] {
            let folder = try TemporaryFolder()
            try folder.write(victim, to: "victim")
            try folder.write([], to: path)
            try FileManager.default.removeItem(atPath: folder[path])
            if isHard {
                try FileManager.default.linkItem(atPath: folder["victim"], toPath: folder[path])
            } else {
                try FileManager.default.createSymbolicLink(atPath: folder[path], withDestinationPath: folder["victim"])
            }
            let error = await failure { try await client(hub, folder).pull("org/model") }
            #expect(error.kind == .storage && error.message.contains("remove it"), "\(path): \(error)")
            #expect(try folder.bytes("victim") == victim)
        }
        // A reference is replaced, whatever it is.
        try folder.write(victim, to: "victim")
        try folder.write([], to: "\(name)/refs/other")
        for link in ["\(name)/refs/main", "CACHEDIR.TAG"] {
            try FileManager.default.createSymbolicLink(atPath: folder[link], withDestinationPath: folder["victim"])
        }
        _ = try await client(hub, folder).pull("org/model")
        #expect(try folder.bytes("victim") == victim)
        #expect(try folder.bytes("\(name)/refs/main") == Array(commit.utf8))
    }

    @Test(arguments: [true, false]) func `What is damaged in the cache is found and fetched again`(
        usesLinks: Bool
    ) async throws {
        let hub = try LoopbackHub { $0.files = Model.files }
        let online = try client(hub, folder) { $0.usesLinks = usesLinks }
        _ = try await online.pull("org/model")
        #expect(try await online.pull("org/model", verifiesCache: true).fetchedByteCount == 0)
        let file = "\(name)/snapshots/\(commit)/model.safetensors"
        let weights = Model.weights()
        let damaged = Array(weights.dropLast()) + [weights.last! ^ 1]
        // In place, through link or name.
        let handle = try FileHandle(forWritingTo: URL(filePath: folder[file]))
        try handle.write(contentsOf: Data(damaged))
        try handle.close()
        // By its size it is as it should be.
        #expect(try await online.pull("org/model").fetchedByteCount == 0)
        #expect(try folder.bytes(file) == damaged)
        let offline = try client(hub, folder) { $0.isOffline = true }
        let error = await failure { try await offline.pull("org/model", verifiesCache: true) }
        #expect(error.kind == (usesLinks ? .damaged : .offline), "\(error)")
        let reports = Reports()
        let pulled = try await online.pull("org/model", verifiesCache: true) { reports.add($0) }
        #expect(pulled.fetchedByteCount == weights.count)
        #expect(reports.all.contains { $0.note?.contains("model.safetensors in the cache is damaged") == true })
        #expect(try folder.bytes(file) == weights)
        if usesLinks { _ = try await offline.pull("org/model", verifiesCache: true) }
    }

    #if canImport(FoundationNetworking)
    @Test func `A host that Foundation can't open is told so`() async throws {
        let hub = try LoopbackHub()
        let error = await failure {
            try await client(hub, folder) { $0.endpoint = "http://[::1]:9" }.pull("org/model")
        }
        #expect(error.kind == .argument && error.message.contains("give the host a name"), "\(error)")
    }
    #endif

    @Test func `Busy and faulty hubs are asked again, as late as they ask for`() async throws {
        let hub = try LoopbackHub {
            $0.files = Model.files
            $0.troubles = [
                ("/api/", 503, [:]), ("/api/", 429, ["Retry-After": "17"]),
                ("/resolve/", 502, ["Retry-After": "Sun, 06 Nov 1994 08:49:57 GMT"]), ("/stored/", 500, [:]),
                ("/stored/", 403, [:]),
            ]
        }
        let clock = HastyClock()
        _ = try await client(hub, folder, clock: clock).pull("org/model")
        #expect(clock.longWaits.contains(17) && clock.longWaits.contains(20))

        hub.change { $0.troubles = (0..<20).map { _ in ("/api/", 503, [:]) } }
        let tired = await failure { try await client(hub, folder).pull("org/model") }
        #expect(tired.kind == .network && tired.message.contains("has a fault (status 503)"))
        hub.change { $0.troubles = [("/api/", 429, ["Retry-After": "86400"])] }
        let later = await failure { try await client(hub, folder).pull("org/model") }
        #expect(later.message.contains("asks to come back in 86400 s"))
    }

    @Test func `A hub that refuses says what to do`() async throws {
        func refused(_ status: Int, _ code: String? = nil, token: String? = nil) async throws -> CLIPError {
            let hub = try LoopbackHub {
                $0.files = Model.files
                $0.troubles = [("/api/", status, code.map { ["X-Error-Code": $0] } ?? [:])]
            }
            return await failure { try await client(hub, folder, token: token).pull("org/model") }
        }
        #expect(try await refused(401).message.contains("if it is private or gated, set HF_TOKEN"))
        #expect(try await refused(401, "RepoNotFound").kind == .notFound)
        #expect(try await refused(401, token: "hf_x").message.contains("check HF_TOKEN, it may have expired"))
        #expect(try await refused(404, "RepoNotFound", token: "hf_x").message.contains("that your token may read it"))
        #expect(try await refused(403, "GatedRepo").message.contains("is gated: accept its terms"))
        #expect(try await refused(403, token: "hf_x").message.contains("your token's permissions don't cover it"))
        #expect(try await refused(404).message.contains("check the name and the revision"))
        #expect(try await refused(418).kind == .server)
        #expect(try await refused(200).kind == .server)
    }

    @Test func `The token goes to the hub's own host alone`() async throws {
        let hub = try LoopbackHub {
            $0.files = Model.files
            $0.token = "hf_secret"
        }
        #expect(await failure { try await client(hub, folder).pull("org/model") }.kind == .notFound)
        _ = try await client(hub, folder, token: "hf_secret").pull("org/model")
        let served = hub.requests.drop { $0.headers["authorization"] == nil }
        #expect(served.contains { $0.port == .store } && served.contains { $0.port == .hub })
        for request in served {
            #expect(request.headers["authorization"] == (request.port == .hub ? "Bearer hf_secret" : nil))
            #expect(request.headers["user-agent"] == "clip/\(PackageVersion.text)")
            #expect(request.headers["accept-encoding"] == "identity")
            #expect(request.headers["cookie"] == nil && request.headers["referer"] == nil)
        }
    }

    @Test func `A renamed repository is followed, an endless one is not`() async throws {
        let hub = try LoopbackHub { $0.files = Model.files }
        let path = "/api/models/org/model/revision/main"
        hub.change { $0.troubles = [(path, 307, ["Location": path])] }
        _ = try await client(hub, folder).pull("org/model")
        hub.change { $0.troubles = (0..<20).map { _ in (path, 307, ["Location": path]) } }
        #expect(
            await failure { try await client(hub, folder).pull("org/model") }.message.contains("redirects more than"))
        hub.change { $0.troubles = [(path, 302, ["Location": "file:///etc/passwd"])] }
        #expect(await failure { try await client(hub, folder).pull("org/model") }.kind == .refused)
    }

    @Test func `No network, no answer, no hub`() async throws {
        let hub = try LoopbackHub { $0.files = Model.files }
        let silent = try LoopbackHub {
            $0.files = Model.files
            $0.stalls = true
        }
        let error = await failure { try await client(silent, folder, timeout: 1).pull("org/model") }
        #expect(error.kind == .network && error.message.contains("doesn't answer"), "\(error)")
        hub.stop()
        try await Task.sleep(nanoseconds: 200_000_000)
        let gone = await failure { try await client(hub, folder).pull("org/model") }
        #expect(gone.kind == .network && gone.message.contains("can't reach http://127.0.0.1"), "\(gone)")
        let nowhere = await failure {
            try await client(hub, folder) { $0.endpoint = "http://no-such-host.invalid" }.pull("org/model")
        }
        #expect(nowhere.kind == .network && nowhere.message.contains("can't reach"), "\(nowhere)")
    }

    @Test func `Offline the cache answers, and nobody is asked`() async throws {
        let hub = try LoopbackHub { $0.files = Model.files }
        let offline = try client(hub, folder) { $0.isOffline = true }
        let absent = await failure { try await offline.pull("org/model") }
        #expect(absent.kind == .offline && absent.message.contains("HF_HUB_OFFLINE") && hub.requests.isEmpty)
        let pulled = try await client(hub, folder).pull("org/model")
        let count = hub.requests.count
        let again = try await offline.pull("org/model")
        #expect(again.folder == pulled.folder && again.byteCount == pulled.byteCount && hub.requests.count == count)
    }

    @Test func `Hostile lists and models of other kinds stop before anything large`() async throws {
        let hub = try LoopbackHub { $0.files = Model.files }
        let list = #"{"sha":"\#(commit)","siblings":[{"rfilename":"config.json"},{"rfilename":"../../x"}]}"#
        hub.change { $0.description = list }
        #expect(await failure { try await client(hub, folder).pull("org/model") }.kind == .refused)
        #expect(try folder.tree().isEmpty)
        hub.change {
            $0.description = nil
            $0.files["config.json"] = Array(#"{"model_type":"bert"}"#.utf8)
        }
        let error = await failure { try await client(hub, folder).pull("org/model") }
        #expect(error.message.contains(#"is a model of type "bert", which this program doesn't have"#))
        for (name, text, words) in [
            ("config.json", #"{"model_type":"siglip2","vision_config":{"num_patches":250}}"#, "a square number"),
            ("config.json", #"{"model_type":"clip","auto_map":{"AutoModel":"modeling_x.Y"}}"#, "a program of its own"),
            (
                "open_clip_config.json",
                #"{"model_cfg":{"embed_dim":1,"vision_cfg":{"timm_model_name":"swin_x"},"text_cfg":{}}}"#, "swin_x"
            ),
        ] {
            hub.change { $0.files = ["model.safetensors": Model.weights(), name: Array(text.utf8)] }
            let error = await failure { try await client(hub, folder).pull("org/model") }
            #expect(error.message.contains("would not load") && error.message.contains(words), "\(error)")
        }
        #expect(!hub.requests.contains { $0.path.contains("model.safetensors") })
    }

    @Test func `Weights that open_clip's own list describes come without a configuration`() async throws {
        let repository = "jienengchen/ViTamin-S"
        let hub = try LoopbackHub {
            $0.repository = repository
            // Its configuration is for a program of its maker's.
            $0.files = [
                "config.json": Array(#"{"model_type":"vitamin","auto_map":{"AutoModel":"model.ViTamin"}}"#.utf8),
                "pytorch_model.bin": Model.weights(), "model.py": Array("pass".utf8),
            ]
        }
        let pulled = try await client(hub, folder).pull(repository)
        #expect(pulled.weights == ["pytorch_model.bin"] && pulled.fileCount == 2)
        #expect(try await client(hub, folder).pull("ViTamin-S").fetchedByteCount == 0)
    }

    @Test func `Without links the files themselves are in the snapshot`() async throws {
        let hub = try LoopbackHub { $0.files = Model.files }
        let client = try client(hub, folder) { $0.usesLinks = false }
        _ = try await client.pull("org/model")
        #expect(try !folder.tree().contains { $0.contains("->") })
        #expect(try folder.bytes("\(name)/snapshots/\(commit)/model.safetensors") == Model.weights())
        #expect(try await client.pull("org/model").fetchedByteCount == 0)
    }

    @Test func `Parts come side by side`() async throws {
        let parts = (1...4).map { "model-0000\($0)-of-00004.safetensors" }
        let hub = try LoopbackHub {
            $0.files = ["config.json": Model.config, "model.safetensors.index.json": Array("{}".utf8)]
            for (index, part) in parts.enumerated() { $0.files[part] = Model.weights(40_000, seed: UInt64(index)) }
            // Two parts of one content are one blob.
            $0.files[parts[3]] = $0.files[parts[0]]
            $0.rate = 400_000
        }
        let pulled = try await client(hub, folder).pull("org/model")
        #expect(pulled.weights == ["model.safetensors.index.json"] + parts)
        for (index, part) in parts.enumerated() {
            let weights = Model.weights(40_000, seed: UInt64(index % 3))
            #expect(try folder.bytes("\(name)/snapshots/\(commit)/\(part)") == weights)
        }
    }

    @Test func `Two at once fetch each file once`() async throws {
        let weights = Model.weights(400_000)
        let hub = try LoopbackHub {
            $0.files = ["config.json": Model.config, "model.safetensors": weights]
            $0.rate = 1_000_000
        }
        async let first = client(hub, folder, clock: SystemClock()).pull("org/model")
        async let second = client(hub, folder, clock: SystemClock()).pull("org/model")
        let fetched = try await first.fetchedByteCount + second.fetchedByteCount
        #expect(fetched == weights.count + Model.config.count)
        #expect(try folder.bytes("\(name)/snapshots/\(commit)/model.safetensors") == weights)
    }

    @Test func `Progress ends where it said it would, and cancelling stops`() async throws {
        let hub = try LoopbackHub {
            $0.files = Model.files
            $0.cuts = [5, 1000, 100_000]
        }
        let reports = Reports()
        let pulled = try await client(hub, folder).pull("org/model") { reports.add($0) }
        let last = try #require(reports.all.last)
        #expect(last.byteCount == pulled.byteCount && last.totalByteCount == pulled.byteCount)
        #expect(last.fileCount == 5 && last.totalFileCount == 5 && last.note == nil)
        #expect(reports.all.allSatisfy { $0.byteCount <= $0.totalByteCount && $0.byteCount >= 0 })

        let slow = try LoopbackHub {
            $0.files = Model.files
            $0.rate = 20_000
        }
        let other = try TemporaryFolder()
        let task = Task { await failure { try await client(slow, other, clock: SystemClock()).pull("org/model") } }
        try await Task.sleep(nanoseconds: 300_000_000)
        task.cancel()
        #expect(await task.value.kind == .cancelled)
    }

    /// Foundation on Linux traps when an exchange is cancelled while it waits to hear what becomes of a redirect: the
    /// large file of the two has one.
    @Test(arguments: ["model.safetensors", "config.json"])
    func `An exchange can be cancelled at any time`(file: String) async throws {
        let hub = try LoopbackHub { $0.files = Model.files }
        let transport = URLSessionTransport(timeout: 5)
        let address = try #require(HTTPAddress("\(hub.address())/org/model/resolve/main/\(file)"))
        var random = SeededGenerator(seed: 3)
        for _ in 0..<60 {
            let tasks = (0..<8).map { _ in
                Task {
                    await transport.send(HTTPRequest(method: .get, address: address, headers: [:]), to: Deaf())
                }
            }
            for task in tasks {
                try await Task.sleep(nanoseconds: UInt64.random(in: 0...800_000, using: &random))
                task.cancel()
            }
            for task in tasks { _ = await task.value }
        }
        #expect(hub.requests.count > 60)
    }

    @Test func `Short names find their repository`() async throws {
        let hub = try LoopbackHub {
            $0.repository = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
            $0.files = Model.files
        }
        let client = try client(hub, folder)
        #expect(try await client.pull("ViT-B-32:laion2b_s34b_b79k").name == "laion/CLIP-ViT-B-32-laion2B-s34B-b79K")
        #expect(
            await failure { try await client.pull("siglip2") }.message.contains("say which: ViT-B-32-SigLIP2-256:webli")
        )
        #expect(await failure { try await client.pull("clap-htsat") }.message.contains("hears sounds"))
        for text in ["", "model", "a/b/c", "../x", "org/model@"] {
            #expect(await failure { try await client.pull(text) }.kind == .argument, "\(text)")
        }
    }
}

/// Takes whatever comes.
private final class Deaf: HTTPReceiver {
    func receive(head: HTTPHead) -> Bool { true }
    func receive(body: UnsafeRawBufferPointer) -> Bool { true }
}
