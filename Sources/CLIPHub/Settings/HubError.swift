internal import CLIPWeights
public import Foundation

/// Why a model could not be fetched. `message` is one line that says what, where, and what to do next.
public struct HubError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What the error is about.
    public enum Kind: String, Sendable {
        /// The name, the revision or a setting makes no sense.
        case argument
        /// There is no such repository, revision or file, or nothing in it that loads.
        case notFound
        /// The hub wants a token, or refuses the one it got.
        case unauthorized
        /// The hub wants its terms accepted first.
        case gated
        /// The network is switched off by `HF_HUB_OFFLINE`.
        case offline
        /// There is no way to the hub.
        case network
        /// The hub answers with an error, or with something that makes no sense.
        case server
        /// What came is not what the hub announced.
        case damaged
        /// The hub asks for something that is never done, such as writing outside the cache.
        case refused
        /// The cache can't be written.
        case storage
        /// The task was cancelled.
        case cancelled
    }

    /// What the error is about.
    public let kind: Kind
    /// The repository, file or address that it is about.
    public let subject: String
    /// One line, without the subject.
    public let message: String

    package init(_ kind: Kind, _ subject: String, _ message: String) {
        self.kind = kind
        self.subject = subject
        self.message = message
    }

    /// The subject and the message.
    public var description: String { "\(subject): \(message)" }
}

extension HubError: LocalizedError {
    /// `description`, which is what `localizedDescription` then says too.
    public var errorDescription: String? { description }
}

extension HubError {
    init(_ error: WeightsError) {
        self.init(.storage, error.path, error.problem)
    }
}
