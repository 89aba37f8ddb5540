internal import Synchronization
internal import CLIPSystem

/// A hub, as its protocol has it: sends the token where it belongs, follows redirects, tries again what may pass, and
/// puts failures into words.
struct HubConnection: Sendable {
    let endpoint: HTTPAddress
    let token: String?
    let transport: any HTTPTransport
    let clock: any PullClock
    /// How many bytes of a file are asked for at once. What comes faster than it can be checked and written waits in memory,
    /// and the network can't be told to wait: it can be asked for less.
    let segment: Int
    /// Told in a few words why nothing happens for a while.
    let note: @Sendable (String) -> Void

    /// An answer read to its end.
    struct Answer {
        let head: HTTPHead
        let body: [UInt8]
    }

    /// Fetches a text of at most `limit` bytes.
    ///
    /// - Parameter subject: the repository, for messages.
    func text(at address: HTTPAddress, limit: Int, subject: String) async throws(CLIPError) -> [UInt8] {
        let answer = try await persistently(subject) { () throws(Attempt) in
            let body = TextReceiver(limit: limit)
            let request = HTTPRequest(method: .get, address: address, headers: ["Accept": "application/json"])
            let final = try await send(request, to: body)
            let answer = body.answer
            guard !answer.isTooLong else {
                throw .failed(
                    CLIPError(
                        .server, path: subject, "\(final.text) has more than \(limit) bytes, which makes no sense"))
            }
            return try checked(answer.head, answer.body, at: final, subject)
        }
        return answer.body
    }

    /// Status and headers of what is at `address`. A redirect that names a file's hash is the answer; others are followed.
    func head(of address: HTTPAddress, subject: String) async throws(CLIPError) -> HTTPHead {
        try await persistently(subject) { () throws(Attempt) in
            let receiver = TextReceiver(limit: 0)
            let request = HTTPRequest(method: .head, address: address, headers: [:])
            let final = try await send(request, to: receiver) { $0["X-Linked-Etag"] != nil }
            let head = receiver.answer.head
            if head?.redirection != nil, let head { return head }
            return try checked(head, [], at: final, subject).head
        }
    }

    /// Sends a part of a file's bytes to `receiver`, once.
    ///
    /// - Parameter range: the bytes that are wanted; nil for the whole file.
    /// - Returns: the address that the answer came from in the end.
    func stream(
        _ address: HTTPAddress, _ range: Range<Int>?, to receiver: any HTTPReceiver
    ) async throws(Attempt) -> HTTPAddress {
        let headers = range.map { ["Range": "bytes=\($0.lowerBound)-\($0.upperBound - 1)"] } ?? [:]
        return try await send(HTTPRequest(method: .get, address: address, headers: headers), to: receiver)
    }

    /// Why one try failed.
    enum Attempt: Error {
        /// It may pass.
        case passing(String, after: Double?, limit: Int)
        /// It will not.
        case failed(CLIPError)
    }

    /// Calls `body` until it succeeds, or has failed too often.
    func persistently<Result>(
        _ subject: String, _ body: () async throws(Attempt) -> Result
    ) async throws(CLIPError) -> Result {
        var schedule = RetrySchedule()
        while true {
            do throws(Attempt) {
                return try await body()
            } catch {
                try await pause(after: error, &schedule, subject)
            }
        }
    }

    /// Waits as long as `attempt` and `schedule` say.
    /// - Throws: when trying again makes no sense.
    func pause(after attempt: Attempt, _ schedule: inout RetrySchedule, _ subject: String) async throws(CLIPError) {
        guard !Task.isCancelled else { throw CLIPError(.cancelled, path: subject, "was cancelled") }
        switch attempt {
        case .failed(let error): throw error
        case .passing(let reason, let asked, let limit):
            guard let delay = schedule.delay(asked: asked, limit: limit, spread: clock.random()) else {
                throw giveUp(subject, reason, asked)
            }
            if delay >= 0.5 { note("\(reason), trying again in \(Int(delay.rounded(.up))) s") }
            guard await clock.sleep(delay) else { throw CLIPError(.cancelled, path: subject, "was cancelled") }
        }
    }

    private func giveUp(_ subject: String, _ reason: String, _ asked: Double?) -> CLIPError {
        if let asked, asked > RetrySchedule.longestWait {
            return CLIPError(.server, path: subject, "\(reason), and asks to come back in \(Int(min(asked, 1e9))) s")
        }
        return CLIPError(
            .network, path: subject, "\(reason): check the network, then run this again, it goes on where it stopped")
    }

