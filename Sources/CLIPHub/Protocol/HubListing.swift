internal import CLIPJSON
internal import CLIPSystem
internal import CLIPWeights

/// What a hub says of a repository at one revision: `api/models/NAME/revision/REVISION`.
struct HubListing: Sendable, Equatable {
    /// 40 hexadecimal digits.
    let commit: String
    /// Every file's path, sorted, each inside the repository.
    let paths: [String]

    /// No model has more files, and a list is checked whole.
    private static let mostFiles = 100_000

    /// - Throws: `CLIPError` when it is no such answer, or names a file that would lead out of the repository.
    init(json: [UInt8], subject: String) throws(CLIPError) {
        let root = try JSONValue(
            parsing: json,
            at: JSONPlace(
                subject, .server, part: "the hub's answer is not JSON, ", advice: ": check HF_ENDPOINT and the proxy"))
        guard let commit = root["sha"]?.string, let siblings = root["siblings"]?.array else {
            throw CLIPError(.server, path: subject, "the hub's answer names no commit and files: check HF_ENDPOINT")
        }
        guard commit.utf8.count == 40, commit.utf8.allSatisfy(isHexadecimal) else {
            throw CLIPError(
                .server, path: subject, "the hub names the commit \(quoted(commit)), expected 40 hexadecimal digits")
        }
        guard siblings.count <= HubListing.mostFiles else {
            throw CLIPError(
                .refused, path: subject, "lists \(siblings.count) files, expected at most \(HubListing.mostFiles)")
        }
        var paths = Set<String>()
        for sibling in siblings {
            guard let path = sibling["rfilename"]?.string else {
                throw CLIPError(.server, path: subject, "the hub lists a file without a name")
            }
            guard Path.staysInside(path), path.utf8.count <= 1024 else {
                throw CLIPError(
                    .refused, path: subject,
                    "lists the file \(quoted(path)), which leads out of the model's folder: nothing was fetched")
            }
            paths.insert(path)
        }
        self.commit = commit
        self.paths = paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
    default: false
    }
}

/// One file of a repository, as the hub describes it: enough to know it when it is here.
struct HubFile: Sendable, Equatable {
    /// Inside the repository.
    let path: String
    let byteCount: Int
    /// What it must hash to; its name among the cache's blobs.
    let hash: ContentHash

    /// More than a hub takes for one file (17 TB). With it the sizes of all files of a repository add up without overflow.
    static let mostBytes = 1 << 44

    /// What the headers of a file's `resolve` address say.
    ///
    /// - Throws: `CLIPError` when they name no hash or no size that a file can have: what can't be checked is not fetched.
    init(path: String, head: HTTPHead, commit: String, subject: String) throws(CLIPError) {
        if let served = head["X-Repo-Commit"], served != commit {
            throw CLIPError(
                .server, path: subject,
                "the hub serves \(path) of commit \(quoted(served)) where \(commit) was asked for")
        }
        guard let etag = head["X-Linked-Etag"] ?? head["ETag"], let hash = ContentHash(etag: etag) else {
            throw CLIPError(
                .server, path: subject,
                "the hub names no hash of \(path) that it could be checked by: check HF_ENDPOINT")
        }
        let isRedirect = head.redirection != nil
        guard let text = head["X-Linked-Size"] ?? (isRedirect ? nil : head["Content-Length"]) else {
            throw CLIPError(.server, path: subject, "the hub doesn't say how large \(path) is")
        }
        guard let byteCount = Int(text), (0...HubFile.mostBytes).contains(byteCount) else {
            throw CLIPError(
                .server, path: subject,
                "the hub says that \(path) has \(quoted(text)) bytes, expected 0 to \(HubFile.mostBytes)")
        }
        self.path = path
        self.byteCount = byteCount
        self.hash = hash
    }
}

/// The hash that a hub knows a file's content by.
enum ContentHash: Sendable, Hashable {
    /// Of large files: SHA-256 of the content.
    case sha256(String)
    /// Of small ones: git's name for the content, SHA-1 of `blob SIZE`, a NUL byte and the content.
    case git(String)

    /// From an ETag, quotes and weakness taken off; nil if it is neither.
    init?(etag: String) {
        var digits = etag.hasPrefix("W/") ? etag.dropFirst(2) : etag[...]
        if digits.count >= 2, digits.first == "\"", digits.last == "\"" { digits = digits.dropFirst().dropLast() }
        guard digits.utf8.allSatisfy(isHexadecimal) else { return nil }
        switch digits.utf8.count {
        case 64: self = .sha256(String(digits))
        case 40: self = .git(String(digits))
        default: return nil
        }
    }

    /// The digits, which are the blob's name.
    var digits: String {
        switch self {
        case .sha256(let digits), .git(let digits): digits
        }
    }

    var name: String {
        switch self {
        case .sha256: "SHA-256"
        case .git: "git's SHA-1"
        }
    }
}
