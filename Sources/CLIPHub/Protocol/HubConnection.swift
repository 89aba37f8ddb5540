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
    func text(at address: HTTPAddress, limit: Int, subject: String) async throws(HubError) -> [UInt8] {
        let answer = try await persistently(subject) { () throws(Attempt) in
            let body = TextReceiver(limit: limit)
            let request = HTTPRequest(method: .get, address: address, headers: ["Accept": "application/json"])
            let final = try await send(request, to: body)
            let answer = body.answer
            guard !answer.isTooLong else {
                throw .failed(
                    HubError(.server, subject, "\(final.text) has more than \(limit) bytes, which makes no sense"))
            }
            return try checked(answer.head, answer.body, at: final, subject)
        }
        return answer.body
    }

    /// Status and headers of what is at `address`. A redirect that names a file's hash is the answer; others are followed.
    func head(of address: HTTPAddress, subject: String) async throws(HubError) -> HTTPHead {
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
        case failed(HubError)
    }

    /// Calls `body` until it succeeds, or has failed too often.
    func persistently<Result>(
        _ subject: String, _ body: () async throws(Attempt) -> Result
    ) async throws(HubError) -> Result {
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
    func pause(after attempt: Attempt, _ schedule: inout RetrySchedule, _ subject: String) async throws(HubError) {
        guard !Task.isCancelled else { throw HubError(.cancelled, subject, "was cancelled") }
        switch attempt {
        case .failed(let error): throw error
        case .passing(let reason, let asked, let limit):
            guard let delay = schedule.delay(asked: asked, limit: limit, spread: clock.random()) else {
                throw giveUp(subject, reason, asked)
            }
            if delay >= 0.5 { note("\(reason), trying again in \(Int(delay.rounded(.up))) s") }
            guard await clock.sleep(delay) else { throw HubError(.cancelled, subject, "was cancelled") }
        }
    }

    private func giveUp(_ subject: String, _ reason: String, _ asked: Double?) -> HubError {
        if let asked, asked > RetrySchedule.longestWait {
            return HubError(.server, subject, "\(reason), and asks to come back in \(Int(min(asked, 1e9))) s")
        }
        return HubError(
            .network, subject, "\(reason): check the network, then run this again, it goes on where it stopped")
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
            do throws(HTTPFailure) {
                try await transport.send(request, to: gate)
            } catch {
                throw attempt(error, at: request.address)
            }
            if let encoding = gate.encoding {
                throw .failed(
                    HubError(
                        .refused, request.address.text,
                        "sends the file packed (Content-Encoding \(quoted(encoding))), where its own bytes were asked for: "
                            + "check the proxy"))
            }
            guard let location = gate.location else { return request.address }
            guard let next = request.address.following(location) else {
                throw .failed(
                    HubError(
                        .refused, request.address.text, "redirects to \(quoted(location)), which is no web address"))
            }
            request.address = next
        }
        throw .failed(
            HubError(.server, request.address.origin, "redirects more than \(HubConnection.mostRedirects) times"))
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
                HubError(
                    .network, address.origin,
                    "can't prove who it is (\(failure.message)): check this machine's clock, certificates and proxy"))
        case .unusable: .failed(HubError(.argument, address.text, failure.message))
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

    private func final(_ head: HTTPHead, at address: HTTPAddress, _ subject: String) -> HubError {
        let hub = endpoint.text
        switch (head["X-Error-Code"], head.status) {
        case ("GatedRepo", _):
            return HubError(
                .gated, subject,
                "is gated: accept its terms on \(hub)/\(subject), then "
                    + (token == nil ? "set HF_TOKEN to a token of yours" : "wait until access is granted to your token")
            )
        case ("RevisionNotFound", _):
            return HubError(.notFound, subject, "has no such revision: check what follows the @")
        case ("EntryNotFound", _):
            return HubError(.notFound, subject, "has no file at \(address.text), though the hub lists it")
        case ("RepoNotFound", _),
            (_, 401) where token == nil:
            return HubError(
                .notFound, subject,
                "is not on \(hub), or not for everybody: check the name"
                    + (token == nil
                        ? "; if it is private or gated, set HF_TOKEN" : ", and that your token may read it"))
        case (_, 401):
            return HubError(
                .unauthorized, subject, "can't be read with this token: check HF_TOKEN, it may have expired")
        case (_, 403):
            let reason = head["X-Error-Message"].map { " (\(quoted($0)))" } ?? ""
            return HubError(
                .unauthorized, subject,
                "may not be read\(reason): "
                    + (token == nil ? "set HF_TOKEN if you have access" : "your token's permissions don't cover it"))
        case (_, 404), (_, 410):
            return HubError(.notFound, subject, "is not on \(hub): check the name and the revision")
        default:
            return HubError(
                .server, subject,
                "\(address.origin) answers with status \(head.status), which a hub doesn't: "
                    + "check HF_ENDPOINT and the proxy settings")
        }
    }

    static let userAgent = "clip/0.1.0"
    private static let mostRedirects = 10
}
