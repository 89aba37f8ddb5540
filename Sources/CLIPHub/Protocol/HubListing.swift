internal import CLIPJSON
internal import CLIPWeights

/// What a hub says of a repository at one revision: `api/models/NAME/revision/REVISION`.
struct HubListing: Sendable, Equatable {
    /// 40 hexadecimal digits.
    let commit: String
    /// Every file's path, sorted, each inside the repository.
    let paths: [String]

    /// No model has more files, and a list is checked whole.
    private static let mostFiles = 100_000

    /// - Throws: `HubError` when it is no such answer, or names a file that would lead out of the repository.
    init(json: [UInt8], subject: String) throws(HubError) {
        let root: JSONValue
        do {
            root = try JSONValue(parsing: json)
        } catch {
            throw HubError(
                .server, subject, "the hub's answer is not JSON (byte \(error.offset)): check HF_ENDPOINT and the proxy"
            )
        }
        guard let commit = root["sha"]?.string, let siblings = root["siblings"]?.array else {
            throw HubError(.server, subject, "the hub's answer names no commit and files: check HF_ENDPOINT")
        }
        guard commit.utf8.count == 40, commit.utf8.allSatisfy(isHexadecimal) else {
            throw HubError(
                .server, subject, "the hub names the commit \(quoted(commit)), expected 40 hexadecimal digits")
        }
        guard siblings.count <= HubListing.mostFiles else {
            throw HubError(.refused, subject, "lists \(siblings.count) files, expected at most \(HubListing.mostFiles)")
        }
        var paths = Set<String>()
        for sibling in siblings {
            guard let path = sibling["rfilename"]?.string else {
                throw HubError(.server, subject, "the hub lists a file without a name")
            }
            guard Path.staysInside(path), path.utf8.count <= 1024 else {
                throw HubError(
                    .refused, subject,
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
