package import CLIPSystem

/// The Hugging Face hub's cache on this machine, read offline.
///
/// Layout (huggingface_hub, "Understand caching"): `models--ORG--NAME/refs/REVISION` holds a commit,
/// `models--ORG--NAME/snapshots/COMMIT/` the files, usually relative links to `../../blobs/HASH`, or copies where links
/// are switched off. Links are read through; nothing here writes or downloads: the module CLIPHub does.
package struct HubCache: Sendable {
    /// The folder that holds the `models--…` folders.
    package let root: String

    /// The cache that Python's huggingface_hub would use: HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else HF_HOME/hub,
    /// else XDG_CACHE_HOME/huggingface/hub, else HOME/.cache/huggingface/hub. A variable that is empty is not set.
    ///
    /// nil if none of the variables, HOME included, is set.
    package init?(environment: [String: String]) {
        let names = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"]
        let named = names.lazy.compactMap { HubCache.folder($0, environment) }.first
        guard let root = named ?? HubCache.home(environment: environment).map({ Path.join($0, "hub") }) else {
            return nil
        }
        self.root = root
    }

    /// The cache in this folder.
    package init(root: String) {
        self.root = root
    }

    /// Where the hub's tools keep everything: HF_HOME, else XDG_CACHE_HOME/huggingface, else HOME/.cache/huggingface.
    package static func home(environment: [String: String]) -> String? {
        if let home = folder("HF_HOME", environment) { return home }
        let cache = folder("XDG_CACHE_HOME", environment) ?? folder("HOME", environment).map { Path.join($0, ".cache") }
        return cache.map { Path.join($0, "huggingface") }
    }

    private static func folder(_ variable: String, _ environment: [String: String]) -> String? {
        guard let value = environment[variable], !value.isEmpty else { return nil }
        guard value == "~" || value.hasPrefix("~/"), let home = environment["HOME"] else { return value }
        return home + value.dropFirst()
    }

    /// What the cache has of a repository.
    package enum Holding: Equatable, Sendable {
        case nothing
        /// The folder of the snapshot that the name means.
        case snapshot(String)
        /// The repository, but not the revision, or none or several to choose from; or what names it is damaged.
        case unclear(CLIPError)
    }

    /// What the cache holds: every repository's name, and what its name means without a revision; sorted by name. One that
    /// can't be examined has the reason.
    /// - Throws: when the cache can't be looked into.
    package func repositories() throws(CLIPError) -> [(name: String, holding: Result<Holding, CLIPError>)] {
        try entryNames(of: PathBytes(root)).compactMap { entry in
            guard entry.hasPrefix("models--") else { return nil }
            let name = HubCache.replacingDoubleDashes(entry.dropFirst("models--".count))
            guard let repository = HubName(name) else { return nil }
            return (name, Result { () throws(CLIPError) in try holding(of: repository) })
        }
    }

    /// `org--name` → `org/name`. Of more than one `--` the first is the slash: an organisation's name has none.
    static func replacingDoubleDashes(_ text: Substring) -> String {
        let bytes = Array(text.utf8)
        let dash = UInt8(ascii: "-")
        guard let index = bytes.indices.dropLast().first(where: { bytes[$0] == dash && bytes[$0 + 1] == dash }) else {
            return String(text)
        }
        return String(decoding: bytes[..<index] + [UInt8(ascii: "/")] + bytes[(index + 2)...], as: UTF8.self)
    }

    /// The folder in which a repository keeps its snapshots, whether it is there or not.
    package func folder(of repository: HubName) -> String {
        Path.join(root, "models--" + repository.name.split(separator: "/").joined(separator: "--"))
    }

    /// The snapshot folder of a repository: of its revision, else of `main`, else the only one there is.
    ///
    /// - Returns: nil if the cache has no such repository.
    /// - Throws: if the repository is there but the revision is not, or its files are not; or the cache can't be looked into.
    package func snapshot(of repository: HubName) throws(CLIPError) -> String? {
        switch try holding(of: repository) {
        case .nothing: return nil
        case .snapshot(let folder): return folder
        case .unclear(let error): throw error
        }
    }

    /// What the cache has of a repository.
    /// - Throws: when the cache can't be looked into.
    package func holding(of repository: HubName) throws(CLIPError) -> Holding {
        let folder = folder(of: repository)
        guard try PathBytes(folder).found(.model)?.kind == .folder else { return .nothing }
        let snapshots = Path.join(folder, "snapshots")
        let revision = repository.revision ?? "main"
        let reference = Path.join(Path.join(folder, "refs"), revision)
        var commit = repository.revision
        if try PathBytes(reference).found(.model)?.kind == .file {
            let text = String(decoding: try readFile(PathBytes(reference), limit: 4096, kind: .model), as: UTF8.self)
            let word = String(text.prefix { !$0.isWhitespace })
            guard Path.staysInside(word), !word.utf8.contains(UInt8(ascii: "/")) else {
                return .unclear(
                    CLIPError(.model, path: reference, "should hold a commit, found \(quoted(text))"))
            }
            commit = word
        }
        var available: [String] = []
        for name in try entryNames(of: PathBytes(snapshots)) {
            if try PathBytes(Path.join(snapshots, name)).found(.model)?.kind == .folder { available.append(name) }
        }
        if let commit {
            guard available.contains(commit) else {
                return .unclear(
                    CLIPError(
                        .model, path: folder,
                        "has no snapshot \(quoted(commit)) (revision \(revision)), "
                            + "\(HubCache.list(available)): fetch it",
                        advice: .fetch(name: repository.name, revision: revision == "main" ? nil : revision)))
            }
            return .snapshot(Path.join(snapshots, commit))
        }
        guard available.count == 1, let only = available.first else {
            return .unclear(
                CLIPError(
                    .model, path: folder,
                    "has no refs/main, \(HubCache.list(available)): "
                        + "choose one as \(repository.name)@COMMIT, or fetch the newest",
                    advice: .fetch(name: repository.name, revision: nil)))
        }
        return .snapshot(Path.join(snapshots, only))
    }

    private static func list(_ snapshots: [String]) -> String {
        guard !snapshots.isEmpty else { return "found no snapshot" }
        let names = snapshots.prefix(4).joined(separator: ", ")
        return "found \(names)\(snapshots.count > 4 ? " and \(snapshots.count - 4) more" : "")"
    }
}

