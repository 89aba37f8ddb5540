import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A hub on this machine's loopback: the protocol's answers, and every trouble that a network makes.
///
/// It listens on three ports: the hub itself, the host that large files are kept on, and a proxy for both.
final class LoopbackHub: Sendable {
    /// What it has, and how it misbehaves.
    struct Behaviour: Sendable {
        var repository = "org/model"
        var commit = String(repeating: "c", count: 40)
        /// Revisions besides the commit.
        var revisions = ["main"]
        var files: [String: [UInt8]] = [:]
        /// Files from this size on are large: kept on the other host, and named by SHA-256.
        var largeFrom = 1000
        /// Every request needs this token.
        var token: String?
        /// Answers given first to requests whose path contains a text: each once.
        var troubles: [(path: String, status: Int, headers: [String: String])] = []
        /// After so many bytes of a file the connection is cut, one answer each.
        var cuts: [Int] = []
        /// Whether a cut ends with a reset, rather than with a farewell.
        var cutsHard = false
        /// Bytes that are changed in a file on its way, one answer each.
        var corruptions = 0
        var ignoresRanges = false
        /// Bytes a second; nil for as fast as it goes.
        var rate: Int?
        /// Whether files never come to an end: the connection stays open, silent.
        var stalls = false
        /// The same of files from this size on.
        var stallsFrom = Int.max
        /// Replaces headers of file answers to HEAD requests.
        var headHeaders: [String: String] = [:]
        /// What the description of the repository is said to be packed by, if anything.
        var contentEncoding: String?
        /// The same of files alone.
        var contentEncodingOfFiles: String?
        /// Replaces the description of the repository.
        var description: String?
    }

    /// A request as it came in.
    struct Request: Sendable {
        let port: Port
        let method: String
        let path: String
        let headers: [String: String]
    }

    enum Port: Int, Sendable { case hub, store, proxy }

    private let behaviour = Mutex(Behaviour())
    private let log = Mutex<[Request]>([])
    private let isOver = Mutex(false)
    private let listeners: [(descriptor: Int32, port: Int)]

    init(_ change: (inout Behaviour) -> Void = { _ in }) throws {
        listeners = try (0..<3).map { _ in try LoopbackHub.listen() }
        behaviour.withLock { change(&$0) }
        for port in [Port.hub, .store, .proxy] {
            let descriptor = listeners[port.rawValue].descriptor
            LoopbackHub.thread { [weak self] in
                while true {
                    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                    let ready = poll(&request, 1, 50)
                    guard let hub = self, !hub.isOver.withLock({ $0 }) else { break }
                    guard ready > 0 else { continue }
                    let connection = accept(descriptor, nil, nil)
                    if connection >= 0 { LoopbackHub.thread { hub.serve(connection, port) } }
                }
                close(descriptor)
            }
        }
    }

    deinit { stop() }

    /// Listens no more; connections that wait are dropped.
    func stop() { isOver.withLock { $0 = true } }

    /// `http://127.0.0.1:port`.
    func address(_ port: Port = .hub) -> String { "http://127.0.0.1:\(listeners[port.rawValue].port)" }

    var requests: [Request] { log.withLock { $0 } }

    func change(_ body: (inout Behaviour) -> Void) { behaviour.withLock { body(&$0) } }

    // MARK: Answers

    private func serve(_ connection: Int32, _ port: Port) {
        defer { close(connection) }
        guard let request = read(connection, port) else { return }
        log.withLock { $0.append(request) }
        let state = behaviour.withLock { $0 }
        let trouble = behaviour.withLock { behaviour -> (status: Int, headers: [String: String])? in
            guard let index = behaviour.troubles.firstIndex(where: { request.path.contains($0.path) }) else {
                return nil
            }
            let trouble = behaviour.troubles.remove(at: index)
            return (trouble.status, trouble.headers)
        }
        if let trouble { return answer(connection, trouble.status, trouble.headers) }
        if port != .store, let token = state.token, request.headers["authorization"] != "Bearer \(token)" {
            let code = request.headers["authorization"] == nil ? ["X-Error-Code": "RepoNotFound"] : [:]
            return answer(connection, 401, code)
        }
        let api = "/api/models/\(state.repository)/revision/"
        if request.path.hasPrefix(api) {
            let revision = request.path.dropFirst(api.count).replacing("%2F", with: "/")
            guard state.revisions.contains(String(revision)) || revision == state.commit else {
                return answer(connection, 404, ["X-Error-Code": "RevisionNotFound"])
            }
            let headers = state.contentEncoding.map { ["Content-Encoding": $0] } ?? [:]
            return answer(connection, 200, headers, Array((state.description ?? description(state)).utf8))
        }
        let resolve = "/\(state.repository)/resolve/"
        if request.path.hasPrefix(resolve) {
            let rest = request.path.dropFirst(resolve.count).split(separator: "/", maxSplits: 1)
            guard rest.count == 2, let content = state.files[String(rest[1])] else {
                return answer(connection, 404, ["X-Error-Code": "EntryNotFound"])
            }
            return answerFile(connection, request, String(rest[1]), content, state)
        }
        if request.path.hasPrefix("/stored/"), let content = state.files[String(request.path.dropFirst(8))] {
            return send(connection, request, content, [:], state)
        }
        answer(connection, 404, ["X-Error-Code": "RepoNotFound"])
    }

