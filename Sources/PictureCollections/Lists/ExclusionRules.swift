import CLIPSystem

/// What is left out of folders, by patterns as those of a `.gitignore`, the last that matches counts.
///
/// `*` is any run of characters without a slash, `**` any run at all, `?` one character, `[ab]` one of some. A pattern with a slash
/// before its end is matched with the path from the folder that was named, or that the ignore file is in, any other with the last part
/// of a path; one that ends with a slash matches folders alone, and `!` before it takes back in what an earlier one left out.
public struct ExclusionRules: Sendable, Equatable {
    /// What no one wants pictures from: small copies that servers and programs make, wastebaskets, packages.
    public static let standardPatterns = [
        "@eaDir/", "@__thumb/", "#recycle/", "$RECYCLE.BIN/", "System Volume Information/", "lost+found/", "__MACOSX/",
        "node_modules/", "*.lrdata/",
    ]
    /// The name of files with patterns, one a line, for the folder that they are in; `#` begins a comment.
    public static let fileName = ".clipignore"

    /// Patterns for the folders that are named, behind the standard ones.
    public var patterns: [String]

    /// The standard patterns and some more.
    public init(_ patterns: [String] = []) { self.patterns = patterns }
}

/// A walk through a folder by rules, and the ignore files that it comes upon.
final class ExclusionWalk {
    /// Patterns of one place.
    fileprivate struct Rules {
        let folder: PathBytes
        let rules: [ExclusionRule]
    }

    private let root: PathBytes
    private let named: Rules
    /// Those of the ignore file of each folder that was come upon.
    private var files: [PathBytes: Rules?] = [:]
    /// Ignore files that can't be read.
    private(set) var faults: [FolderWalk.Fault] = []

    init(_ root: PathBytes, _ rules: ExclusionRules) {
        self.root = root
        named = Rules(
            folder: root, rules: (ExclusionRules.standardPatterns + rules.patterns).compactMap { ExclusionRule($0) })
    }

    /// Whether what is there is left out. The folder that it is in is not.
    func excludes(_ path: PathBytes, isFolder: Bool) -> Bool {
        var isExcluded = named.verdict(path, isFolder: isFolder) ?? false
        for folder in folders(of: path) {
            if let verdict = file(of: folder)?.verdict(path, isFolder: isFolder) { isExcluded = verdict }
        }
        return isExcluded
    }

    /// The folders that lead from the root to a path, the root first.
    private func folders(of path: PathBytes) -> [PathBytes] {
        var folders: [PathBytes] = []
        var folder = path.folder
        while folder.isAtOrInside(root) {
            folders.append(folder)
            if folder == root { break }
            folder = folder.folder
        }
        return folders.reversed()
    }

    private func file(of folder: PathBytes) -> Rules? {
        if let known = files[folder] { return known }
        let rules = read(folder)
        files[folder] = .some(rules)
        return rules
    }

    private func read(_ folder: PathBytes) -> Rules? {
        let path = folder.appending(ExclusionRules.fileName)
        do throws(SystemError) {
            guard try path.status().kind == .file else { return nil }
            let descriptor = try path.open(O_RDONLY | O_NONBLOCK)
            defer { close(descriptor) }
            let text = String(decoding: try readAll(from: descriptor, count: 1 << 20), as: UTF8.self)
            let lines = text.split(whereSeparator: \.isNewline)
            return Rules(folder: folder, rules: lines.compactMap { ExclusionRule(ofLine: String($0)) })
        } catch {
            if !error.isAbsence { faults.append(FolderWalk.Fault(path: path, error: error, "can't be read")) }
            return nil
        }
    }
}

extension ExclusionWalk.Rules {
    /// What the last pattern that matches says; nil where none does.
    fileprivate func verdict(_ path: PathBytes, isFolder: Bool) -> Bool? {
        guard !rules.isEmpty else { return nil }
        let name = String(decoding: path.name, as: UTF8.self)
        let relative = String(decoding: path.relative(to: folder), as: UTF8.self)
        return rules.last { $0.matches(name: name, relative: relative, isFolder: isFolder) }.map { !$0.isNegated }
    }
}

/// One pattern.
private struct ExclusionRule {
    let isNegated: Bool
    private let isForFolders: Bool
    /// Whether the whole path is matched, not its last part.
    private let isAnchored: Bool
    private let globs: [Glob]

    /// A line of an ignore file; nil for a comment or an empty one.
    init?(ofLine line: String) {
        guard !line.hasPrefix("#") else { return nil }
        self.init(line)
    }

    init?(_ text: String) {
        var pattern = text[...]
        while pattern.last == " " || pattern.last == "\t" { pattern.removeLast() }
        isNegated = pattern.first == "!"
        if isNegated { pattern.removeFirst() }
        isForFolders = pattern.last == "/"
        while pattern.last == "/" { pattern.removeLast() }
        isAnchored = pattern.contains("/")
        if pattern.first == "/" { pattern.removeFirst() }
        guard !pattern.isEmpty else { return nil }
        // What may stand before may be nothing.
        globs = [Glob(String(pattern))] + (pattern.hasPrefix("**/") ? [Glob(String(pattern.dropFirst(3)))] : [])
    }

    func matches(name: String, relative: String, isFolder: Bool) -> Bool {
        guard isFolder || !isForFolders else { return false }
        let text = isAnchored ? relative : name
        return globs.contains { $0.matchesAll(of: text) }
    }
}
