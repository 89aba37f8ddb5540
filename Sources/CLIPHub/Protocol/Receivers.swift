internal import Synchronization

/// Keeps a short answer whole.
final class TextReceiver: HTTPReceiver {
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
final class GatedReceiver: HTTPReceiver {
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