    /// Sends a request and follows redirects, the token going to the hub's own host alone.
    private func send(
        _ request: HTTPRequest, to receiver: any HTTPReceiver,
        until isFinal: @escaping @Sendable (HTTPHead) -> Bool = { _ in false }
    ) async throws(Attempt) -> HTTPAddress {
        var request = request
        request.headers["User-Agent"] = HubConnection.userAgent
        // The size and the hash are of the file itself, not of what a server makes of it on the way.
        request.headers["Accept-Encoding"] = "identity"
        for _ in 0...HubConnection.mostRedirects {
            let isOwnHost = request.address.origin == endpoint.origin
            request.headers["Authorization"] = isOwnHost ? token.map { "Bearer \($0)" } : nil
            let gate = GatedReceiver(receiver, isFinal: isFinal)
            if let failure = await transport.send(request, to: gate) { throw attempt(failure, at: request.address) }
            if let encoding = gate.encoding {
                throw .failed(
                    CLIPError(
                        .refused, path: request.address.text,
                        "sends the file packed (Content-Encoding \(quoted(encoding))), where its own bytes were asked for: "
                            + "check the proxy"))
            }
            guard let location = gate.location else { return request.address }
            guard let next = request.address.following(location) else {
                throw .failed(
                    CLIPError(
                        .refused, path: request.address.text,
                        "redirects to \(quoted(location)), which is no web address"))
            }
            request.address = next
        }
        throw .failed(
            CLIPError(.server, path: request.address.origin, "redirects more than \(HubConnection.mostRedirects) times")
        )
    }

    private func attempt(_ failure: HTTPFailure, at address: HTTPAddress) -> Attempt {
        switch failure.kind {
        case .unreachable: .passing("can't reach \(address.origin) (\(failure.message))", after: nil, limit: 3)
        case .timedOut: .passing("\(address.origin) doesn't answer", after: nil, limit: 3)
        case .brokenOff:
            .passing(
                "the connection to \(address.origin) was lost (\(failure.message))", after: nil,
                limit: RetrySchedule.attempts)
        case .insecure:
            .failed(
                CLIPError(
                    .network, path: address.origin,
                    "can't prove who it is (\(failure.message)): check this machine's clock, certificates and proxy"))
        case .unusable: .failed(CLIPError(.argument, path: address.text, failure.message))
        }
    }

    private func checked(
        _ head: HTTPHead?, _ body: [UInt8], at address: HTTPAddress, _ subject: String
    ) throws(Attempt) -> Answer {
        guard let head else { throw attempt(HTTPFailure(.brokenOff, "no answer"), at: address) }
        guard head.status == 200 else { throw refusal(head, at: address, subject) }
        return Answer(head: head, body: body)
    }

    /// What an answer means that is not the one hoped for.
    func refusal(_ head: HTTPHead, at address: HTTPAddress, _ subject: String) -> Attempt {
        let asked = head["Retry-After"].flatMap { RetryAfter.seconds($0, now: clock.now()) }
        switch head.status {
        case 429:
            return .passing("\(address.origin) has had too many requests", after: asked, limit: RetrySchedule.attempts)
        case 408, 500...599:
            return .passing(
                "\(address.origin) has a fault (status \(head.status))", after: asked, limit: RetrySchedule.attempts)
        default: return .failed(final(head, at: address, subject))
        }
    }

    private func final(_ head: HTTPHead, at address: HTTPAddress, _ subject: String) -> CLIPError {
        let hub = endpoint.text
        switch (head["X-Error-Code"], head.status) {
        case ("GatedRepo", _):
            return CLIPError(
                .gated, path: subject,
                "is gated: accept its terms on \(hub)/\(subject), then "
                    + (token == nil ? "set HF_TOKEN to a token of yours" : "wait until access is granted to your token")
            )
        case ("RevisionNotFound", _):
            return CLIPError(.notFound, path: subject, "has no such revision: check what follows the @")
        case ("EntryNotFound", _):
            return CLIPError(.notFound, path: subject, "has no file at \(address.text), though the hub lists it")
        case ("RepoNotFound", _),
            (_, 401) where token == nil:
            return CLIPError(
                .notFound, path: subject,
                "is not on \(hub), or not for everybody: check the name"
                    + (token == nil
                        ? "; if it is private or gated, set HF_TOKEN" : ", and that your token may read it"))
        case (_, 401):
            return CLIPError(
                .unauthorized, path: subject, "can't be read with this token: check HF_TOKEN, it may have expired")
        case (_, 403):
            let reason = head["X-Error-Message"].map { " (\(quoted($0)))" } ?? ""
            return CLIPError(
                .unauthorized, path: subject,
                "may not be read\(reason): "
                    + (token == nil ? "set HF_TOKEN if you have access" : "your token's permissions don't cover it"))
        case (_, 404), (_, 410):
            return CLIPError(.notFound, path: subject, "is not on \(hub): check the name and the revision")
        default:
            return CLIPError(
                .server, path: subject,
                "\(address.origin) answers with status \(head.status), which a hub doesn't: "
                    + "check HF_ENDPOINT and the proxy settings")
        }
    }

    static let userAgent = "clip/\(PackageVersion.text)"
    private static let mostRedirects = 10
}

/// Keeps a short answer whole.
private final class TextReceiver: HTTPReceiver {
    struct Answer {
        var head: HTTPHead?
        var body: [UInt8] = []
        var isTooLong = false
    }

    private let limit: Int
    private let state = Mutex(Answer())

