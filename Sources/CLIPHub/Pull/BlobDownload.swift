internal import CLIPSystem
internal import CLIPWeights
internal import Synchronization

/// Fetches one blob: goes on where another run stopped, goes on after broken connections, checks what came.
struct BlobDownload: Sendable {
    let connection: HubConnection
    let cache: RepositoryCache
    let file: HubFile
    let address: HTTPAddress
    let meter: ProgressMeter
    /// Whether a blob that is there is read before it is taken.
    let verifies: Bool

    /// Makes sure that the blob is there.
    /// - Returns: how many bytes came over the network.
    func run() async throws(CLIPError) -> Int {
        let lock = try await FileLock(path: cache.lock(file), clock: connection.clock) {
            meter.note("another program is fetching \(file.path), waiting for it")
        }
        defer { withExtendedLifetime(lock) {} }
        // Whoever held the lock may just have fetched it.
        if try cache.hasBlob(file, verifies: verifies) {
            meter.add(found: file.byteCount)
            return 0
        }
        let partial = try PartialFile(path: cache.partial(file, isLocked: lock != nil), for: file)
        meter.add(found: partial.count)
        let receiver = BlobReceiver(partial, meter: meter)
        try await fetch(receiver)
        var wrong = try receiver.commit(to: cache.blob(file))
        if wrong != nil {
            // What an earlier run left may be damaged, and so may one answer of many: once more, from the start.
            meter.note("\(file.path) is not what the hub announced, fetching it again")
            try receiver.restart()
            try await fetch(receiver)
            wrong = try receiver.commit(to: cache.blob(file))
        }
        if let wrong {
            try receiver.restart()
            throw CLIPError(
                .damaged, path: file.path,
                "came with \(file.hash.name) \(wrong), the hub announced \(file.hash.digits): "
                    + "something on the way changes it, check the proxy")
        }
        return receiver.received
    }

    /// Receives until everything is there.
    private func fetch(_ receiver: BlobReceiver) async throws(CLIPError) {
        var schedule = RetrySchedule()
        var furthest = receiver.count
        while !receiver.isComplete {
            let failure = await attempt(receiver)
            if receiver.count > furthest {
                furthest = receiver.count
                schedule.progress()
            }
            if let failure { try await connection.pause(after: failure, &schedule, file.path) }
        }
    }

    /// One request.
    /// - Returns: why it didn't bring what was asked for; nil if it did.
    private func attempt(_ receiver: BlobReceiver) async -> HubConnection.Attempt? {
        let offset = receiver.count
        let end = min(file.byteCount, offset + connection.segment)
        let isWhole = offset == 0 && end == file.byteCount
        do throws(HubConnection.Attempt) {
            let final = try await connection.stream(address, isWhole ? nil : offset..<end, to: receiver)
            let (head, error) = receiver.takeOutcome()
            if let error { return .failed(error) }
            switch head?.status {
            case 200 where receiver.isComplete: return nil
            case 206 where receiver.count >= end: return nil
            case 200, 206:
                return .passing("\(final.origin) broke off \(file.path)", after: nil, limit: RetrySchedule.attempts)
            case 416 where offset > 0:
                // Nothing follows what is here, though something should.
                do throws(CLIPError) { try receiver.restart() } catch { return .failed(error) }
                return .passing("\(final.origin) has no rest of \(file.path)", after: nil, limit: 3)
            default:
                let head = head ?? HTTPHead(status: 502, headers: [:])
                // A signed address has a short life: the hub makes a new one.
                if head.status == 403, final.origin != connection.endpoint.origin {
                    return .passing("\(final.origin) refuses an address that the hub gave out", after: nil, limit: 3)
                }
                return connection.refusal(head, at: final, file.path)
            }
        } catch {
            let (_, own) = receiver.takeOutcome()
            return own.map { .failed($0) } ?? error
        }
    }
}

/// Writes a file's answer behind what is there of it.
private final class BlobReceiver: HTTPReceiver {
    private struct State {
        var partial: PartialFile
        /// How many bytes have come, those that were thrown away too.
        var received = 0
        /// The answer that is being received, if it is one with bytes.
        var head: HTTPHead?
        /// Why the answer was broken off from here.
        var error: CLIPError?
    }

    private let state: Mutex<State>
    private let meter: ProgressMeter

    init(_ partial: PartialFile, meter: ProgressMeter) {
        state = Mutex(State(partial: partial))
        self.meter = meter
    }

    /// How many bytes are there.
    var count: Int { state.withLock { $0.partial.count } }
    /// How many bytes have come over the network.
    var received: Int { state.withLock { $0.received } }
    var isComplete: Bool { state.withLock { $0.partial.isComplete } }

    /// Head and error of the last answer, which are forgotten.
    func takeOutcome() -> (head: HTTPHead?, error: CLIPError?) {
        state.withLock { state in
            defer { (state.head, state.error) = (nil, nil) }
            return (state.head, state.error)
        }
    }

    /// Forgets the bytes.
    func restart() throws(CLIPError) {
        let error: CLIPError? = state.withLock { state in
            meter.drop(state.partial.count)
            do throws(CLIPError) { try state.partial.restart() } catch { return error }
            return nil
        }
        if let error { throw error }
    }

    /// Makes the blob appear, if it is what the hub announced.
    /// - Returns: the hash of what came instead; nil when all is well.
    func commit(to target: String) throws(CLIPError) -> String? {
        let result: Result<String?, CLIPError> = state.withLock { state in
            guard state.partial.isGenuine else { return .success(state.partial.hexadecimal) }
            do throws(CLIPError) { try state.partial.commit(to: target) } catch { return .failure(error) }
            return .success(nil)
        }
        return try result.get()
    }

    func receive(head: HTTPHead) -> Bool {
        state.withLock { state in
            state.head = head
            switch head.status {
            case 206:
                let start = head["Content-Range"].flatMap(BlobReceiver.start)
                guard start == state.partial.count else {
                    state.error = CLIPError(
                        .server, path: state.partial.file.path,
                        "the hub sends \(quoted(head["Content-Range"] ?? "no Content-Range")) "
                            + "where byte \(state.partial.count) on was asked for")
                    return false
                }
                return true
            case 200:
                // The server knows no ranges: it starts from the first byte.
                guard state.partial.count > 0 else { return true }
                meter.drop(state.partial.count)
                do throws(CLIPError) { try state.partial.restart() } catch { state.error = error }
                return state.error == nil
            default: return false
            }
        }
    }

    func receive(body: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            state.received += body.count
            do throws(CLIPError) { try state.partial.append(body) } catch { state.error = error }
            if state.error == nil { meter.add(fetched: body.count) }
            return state.error == nil
        }
    }

    /// The first byte's number in `bytes 100-199/1000`.
    private static func start(_ range: String) -> Int? {
        guard range.hasPrefix("bytes ") else { return nil }
        return Int(range.dropFirst("bytes ".count).prefix { $0 != "-" })
    }
}
