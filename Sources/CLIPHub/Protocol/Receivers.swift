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
        return limit > 0
    }

    func receive(body: UnsafeRawBufferPointer) -> Bool {
        state.withLock { answer in
            answer.isTooLong = answer.body.count + body.count > limit
            if !answer.isTooLong { answer.body += body }
            return !answer.isTooLong
        }
    }
}

/// Keeps redirects from the receiver that they lead to.
final class RedirectReceiver: HTTPReceiver {
    private let receiver: any HTTPReceiver
    private let isFinal: @Sendable (HTTPHead) -> Bool
    private let redirect = Mutex<String?>(nil)

    /// - Parameter isFinal: whether a redirect is not to be followed.
    init(_ receiver: any HTTPReceiver, isFinal: @escaping @Sendable (HTTPHead) -> Bool) {
        self.receiver = receiver
        self.isFinal = isFinal
    }

    /// Where to go instead; nil when the answer has gone to the receiver.
    var location: String? { redirect.withLock { $0 } }

    func receive(head: HTTPHead) -> Bool {
        guard let location = head.redirection, !isFinal(head) else { return receiver.receive(head: head) }
        redirect.withLock { $0 = location }
        return false
    }

    func receive(body: UnsafeRawBufferPointer) -> Bool { receiver.receive(body: body) }
}