    init(limit: Int) {
        self.limit = limit
    }

    var answer: Answer { state.withLock { $0 } }

    func receive(head: HTTPHead) -> Bool {
        state.withLock { $0.head = head }
        // What a failure says at length nobody reads.
        return limit > 0 && head.status == 200
    }

    func receive(body: UnsafeRawBufferPointer) -> Bool {
        state.withLock { answer in
            answer.isTooLong = answer.body.count + body.count > limit
            if !answer.isTooLong { answer.body += body }
            return !answer.isTooLong
        }
    }
}

/// Keeps from a receiver what is not meant for it: redirects, and bodies that are not the file's own bytes.
private final class GatedReceiver: HTTPReceiver {
    private struct State {
        var redirect: String?
        var encoding: String?
    }

    private let receiver: any HTTPReceiver
    private let isFinal: @Sendable (HTTPHead) -> Bool
    private let state = Mutex(State())

    /// - Parameter isFinal: whether a redirect is not to be followed.
    init(_ receiver: any HTTPReceiver, isFinal: @escaping @Sendable (HTTPHead) -> Bool) {
        self.receiver = receiver
        self.isFinal = isFinal
    }

    /// Where to go instead; nil when the answer has gone to the receiver.
    var location: String? { state.withLock { $0.redirect } }

    /// How the answer is packed, though that was not asked for; nil when it is as it should be. The network would unpack it by
    /// itself, a few bytes to gigabytes: the exchange ends before the body.
    var encoding: String? { state.withLock { $0.encoding } }

    func receive(head: HTTPHead) -> Bool {
        if let location = head.redirection, !isFinal(head) {
            state.withLock { $0.redirect = location }
            return false
        }
        if [200, 206].contains(head.status), let encoding = head["Content-Encoding"],
            encoding.lowercased() != "identity"
        {
            state.withLock { $0.encoding = encoding }
            return false
        }
        return receiver.receive(head: head)
    }

    func receive(body: UnsafeRawBufferPointer) -> Bool { receiver.receive(body: body) }
}

/// When to try again after a failure: after ever longer pauses, and not for ever. Progress starts it anew.
struct RetrySchedule {
    /// How many tries in a row may come to nothing.
    static let attempts = 6
    /// Longer than this nobody waits at a terminal.
    static let longestWait = 300.0

    private var failures = 0
    /// Whether the last try brought something.
    private var hasProgressed = false

    mutating func progress() {
        failures = 0
        hasProgressed = true
    }

    /// The seconds to wait now; nil when it is enough.
    ///
    /// - Parameters:
    ///   - asked: how long the server asks to wait (`Retry-After`).
    ///   - limit: how many tries this kind of failure is worth.
    ///   - spread: a random number from 0 to 1, so that many clients don't come back all at once.
    mutating func delay(asked: Double?, limit: Int = attempts, spread: Double) -> Double? {
        failures += 1
        defer { hasProgressed = false }
        guard failures < limit else { return nil }
        if let asked { return asked <= RetrySchedule.longestWait ? max(0, asked) : nil }
        // A connection that broke after it had worked is most likely to work again at once.
        if hasProgressed { return 0 }
        var pause = 0.5
        for _ in 1..<failures { pause = min(8, pause * 2) }
        return pause * (0.75 + spread / 2)
    }
}

/// The `Retry-After` header (RFC 9110, 10.2.3): seconds, or a date.
enum RetryAfter {
    /// The seconds to wait.
    /// - Parameter now: seconds since 1970.
    /// - Returns: nil if `text` says nothing usable.
    static func seconds(_ text: String, now: Double) -> Double? {
        if let seconds = Double(text), seconds.isFinite, seconds >= 0 { return seconds }
        return date(text).map { max(0, $0 - now) }
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT` in seconds since 1970.
    private static func date(_ text: String) -> Double? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let day = Int(words[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(words[2])), let year = Int(words[3]), (1970...9999).contains(year)
        else { return nil }
        let clock = words[4].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]), (0...60).contains(clock[2])
        else { return nil }
        // Years that begin in March: the leap day is then the last of its year.
        let shifted = month < 2 ? year - 1 : year
        let daysBefore = (153 * ((month + 10) % 12) + 2) / 5 + day - 1
        let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + daysBefore - 719_468
        return Double(days * 86400 + clock[0] * 3600 + clock[1] * 60 + clock[2])
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}

/// Time and chance, which tests replace.
package protocol PullClock: Sendable {
    /// Waits so many seconds.
    /// - Returns: false when the task was cancelled.
    func sleep(_ seconds: Double) async -> Bool
    /// Seconds since 1970.
    func now() -> Double
    /// From 0 to 1.
    func random() -> Double
}

struct SystemClock: PullClock {
    func sleep(_ seconds: Double) async -> Bool {
        do {
            try await Task.sleep(nanoseconds: UInt64(max(0, min(seconds, 1e6)) * 1e9))
            return true
        } catch {
            return false
        }
    }

    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    func random() -> Double { Double.random(in: 0...1) }
}