/// A repository on the hub, `org/name` or `org/name@revision`.
package struct HubName: Equatable, Sendable {
    package let name: String
    package let revision: String?

    /// nil if `text` can't be the name of a repository: at most one slash; letters, digits, `-`, `_` and `.`.
    package init?(_ text: String) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let words = parts[0].split(separator: "/", omittingEmptySubsequences: false)
        guard words.count <= 2, words.allSatisfy(HubName.isWord) else { return nil }
        name = String(parts[0])
        if parts.count == 2 {
            revision = String(parts[1])
            guard Path.staysInside(String(parts[1])) else { return nil }
        } else {
            revision = nil
        }
    }

    /// The name in what was copied from somewhere: an address on the hub, of a repository, a branch or a file of it;
    /// open_clip's `hf-hub:org/name`; blanks around it. Other texts are left as they are, blanks around them apart.
    package static func bare(_ text: String) -> String {
        var rest = text[...]
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        rest = rest.drop(while: \.isWhitespace)
        func drop(_ prefixes: String...) -> Bool {
            let lower = rest.lowercased()
            guard let prefix = prefixes.first(where: lower.hasPrefix) else { return false }
            rest = rest.dropFirst(prefix.count)
            return true
        }
        let trimmed = String(rest)
        let isAddress = drop("https://", "http://")
        guard drop("huggingface.co/", "www.huggingface.co/", "hf.co/") || !isAddress && drop("hf-hub:", "hf://") else {
            return trimmed
        }
        let words = rest.prefix { $0 != "?" && $0 != "#" }.split(separator: "/")
        guard words.count >= 2 else { return words.joined(separator: "/") }
        let name = "\(words[0])/\(words[1])"
        guard words.count >= 4, ["tree", "blob", "resolve", "commit"].contains(words[2]) else { return name }
        let revision = words[3].replacing("%2F", with: "/")
        return revision == "main" ? name : "\(name)@\(revision)"
    }

    private static func isWord(_ word: Substring) -> Bool {
        guard let first = word.utf8.first, first != UInt8(ascii: "."), first != UInt8(ascii: "-") else { return false }
        return word.utf8.count <= 96
            && word.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
