internal import CLIPSystem

/// What the hub's client asks of a network. The program has one that sends requests, tests have one that makes them up.
package protocol HTTPTransport: Sendable {
    /// Sends one request. A redirect is an answer like any other: it is not followed.
    ///
    /// - Parameter receiver: takes the answer part by part, never two parts at once. Once it wants no more, the exchange
    ///   ends without an error.
    /// - Returns: why no answer came, or it broke off; nil when it came. Parts of it may have been received by then.
    func send(_ request: HTTPRequest, to receiver: any HTTPReceiver) async -> HTTPFailure?
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
package struct HTTPFailure: Sendable, Equatable {
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

/// A URL, `http` or `https`: as much of RFC 3986 as following redirects takes, without Foundation.
package struct HTTPAddress: Sendable, Equatable {
    /// `https://host:port`, in lower case, a default port left out. Who may see a token depends on it.
    package let origin: String
    /// What follows the origin: empty, or from its slash or question mark on; percent-encoded.
    package let path: String

    package var text: String { origin + path }

    /// nil if `text` is no absolute URL of a host, or holds anything that is not printable ASCII.
    package init?(_ text: String) {
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), text.utf8.count <= 8192 else { return nil }
        guard let colon = text.range(of: "://") else { return nil }
        let scheme = text[..<colon.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        let rest = text[colon.upperBound...]
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        var authority = rest[..<end].lowercased()
        // Credentials in an address are a way to make one host look like another.
        guard !authority.isEmpty, !authority.contains("@"), !authority.contains("\\") else { return nil }
        let defaultPort = scheme == "http" ? ":80" : ":443"
        if authority.hasSuffix(defaultPort) { authority.removeLast(defaultPort.count) }
        origin = "\(scheme)://\(authority)"
        path = String(rest[end...].prefix { $0 != "#" })
    }

    private init(origin: String, path: String) {
        self.origin = origin
        self.path = path
    }

    /// This address followed by `parts`, each encoded whole: a slash inside a part is no separator.
    package func appending(_ parts: [String]) -> HTTPAddress {
        let base = path.hasSuffix("/") ? String(path.dropLast()) : path
        return HTTPAddress(
            origin: origin, path: base + parts.map { "/" + percentEncoded($0.utf8, keepsSlashes: false) }.joined())
    }

    /// Where a `Location` header leads from here; nil if it leads nowhere usable.
    package func following(_ location: String) -> HTTPAddress? {
        if let colon = location.range(of: "://"), location[..<colon.lowerBound].allSatisfy(\.isLetter) {
            return HTTPAddress(location)
        }
        let scheme = origin.prefix { $0 != ":" }
        if location.hasPrefix("//") { return HTTPAddress("\(scheme):\(location)") }
        if location.hasPrefix("/") { return HTTPAddress(origin + location) }
        let folder = path.prefix { $0 != "?" }.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        return HTTPAddress(origin + folder.joined(separator: "/") + "/" + location)
    }
}

extension String {
    /// The first occurrence of `other`, byte by byte.
    fileprivate func range(of other: String) -> Range<Index>? {
        let (whole, part) = (utf8, other.utf8)
        var start = whole.startIndex
        while start != whole.endIndex {
            if whole[start...].starts(with: part) { return start..<whole.index(start, offsetBy: part.count) }
            start = whole.index(after: start)
        }
        return nil
    }
}
