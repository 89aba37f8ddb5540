internal import CLIP
internal import CLIPJSON
package import CLIPSystem
internal import CLIPThreads
internal import Dispatch
internal import PictureCollections
internal import Synchronization

/// A server of the Model Context Protocol over lines of JSON-RPC 2.0 (modelcontextprotocol.io, revision 2026-07-28, whose requests
/// say by themselves which revision they are of, and the four before it, which a greeting chooses from).
///
/// One thread reads, answers what takes no time, and takes back calls that are cancelled; the caller's does the calls, one after
/// another. A message that makes no sense is answered with an error, and the next is read.
package final class AssistantServer: Sendable {
    /// The revision whose requests name it, each by itself.
    static let namedRevision = "2026-07-28"
    /// The revisions that a greeting chooses from, the newest first.
    static let greetedRevisions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]
    /// How many calls may wait. An assistant asks for a few things at once.
    static let mostWaiting = 64

    /// What JSON-RPC and the protocol call errors.
    private enum Fault: Int {
        case parse = -32700
        case request = -32600
        case method = -32601
        case parameters = -32602
        case busy = -32000
        case revision = -32022
    }

    /// How a request is called: the answer has it again.
    private enum Identifier: Hashable {
        case text(String)
        case number(Int)

        init?(_ value: JSONValue?) {
            if let text = value?.string {
                self = .text(text)
            } else if let number = value?.int {
                self = .number(number)
            } else {
                return nil
            }
        }

        var field: FieldValue {
            switch self {
            case .text(let text): .text(text)
            case .number(let number): .integer(number)
            }
        }
    }

    /// A request that is to be answered.
    private struct Request {
        let id: Identifier
        /// Whether it names the revision that it is of.
        let namesRevision: Bool
    }

    private struct Call: @unchecked Sendable {
        let request: Request
        let tool: String
        let arguments: ToolArguments
        let cancellation = Cancellation()
    }

    private struct State {
        var waiting: [Call] = []
        var running: Call?
        var isFinished = false
        var failure: CLIPError?
    }

    private let version: String
    private let tools: any ToolSet
    private let limit: Int
    private let output: Mutex<@Sendable (String) throws(CLIPError) -> Void>
    private let state = Mutex(State())
    /// Signalled once for each call, and once for the end.
    private let changes = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - version: of the program.
    ///   - limit: the longest message in bytes.
    ///   - output: takes the lines of answers, one at a time.
    package init(
        _ tools: any ToolSet, version: String, limit: Int? = nil,
        output: @escaping @Sendable (String) throws(CLIPError) -> Void
    ) {
        self.tools = tools
        self.version = version
        self.limit = limit ?? MessageLines.longest
        self.output = Mutex(output)
    }

    /// Serves until the other end closes, and does what was asked for by then.
    /// - Throws: when messages can't be read, or answers can't be written.
    package func serve(_ descriptor: Int32) throws(CLIPError) {
        let hasReader = BackgroundThreads.shared.start { [self] in read(descriptor, between: {}) }
        if hasReader {
            while work(waits: true) {}
        } else {
            // No thread is left: calls are done between the messages.
            read(descriptor) { [self] in while work(waits: false) {} }
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private func read(_ descriptor: Int32, between: () -> Void) {
        var lines = MessageLines(descriptor, limit: limit)
        do throws(CLIPError) {
            while true {
                let line: MessageLines.Line?
                do throws(SystemError) {
                    line = try lines.next()
                } catch {
                    throw CLIPError(.storage, path: "standard input", "can't be read", error)
                }
                switch line {
                case .message(let bytes): try take(bytes)
                case .tooLong:
                    try answer(nil, .request, "a message of more than \(limit) bytes, which is the most that is taken")
                case nil: return finish(nil)
                }
                between()
            }
        } catch {
            finish(error)
        }
    }

    private func finish(_ failure: CLIPError?) {
        state.withLock { state in
            state.isFinished = true
            state.failure = state.failure ?? failure
            guard failure != nil else { return }
            // Nobody takes an answer any more.
            state.waiting = []
            state.running?.cancellation.cancel()
        }
        changes.signal()
    }

    /// Does the next call.
    /// - Returns: false when there is none, and there won't be: or there is none, and it was not to be waited for.
    private func work(waits: Bool) -> Bool {
        if waits { changes.wait() }
        let next = state.withLock { state -> Call? in
            guard !state.waiting.isEmpty else { return nil }
            state.running = state.waiting.removeFirst()
            return state.running
        }
        guard let call = next else {
            guard waits else { return false }
            // A call that was taken back leaves its signal behind.
            return state.withLock { !$0.isFinished || !$0.waiting.isEmpty }
        }
        let result = call.cancellation.during { () -> Result<Fields?, any Error> in
            Result {
                var arguments = call.arguments
                return try tools.call(call.tool, &arguments).content
            }
        }
        state.withLock { $0.running = nil }
        do throws(CLIPError) {
            switch result {
            case _ where call.cancellation.isRequested: break
            case .success(let content): try answer(call.request, content ?? [:])
            case .failure(let error):
                try answer(call.request, ToolResult.failure((error as? CLIPError)?.description ?? "\(error)"))
            }
        } catch {
            finish(error)
        }
        return state.withLock { !$0.isFinished || !$0.waiting.isEmpty }
    }

    /// Answers a message, or puts the call that it asks for behind the others.
    private func take(_ bytes: [UInt8]) throws(CLIPError) {
        let message: JSONValue
        do throws(CLIPError) {
            message = try JSONValue(parsing: bytes, at: JSONPlace("the message", .argument))
        } catch {
            return try answer(nil, .parse, error.description)
        }
        guard let fields = message.object else {
            return try answer(nil, .request, "the message is \(message.kindName), expected one request as an object")
        }
        let id = Identifier(fields["id"])
        guard fields["jsonrpc"]?.string == "2.0", fields["id"] == nil || id != nil else {
            return try answer(id, .request, "expected \"jsonrpc\": \"2.0\", and as \"id\" a string or a whole number")
        }
        guard let method = fields["method"]?.string else {
            // An answer to a question that was never put.
            if fields["result"] != nil || fields["error"] != nil { return }
            return try answer(id, .request, "the message has no \"method\"")
        }
        guard let id else {
            if method == "notifications/cancelled" { cancel(Identifier(fields["params"]?["requestId"])) }
            return
        }
        let revision = fields["params"]?["_meta"]?["io.modelcontextprotocol/protocolVersion"]
        guard revision == nil || revision?.string == AssistantServer.namedRevision else {
            return try answer(
                id, .revision, "requests of that revision are not spoken",
                data: ["supported": AssistantServer.revisions, "requested": revision?.string ?? ""])
        }
        let request = Request(id: id, namesRevision: revision != nil)
        switch method {
        case "server/discover":
            var description = selfDescription
            description.add("supportedVersions", AssistantServer.revisions)
            try answer(request, description, isKept: true)
        case "initialize":
            let wanted = fields["params"]?["protocolVersion"]?.string
            var greeting = selfDescription
            greeting.add(
                "protocolVersion",
                AssistantServer.greetedRevisions.first { $0 == wanted } ?? AssistantServer.greetedRevisions[0])
            greeting.add("serverInfo", serverInfo)
            try answer(request, greeting)
        case "ping": try answer(request, [:])
        case "tools/list": try answer(request, ["tools": tools.tools.map(\.listing)], isKept: true)
        case "tools/call": try take(call: request, fields["params"])
        default: try answer(id, .method, "there is no method \(quoted(method))")
        }
    }

    private static var revisions: [String] { [namedRevision] + greetedRevisions }
    private var serverInfo: Fields { ["name": "clip", "title": "Picture search", "version": version] }
    private var selfDescription: Fields {
        ["capabilities": ["tools": ["listChanged": false] as Fields] as Fields, "instructions": tools.instructions]
    }

    private func take(call request: Request, _ parameters: JSONValue?) throws(CLIPError) {
        guard let name = parameters?["name"]?.string, let tool = tools.tools.first(where: { $0.name == name }) else {
            let names = tools.tools.map(\.name).joined(separator: ", ")
            return try answer(
                request.id, .parameters,
                "there is no tool \(quoted(parameters?["name"]?.string ?? "")), expected one of \(names)")
        }
        let arguments: ToolArguments
        do throws(CLIPError) {
            arguments = try ToolArguments(parameters?["arguments"], of: tool)
        } catch {
            // The assistant is told what to do otherwise.
            return try answer(request, ToolResult.failure(error.description))
        }
        let call = Call(request: request, tool: name, arguments: arguments)
        let isTaken = state.withLock { state in
            guard state.waiting.count < AssistantServer.mostWaiting else { return false }
            state.waiting.append(call)
            return true
        }
        guard isTaken else {
            return try answer(
                request.id, .busy, "\(AssistantServer.mostWaiting) calls wait already: ask again when some are answered"
            )
        }
        changes.signal()
    }

    /// A call that waits is taken back, one that runs ends when it next asks; none is answered.
    private func cancel(_ id: Identifier?) {
        guard let id else { return }
        state.withLock { state in
            state.waiting.removeAll { $0.request.id == id }
            if state.running?.request.id == id { state.running?.cancellation.cancel() }
        }
    }

    /// - Parameter isKept: whether the answer is the same as long as this program runs.
    private func answer(_ request: Request, _ result: Fields, isKept: Bool = false) throws(CLIPError) {
        var result = result
        // Clients of older revisions refuse fields that they don't know.
        if request.namesRevision {
            result.add("resultType", "complete")
            result.add("_meta", ["io.modelcontextprotocol/serverInfo": serverInfo] as Fields)
            if isKept {
                result.add("ttlMs", 3_600_000)
                result.add("cacheScope", "private")
            }
        }
        try write(["jsonrpc": "2.0", "id": request.id.field, "result": result])
    }

    private func answer(
        _ id: Identifier?, _ fault: Fault, _ message: String, data: Fields? = nil
    ) throws(CLIPError) {
        var error: Fields = ["code": fault.rawValue, "message": message]
        if let data { error.add("data", data) }
        try write(["jsonrpc": "2.0", "id": id?.field, "error": error])
    }

    private func write(_ message: Fields) throws(CLIPError) {
        let line = FieldValue.object(message).json + "\n"
        let result = output.withLock { write in Result { () throws(CLIPError) in try write(line) } }
        try result.get()
    }
}