    private func answerFile(
        _ connection: Int32, _ request: Request, _ name: String, _ content: [UInt8], _ state: Behaviour
    ) {
        var headers = ["X-Repo-Commit": state.commit]
        if content.count >= state.largeFrom {
            headers["X-Linked-Etag"] = "\"\(Digest.sha256(content))\""
            headers["X-Linked-Size"] = "\(content.count)"
            headers["Location"] = "\(address(.store))/stored/\(name)"
            if request.method == "HEAD" { headers.merge(state.headHeaders) { $1 } }
            return answer(connection, 302, headers)
        }
        headers["ETag"] = "\"\(Digest.git(content))\""
        guard request.method != "HEAD" else {
            headers["Content-Length"] = "\(content.count)"
            headers.merge(state.headHeaders) { $1 }
            return answer(connection, 200, headers, [], isHead: true)
        }
        send(connection, request, content, headers, state)
    }

    private func description(_ state: Behaviour) -> String {
        let files = state.files.keys.sorted().map { "{\"rfilename\":\"\($0)\"}" }.joined(separator: ",")
        return "{\"id\":\"\(state.repository)\",\"sha\":\"\(state.commit)\",\"siblings\":[\(files)]}"
    }

    /// A file's bytes, from where they are asked for.
    private func send(
        _ connection: Int32, _ request: Request, _ content: [UInt8], _ headers: [String: String], _ state: Behaviour
    ) {
        var headers = headers
        var content = content
        let isCorrupted = behaviour.withLock { behaviour in
            defer { behaviour.corruptions -= behaviour.corruptions > 0 ? 1 : 0 }
            return behaviour.corruptions > 0
        }
        if isCorrupted, !content.isEmpty { content[content.count / 2] ^= 1 }
        var body = content[...]
        var status = 200
        if !state.ignoresRanges, let range = request.headers["range"], range.hasPrefix("bytes=") {
            let bounds = range.dropFirst(6).split(separator: "-").compactMap { Int($0) }
            let end = min(content.count, (bounds.count == 2 ? bounds[1] : content.count - 1) + 1)
            guard let start = bounds.first, start < end else { return answer(connection, 416, headers) }
            body = content[start..<end]
            status = 206
            headers["Content-Range"] = "bytes \(start)-\(end - 1)/\(content.count)"
        }
        headers["Content-Length"] = "\(body.count)"
        if let encoding = state.contentEncodingOfFiles { headers["Content-Encoding"] = encoding }
        let cut = behaviour.withLock { $0.cuts.isEmpty ? nil : $0.cuts.removeFirst() }
        guard write(connection, head(status, headers)) else { return }
        if let cut {
            _ = write(connection, Array(body.prefix(cut)))
            if state.cutsHard {
                var linger = linger(l_onoff: 1, l_linger: 0)
                setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
            }
            return
        }
        if state.stalls || content.count >= state.stallsFrom {
            _ = write(connection, Array(body.prefix(body.count / 2)))
            while !isOver.withLock({ $0 }) { usleep(20_000) }
            return
        }
        guard let rate = state.rate else { return _ = write(connection, Array(body)) }
        while !body.isEmpty, !isOver.withLock({ $0 }) {
            let part = body.prefix(max(1, rate / 50))
            guard write(connection, Array(part)) else { return }
            body = body.dropFirst(part.count)
            usleep(20_000)
        }
    }

    private func answer(
        _ connection: Int32, _ status: Int, _ headers: [String: String], _ body: [UInt8] = [], isHead: Bool = false
    ) {
        var headers = headers
        if !isHead { headers["Content-Length"] = "\(body.count)" }
        _ = write(connection, head(status, headers) + body)
    }

    private func head(_ status: Int, _ headers: [String: String]) -> [UInt8] {
        let lines = headers.sorted { $0.key < $1.key }.map { "\($0): \($1)\r\n" }.joined()
        return Array("HTTP/1.1 \(status) Some Words\r\n\(lines)Connection: close\r\n\r\n".utf8)
    }

    // MARK: Sockets

    private func read(_ connection: Int32, _ port: Port) -> Request? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !bytes.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            let got = recv(connection, &buffer, buffer.count, 0)
            guard got > 0, bytes.count < 1 << 16 else { return nil }
            bytes += buffer.prefix(got)
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count == 3 else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " }) }
        }
        // A proxy is asked for a whole address.
        var path = String(words[1])
        if path.hasPrefix("http://") { path = "/" + path.dropFirst(7).drop { $0 != "/" }.dropFirst() }
        return Request(port: port, method: String(words[0]), path: path, headers: headers)
    }

    private func write(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            #if canImport(Darwin)
            let flags: Int32 = 0
            #else
            let flags = Int32(MSG_NOSIGNAL)
            #endif
            let sent = bytes.withUnsafeBytes { posixSend(connection, $0.baseAddress! + done, $0.count - done, flags) }
            guard sent > 0 else { return false }
            done += sent
        }
        return true
    }

    private static func listen() throws -> (descriptor: Int32, port: Int) {
        #if canImport(Darwin)
        let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, size) == 0 && posixListen(descriptor, 64) == 0
                    && getsockname(descriptor, address, &size) == 0
            }
        }
        guard descriptor >= 0, isBound else { throw LoopbackError(code: errno) }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        final class Body {
            let run: @Sendable () -> Void
            init(_ run: @escaping @Sendable () -> Void) { self.run = run }
        }
        let pointer = Unmanaged.passRetained(Body(body)).toOpaque()
        #if canImport(Darwin)
        var thread: pthread_t?
        let code = pthread_create(
            &thread, nil,
            {
                Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run(); return nil
            }, pointer)
        if code == 0, let thread { pthread_detach(thread) }
        #else
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            {
                Unmanaged<Body>.fromOpaque($0!).takeRetainedValue().run(); return nil
            }, pointer)
        if code == 0 { pthread_detach(thread) }
        #endif
    }
}

struct LoopbackError: Error { let code: Int32 }
