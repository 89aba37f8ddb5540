#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// Anything that can go wrong in the libraries `CLIP`, `PictureCollections` and `CLIPHub`: what it is about, where, one
/// sentence that says what was expected, what was found and what to do next, and, where this library itself can help, how.
public struct CLIPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What an error is about.
    public enum Kind: String, Sendable {
        /// A picture could not be read or decoded.
        case picture
        /// A text could not be tokenized as asked.
        case text
        /// A model could not be found, loaded, written or verified.
        case model
        /// An index of pictures could not be opened, read or written.
        case index
        /// A value handed to the library makes no sense.
        case argument
        /// A file or folder could not be read or written, or makes no sense: a result, a list of texts, paths or captions, or
        /// the hub's cache.
        case storage
        /// The hub has no such repository, revision or file, or nothing in it that loads.
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
        /// The task was cancelled.
        case cancelled
    }

    /// What can be done about an error with this library, for a program that wants to offer it in its own words.
    public enum Advice: Sendable, Equatable {
        /// Decode what there is of a picture that is cut short: `PictureOptions.allowsTruncated`.
        case allowTruncated
        /// Take larger pictures: `PictureOptions.maximumPixels`.
        case raisePixelLimit
        /// Let the system's decoders read a picture: `PictureOptions.usesSystemDecoders`.
        case useSystemDecoders
        /// Make a `.clip` file of the model: `CLIPModel.pack(to:)`.
        case pack
        /// Look whether the weights are what they were: `CLIPModel.verify()`.
        case verifyWeights
        /// Name a model that loads: a repository of the hub, or a short name of one.
        case nameKnownModel
        /// Fetch a model from the hub, at a revision or at the newest: `HubClient.pull`.
        case fetch(name: String, revision: String?)
        /// Say which of a repository's models is meant.
        case chooseFile([String])
        /// Make an index: `PictureIndexer`.
        case makeIndex
        /// Keep what comes before the damage in an index, and index the rest again: `PictureIndexer.salvages`.
        case salvageIndex
        /// Look for damaged records of an index and drop them: `PictureIndex.verify()`, `PictureIndex.prune`.
        case pruneIndex
        /// Wait for the other process that writes the index: `PictureIndexer.waits`.
        case waitForWriter
        /// Open the model that made the embeddings of an index.
        case nameModelOfIndex
        /// Open the model of an index from where it is now.
        case nameMovedModel
        /// Say from which cosine on a term excludes: `SearchQuery.exclusionThreshold`.
        case setExclusionThreshold
        /// Make a table by which exiftool adds keywords to what is there: `KeywordTable`.
        case tabulateKeywords
    }

    /// What the error is about.
    public package(set) var kind: Kind
    /// The file, repository or address that it is about, if there is one.
    public package(set) var path: String?
    /// One line, without `path` and `advice`.
    public package(set) var message: String
    /// What can be done about it with this library, if anything. `description` says it after the message.
    public package(set) var advice: Advice?
    /// The number (`errno`) of the call of the operating system that failed, if one did.
    public package(set) var systemCode: Int32?

    /// An error of `kind` about `path`.
    public init(_ kind: Kind, path: String? = nil, _ message: String, advice: Advice? = nil) {
        self.kind = kind
        self.path = path
        self.message = message
        self.advice = advice
    }

    /// The path, if there is one, the message and the advice.
    public var description: String { line(advice?.words ?? "") }

    /// The error as one line, its advice in the words of the program that shows it.
    package func line(_ advice: String) -> String {
        guard let path else { return message + advice }
        return "\(path.isEmpty ? "\"\"" : path): \(message)\(advice)"
    }
}

extension CLIPError: LocalizedError {
    /// `description`, which is what `localizedDescription` then says too.
    public var errorDescription: String? { description }
}

extension CLIPError {
    /// A call of the system that failed: `message` says what could not be done, the system why.
    package init(_ kind: Kind, path: String? = nil, _ message: String, _ cause: SystemError) {
        self.init(kind, path: path, "\(message): \(cause.message)")
        systemCode = cause.code
    }

    /// A call of the system that failed, in its own words.
    package init(_ kind: Kind, _ cause: SystemError) {
        self.init(kind, cause.message)
        systemCode = cause.code
    }

    /// The same error about another place.
    package func at(_ path: String?) -> CLIPError {
        var error = self
        error.path = path
        return error
    }

    /// The same error with another message.
    package func saying(_ message: String) -> CLIPError {
        var error = self
        error.message = message
        return error
    }
}

extension CLIPError.Advice {
    /// What follows the message in a description.
    fileprivate var words: String {
        switch self {
        case .allowTruncated: "; PictureOptions.allowsTruncated decodes what is there"
        case .raisePixelLimit: "; PictureOptions.maximumPixels raises it"
        case .useSystemDecoders: ", or let the system's decoder read it (PictureOptions.usesSystemDecoders)"
        case .pack: " with CLIPModel.pack(to:)"
        case .verifyWeights: ", check them with CLIPModel.verify()"
        case .nameKnownModel: ", such as openai/clip-vit-base-patch32"
        case .fetch(let name, let revision):
            " with HubClient.pull(\"\(name)\(revision.map { "@\($0)" } ?? "")\")"
        case .chooseFile(let names):
            ", choose one by the parameter files: \(CLIPError.list(names))"
        case .makeIndex: " with PictureIndexer"
        case .salvageIndex: ", PictureIndexer.salvages keeps them"
        case .pruneIndex:
            ": PictureIndex.verify() lists what is, PictureIndex.prune drops it, and indexing again embeds it anew"
        case .waitForWriter: ": wait until it ends (PictureIndexer.waits does), and run it again"
        case .nameModelOfIndex: ": open the first, or index into another file"
        case .nameMovedModel: ": open it from where it is now"
        case .setExclusionThreshold: " (SearchQuery.exclusionThreshold)"
        case .tabulateKeywords: ": KeywordTable makes a table by which exiftool adds to it"
        }
    }
}

extension CLIPError {
    /// The first eight of some names.
    package static func list(_ names: [String]) -> String {
        names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
    }
}

/// `text` between quotation marks for a line of a message: control characters escaped, cut after 200 characters.
package func quoted(_ text: String) -> String {
    var line = "\""
    for (count, scalar) in text.unicodeScalars.enumerated() {
        if count == 200 {
            line += "…"
            break
        }
        line += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return line + "\""
}
