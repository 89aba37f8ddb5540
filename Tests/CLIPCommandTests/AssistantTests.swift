import CLIP
import CLIPSystem
import CLIPTestSupport
import Foundation
import PictureCollections
import Synchronization
import Testing

@testable import CLIPAssistant

/// The Model Context Protocol, as raw lines of JSON-RPC.
@Suite(.timeLimit(.minutes(5))) struct AssistantTests {
    private func indexed() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (picture, name) in [
            ("blocks.png", "a/one.png"), ("waves.png", "a/two.png"), ("speck.png", "b/one.png"),
            ("ring_grey.png", "b/two.png"),
        ] { try folder.copyPicture(picture, to: "photos/\(name)") }
        try folder.copyPicture("waves.png", to: "secret.png")
        let made = try ClipProcess.run("index", "photos", "--dtype", "f32", "--model", Fixtures.model, in: folder.path)
        #expect(made.status == 0)
        return folder
    }

    private func json(_ object: Any) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
    }

    private func request(_ id: Int, _ method: String, _ parameters: [String: Any] = [:]) throws -> String {
        try json(["jsonrpc": "2.0", "id": id, "method": method, "params": parameters])
    }

    private func call(_ id: Int, _ tool: String, _ arguments: [String: Any] = [:]) throws -> String {
        try request(id, "tools/call", ["name": tool, "arguments": arguments])
    }

    /// The answers to some lines, by their identifier; 0 stands for none.
    private func serve(_ lines: [String], in folder: TemporaryFolder) throws -> [Int: [String: Any]] {
        let result = try ClipProcess.run(
            ClipProcess.path, ["mcp", "--index", "photos"], input: Data(lines.map { $0 + "\n" }.joined().utf8),
            in: folder.path)
        #expect(result.status == 0 && !result.wasKilled && result.errors.isEmpty, "\(result.errors)")
        return Dictionary(try result.records.map { ($0["id"] as? Int ?? 0, $0) }) { $1 }
    }

    private func values(_ answer: [String: Any]?) -> [String: Any] {
        let result = answer?["result"] as? [String: Any]
        return result?["structuredContent"] as? [String: Any] ?? [:]
    }

    private func content(_ answer: [String: Any]?) -> [[String: Any]] {
        (answer?["result"] as? [String: Any])?["content"] as? [[String: Any]] ?? []
    }

    private func isError(_ answer: [String: Any]?, _ text: String) -> Bool {
        (answer?["result"] as? [String: Any])?["isError"] as? Bool == true
            && (content(answer).first?["text"] as? String)?.contains(text) == true
    }

    private func code(_ answer: [String: Any]?) -> Int? { (answer?["error"] as? [String: Any])?["code"] as? Int }

    @Test func `A greeting settles the revision, and tools are listed with their arguments`() throws {
        let folder = try indexed()
        let answers = try serve(
            [
                request(1, "initialize", ["protocolVersion": "2025-03-26", "capabilities": [:]]),
                json(["jsonrpc": "2.0", "method": "notifications/initialized"]), request(2, "tools/list"),
                request(3, "ping"), request(4, "initialize", ["protocolVersion": "1999-01-01"]),
            ], in: folder)
        #expect(answers.count == 4)
        #expect((answers[1]?["result"] as? [String: Any])?["protocolVersion"] as? String == "2025-03-26")
        #expect((answers[4]?["result"] as? [String: Any])?["protocolVersion"] as? String == "2025-11-25")
        let tools = (answers[2]?["result"] as? [String: Any])?["tools"] as? [[String: Any]] ?? []
        #expect(
            tools.map { $0["name"] as? String } == [
                "describe_index", "search_pictures", "search_by_picture", "similar_pictures", "classify_pictures",
                "show_picture",
            ])
        for tool in tools {
            #expect((tool["annotations"] as? [String: Any])?["readOnlyHint"] as? Bool == true)
            #expect((tool["inputSchema"] as? [String: Any])?["additionalProperties"] as? Bool == false)
        }
        #expect((answers[3]?["result"] as? [String: Any])?.isEmpty == true)
    }

    @Test func `Requests that name their revision are answered as it wants, others as before`() throws {
        let folder = try indexed()
        func named(_ id: Int, _ method: String, _ revision: Any, _ more: [String: Any] = [:]) throws -> String {
            let meta: [String: Any] = [
                "io.modelcontextprotocol/protocolVersion": revision,
                "io.modelcontextprotocol/clientCapabilities": [String: Any](),
            ]
            return try request(id, method, more.merging(["_meta": meta]) { $1 })
        }
        let answers = try serve(
            [
                named(1, "server/discover", "2026-07-28"), named(2, "tools/list", "2026-07-28"),
                named(3, "tools/call", "2026-07-28", ["name": "describe_index"]),
                named(4, "tools/call", "2026-07-28", ["name": "show_picture", "arguments": ["path": "secret.png"]]),
                request(5, "tools/list"), named(6, "tools/list", "2099-01-01"), named(7, "server/discover", 3),
            ], in: folder)
        #expect(answers.count == 7)
        func result(_ id: Int) -> [String: Any] { answers[id]?["result"] as? [String: Any] ?? [:] }
        #expect((result(1)["supportedVersions"] as? [String])?.first == "2026-07-28")
        #expect((result(1)["capabilities"] as? [String: Any])?["tools"] != nil && result(1)["instructions"] != nil)
        for id in 1...4 {
            #expect(result(id)["resultType"] as? String == "complete")
            let meta = result(id)["_meta"] as? [String: Any]
            let server = meta?["io.modelcontextprotocol/serverInfo"] as? [String: Any]
            #expect(server?["name"] as? String == "clip")
            #expect(
                result(id)["ttlMs"] is Int == (id < 3) && (result(id)["cacheScope"] as? String == "private") == (id < 3)
            )
        }
        #expect(isError(answers[4], "is not in the index"))
        #expect(result(5).keys.elementsEqual(["tools"]))
        for id in 6...7 {
            #expect(code(answers[id]) == -32022)
            let data = (answers[id]?["error"] as? [String: Any])?["data"] as? [String: Any]
            #expect((data?["supported"] as? [String])?.contains("2026-07-28") == true && data?["requested"] is String)
        }
    }

    @Test func `Tools answer as the commands do, with small copies of the pictures`() throws {
        let folder = try indexed()
        let data = try folder.data("secret.png").base64EncodedString()
        let answers = try serve(
            [
                call(1, "describe_index"), call(2, "search_pictures", ["text": "blue waves", "top": 3]),
                call(3, "search_by_picture", ["data": data, "thumbnails": false]),
                call(4, "similar_pictures", ["path": "photos/a/two.png", "top": 2]),
                call(5, "classify_pictures", ["paths": ["photos/b", "photos/a/one.png"], "labels": ["dog", "cat"]]),
                call(6, "show_picture", ["path": "photos/a/one.png", "edge": 64]),
            ], in: folder)
        #expect(values(answers[1])["pictures"] as? Int == 4 && values(answers[1])["folder_count"] as? Int == 2)

        func hits(_ id: Int) -> [[String: Any]] { values(answers[id])["hits"] as? [[String: Any]] ?? [] }
        let found = try ClipProcess.run("search", "blue waves", "--index", "photos", "--top", "3", in: folder.path)
            .records
        #expect(hits(2).map { $0["path"] as? String } == found.map { $0["path"] as? String } && found.count == 3)
        #expect(hits(2).map { $0["score"] as? Double } == found.map { $0["score"] as? Double })
        #expect(hits(2).map { $0["fits"] as? Bool } == found.map { $0["fits"] as? Bool })
        let blocks = content(answers[2])
        #expect(blocks.map { $0["type"] as? String } == ["text", "text", "image", "text", "image", "text", "image"])
        for image in blocks.filter({ $0["type"] as? String == "image" }) {
            let jpeg = try #require(Data(base64Encoded: image["data"] as? String ?? ""))
            #expect(try Picture(bytes: Array(jpeg)).width > 0 && image["mimeType"] as? String == "image/jpeg")
        }
        #expect(hits(3).first?["path"] as? String == "photos/a/two.png" && hits(3).count == 4)
        #expect(content(answers[3]).count == 1)
        #expect(hits(4).count == 2 && !hits(4).contains { $0["path"] as? String == "photos/a/two.png" })

        let classified = values(answers[5])["pictures"] as? [[String: Any]] ?? []
        let expected = try ClipProcess.run(
            "classify", "--index", "photos", "photos/b", "photos/a/one.png", "--labels", "dog,cat", in: folder.path
        ).records
        #expect(classified.map { $0["path"] as? String } == expected.map { $0["input"] as? String })
        for (found, expected) in zip(classified, expected) {
            func best(_ record: [String: Any]) -> [String: Any]? { (record["labels"] as? [[String: Any]])?.first }
            #expect(best(found)?["label"] as? String == best(expected)?["label"] as? String)
            #expect(best(found)?["share"] as? Double == best(expected)?["probability"] as? Double)
        }
        #expect(content(answers[6]).count == 3)
    }

    @Test func `Nothing outside the index is shown, nor what a file has become`() throws {
        let folder = try indexed()
        try folder.copyPicture("blocks.png", to: "photos/later.png")
        // What is indexed is another picture by now.
        try folder.copyPicture("ring_grey.png", to: "photos/a/two.png")
        let outside = [
            "secret.png", "photos/../secret.png", folder["secret.png"], "/etc/passwd", "photos/later.png", "",
            "photos/\0",
            "file:///etc/passwd",
        ]
        var lines: [String] = []
        for (place, path) in outside.enumerated() {
            lines += [
                try call(10 + place, "show_picture", ["path": path]),
                try call(30 + place, "similar_pictures", ["path": path]),
                try call(50 + place, "classify_pictures", ["paths": [path], "labels": ["a", "b"]]),
            ]
        }
        lines += [
            try call(1, "show_picture", ["path": "photos/a/two.png"]),
            try call(2, "search_pictures", ["text": "waves"]),
            try call(3, "show_picture", ["path": "photos/a"]),
        ]
        let before = try folder.tree()
        let answers = try serve(lines, in: folder)
        for (place, path) in outside.enumerated() {
            for id in [10, 30, 50] {
                #expect(isError(answers[id + place], "is not in the index"), "\(path): \(answers[id + place] ?? [:])")
            }
        }
        #expect(isError(answers[1], "its file has changed since it was indexed"))
        #expect(isError(answers[3], "is a folder of 2 pictures"))
        let hits = values(answers[2])["hits"] as? [[String: Any]] ?? []
        #expect(hits.count == 4 && content(answers[2]).count { $0["type"] as? String == "image" } == 3)
        #expect(hits.count { $0["not_shown"] != nil } == 1)
        #expect(try folder.tree() == before)
    }

    @Test func `What makes no sense is answered with an error, and the next is served`() throws {
        let folder = try indexed()
        let deep = String(repeating: "[", count: 5000)
        let answers = try serve(
            [
                "{", #"{"jsonrpc":"2.0","id":1}"#, #"[{"jsonrpc":"2.0","id":2,"method":"ping"}]"#, deep, "",
                #"{"jsonrpc":"1.0","id":3,"method":"ping"}"#, #"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
                #"{"jsonrpc":"2.0","id":99,"result":{}}"#, request(4, "resources/list"), request(5, "tools/call"),
                call(6, "delete_pictures"), call(7, "search_pictures"), call(8, "search_pictures", ["text": 7]),
                call(9, "search_pictures", ["text": "a", "top": 51]),
                call(10, "search_pictures", ["text": "a", "limit": 1]),
                call(11, "search_by_picture", ["data": "no base64!"]),
                call(12, "search_by_picture", ["data": Data("no picture".utf8).base64EncodedString()]),
                call(13, "classify_pictures", ["paths": ["photos/a"], "labels": ["one"]]),
                call(14, "search_pictures", ["text": String(repeating: "word ", count: 10_000)]),
                call(15, "search_pictures", ["text": "   "]), call(16, "search_pictures", ["text": "waves"]),
            ], in: folder)
        #expect(code(answers[1]) == -32600 && answers[2] == nil && code(answers[3]) == -32600)
        #expect(answers[0] != nil && answers[99] == nil)
        #expect(code(answers[4]) == -32601 && code(answers[5]) == -32602 && code(answers[6]) == -32602)
        for (id, text) in [
            (7, "needs \"text\""), (8, "is a number, expected a string"), (9, "is 51, expected 1 to 50"),
            (10, "has no argument \"limit\""), (11, "is not base64"), (12, "format"), (13, "at least two labels"),
            (14, "at most 20000 bytes"), (15, "expected some words"),
        ] { #expect(isError(answers[id], text), "\(id): \(answers[id] ?? [:])") }
        #expect((values(answers[16])["hits"] as? [Any])?.count == 4)
    }

    @Test func `Damaged messages never end the server`() throws {
        let folder = try indexed()
        var random = SeededGenerator(seed: 5)
        let whole = Array(try call(1, "search_pictures", ["text": "waves", "without": ["a", "ü"], "top": 2]).utf8)
        var input: [UInt8] = []
        for _ in 0..<300 { input += random.damaged(whole).filter { $0 != UInt8(ascii: "\n") } + [UInt8(ascii: "\n")] }
        input += Array(try request(777_777, "ping").utf8) + [UInt8(ascii: "\n")]
        let result = try ClipProcess.run(
            ClipProcess.path, ["mcp", "--index", "photos"], input: Data(input), in: folder.path)
        #expect(result.status == 0 && !result.wasKilled)
        #expect(try result.records.contains { $0["id"] as? Int == 777_777 })
    }

    /// Tools that work until they are no longer wanted.
    private final class SlowTools: ToolSet {
        let begun = DispatchSemaphore(value: 0)
        let instructions = ""
        let tools = [Tool("wait", "", "", []), Tool("answer", "", "", [])]

        func call(_ tool: String, _ arguments: inout ToolArguments) throws -> ToolResult {
            guard tool == "wait" else { return ToolResult([:]) }
            begun.signal()
            while true {
                try checkCancellation()
                usleep(1000)
            }
        }
    }

    @Test func `A call that is cancelled ends and is not answered, waiting or begun`() throws {
        let tools = SlowTools()
        let pipe = Pipe()
        let lines = Mutex<[String]>([])
        let server = AssistantServer(tools, version: "1", limit: 1000) { line throws(CLIPError) in
            lines.withLock { $0.append(line) }
        }
        let input = pipe.fileHandleForWriting
        let reader = pipe.fileHandleForReading.fileDescriptor
        let served = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            try? server.serve(reader)
            served.signal()
        }
        func send(_ line: String) throws { try input.write(contentsOf: Data((line + "\n").utf8)) }
        func cancel(_ id: Int) throws {
            try send(json(["jsonrpc": "2.0", "method": "notifications/cancelled", "params": ["requestId": id]]))
        }
        try send(call(1, "wait"))
        tools.begun.wait()
        try send(call(2, "answer"))
        try send(call(3, "answer"))
        // Messages are answered while a call runs.
        try send(request(4, "ping"))
        try send(
            json(["jsonrpc": "2.0", "id": 5, "method": "ping", "params": ["x": String(repeating: "x", count: 2000)]]))
        try cancel(2)
        try cancel(99)
        for number in 0..<70 { try send(call(100 + number, "answer")) }
        try cancel(1)
        try input.close()
        served.wait()
        let answers = try lines.withLock { $0 }.map(jsonObject)
        let ids = answers.map { $0["id"] as? Int ?? 0 }
        #expect(!ids.contains(1) && !ids.contains(2) && ids.contains(3) && ids.contains(4) && ids.contains(0))
        // 63 places were left beside 3.
        #expect(answers.count { code($0) == -32000 } == 7)
        #expect(answers.count { ($0["id"] as? Int ?? 0) >= 100 && $0["result"] != nil } == 63)
        #expect(answers.first { $0["id"] is NSNull }.map { code($0) } == -32600)
    }

    @Test func `A message that is too long is passed over without being kept`() throws {
        let folder = try indexed()
        var input = Data(#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":""#.utf8)
        input.append(Data(repeating: UInt8(ascii: "x"), count: 40 << 20))
        input.append(Data("\"}}\n\(try request(2, "ping"))\n".utf8))
        let result = try ClipProcess.run(ClipProcess.path, ["mcp", "--index", "photos"], input: input, in: folder.path)
        #expect(result.status == 0)
        let answers = try result.records
        #expect(answers.count == 2 && code(answers[0]) == -32600 && answers[1]["id"] as? Int == 2)
    }

    @Test func `Without an index nothing is served`() throws {
        let folder = try TemporaryFolder()
        let result = try ClipProcess.run("mcp", "--index", "nowhere", in: folder.path)
        #expect(result.status == 1 && result.output.isEmpty && result.errors.contains("there is no index"))
    }
}
