internal import CLIPWeights

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
    func run() async throws(HubError) -> Int {
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
            throw HubError(
                .damaged, file.path,
                "came with \(file.hash.name) \(wrong), the hub announced \(file.hash.digits): "
                    + "something on the way changes it, check the proxy")
        }
        return receiver.received
    }

    /// Receives until everything is there.
    private func fetch(_ receiver: BlobReceiver) async throws(HubError) {
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
                do throws(HubError) { try receiver.restart() } catch { return .failed(error) }
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
