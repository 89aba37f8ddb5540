internal import Synchronization

/// Writes a file's answer behind what is there of it.
final class BlobReceiver: HTTPReceiver {
    private struct State: ~Copyable {
        var partial: PartialFile
        /// How many bytes have come, those that were thrown away too.
        var received = 0
        /// The answer that is being received, if it is one with bytes.
        var head: HTTPHead?
        /// Why the answer was broken off from here.
        var error: HubError?
    }

    private let state: Mutex<State>
    private let meter: ProgressMeter

    init(_ partial: consuming PartialFile, meter: ProgressMeter) {
        state = Mutex(State(partial: partial))
        self.meter = meter
    }

    /// How many bytes are there.
    var count: Int { state.withLock { $0.partial.count } }
    /// How many bytes have come over the network.
    var received: Int { state.withLock { $0.received } }
    var isComplete: Bool { state.withLock { $0.partial.isComplete } }

    /// Head and error of the last answer, which are forgotten.
    func takeOutcome() -> (head: HTTPHead?, error: HubError?) {
        state.withLock { state in
            defer { (state.head, state.error) = (nil, nil) }
            return (state.head, state.error)
        }
    }

    /// Forgets the bytes.
    func restart() throws(HubError) {
        let error: HubError? = state.withLock { state in
            meter.drop(state.partial.count)
            do throws(HubError) { try state.partial.restart() } catch { return error }
            return nil
        }
        if let error { throw error }
    }

    /// Makes the blob appear, if it is what the hub announced.
    /// - Returns: the hash of what came instead; nil when all is well.
    func commit(to target: String) throws(HubError) -> String? {
        let result: Result<String?, HubError> = state.withLock { state in
            guard state.partial.isGenuine else { return .success(state.partial.hexadecimal) }
            do throws(HubError) { try state.partial.commit(to: target) } catch { return .failure(error) }
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
                    state.error = HubError(
                        .server, state.partial.file.path,
                        "the hub sends \(quoted(head["Content-Range"] ?? "no Content-Range")) "
                            + "where byte \(state.partial.count) on was asked for")
                    return false
                }
                return true
            case 200:
                // The server knows no ranges: it starts from the first byte.
                guard state.partial.count > 0 else { return true }
                meter.drop(state.partial.count)
                do throws(HubError) { try state.partial.restart() } catch { state.error = error }
                return state.error == nil
            default: return false
            }
        }
    }

    func receive(body: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            state.received += body.count
            do throws(HubError) { try state.partial.append(body) } catch { state.error = error }
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
