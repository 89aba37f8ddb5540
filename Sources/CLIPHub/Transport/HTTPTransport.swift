/// What the hub's client asks of a network. The program has one that sends requests, tests have one that makes them up.
package protocol HTTPTransport: Sendable {
    /// Sends one request. A redirect is an answer like any other: it is not followed.
    ///
    /// - Parameter receiver: takes the answer part by part, never two parts at once. Once it wants no more, the exchange
    ///   ends without an error.
    /// - Throws: when no answer comes, or it breaks off. Parts of it may have been received by then.
    func send(_ request: HTTPRequest, to receiver: any HTTPReceiver) async throws(HTTPFailure)
}

/// Takes an answer as it comes in.
package protocol HTTPReceiver: AnyObject, Sendable {
    /// Status and headers. Called once, before any part of the body.
    /// - Returns: whether the body is wanted.
    func receive(head: HTTPHead) -> Bool
    /// The next part of the body.
    /// - Returns: whether more is wanted.
    func receive(body: UnsafeRawBufferPointer) -> Bool
}

/// A request without a body.
package struct HTTPRequest: Sendable, Equatable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
    }

    package var method: Method
    package var address: HTTPAddress
    package var headers: [String: String]
}

/// Status and headers of an answer.
package struct HTTPHead: Sendable, Equatable {
    package let status: Int
    private let headers: [String: String]

    package init(status: Int, headers: [String: String]) {
        self.status = status
        self.headers = Dictionary(headers.map { ($0.lowercased(), $1) }) { first, _ in first }
    }

    /// The value of a header, whatever the case of its name; nil if it is absent or empty.
    package subscript(name: String) -> String? {
        headers[name.lowercased()].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Where to go instead, if this is a redirect.
    var redirection: String? {
        switch status {
        case 301, 302, 303, 307, 308: self["Location"]
        default: nil
        }
    }
}

/// Why an exchange came to nothing.
package struct HTTPFailure: Error, Sendable, Equatable {
    package enum Kind: Sendable {
        /// The name is unknown, or nobody listens there.
        case unreachable
        /// Nothing came for too long.
        case timedOut
        /// The connection was lost.
        case brokenOff
        /// The other side can't prove who it is.
        case insecure
        /// Trying again can't help.
        case unusable
    }

    package let kind: Kind
    /// The network's own words.
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}
