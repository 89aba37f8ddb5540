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
        /// Whether none of them is about files.
        let areForFolders: Bool

        init(folder: PathBytes, rules: [ExclusionRule]) {
            self.folder = folder
            self.rules = rules
            areForFolders = rules.allSatisfy(\.isForFolders)
        }
    }

    private let root: PathBytes
    private let named: Rules
    /// For each folder that was come upon what counts in it: the named rules, then those of the ignore files from the root on.
    private var chains: [PathBytes: [Rules]] = [:]
    /// Ignore files that can't be read.
    private(set) var faults: [FolderWalk.Fault] = []

    init(_ root: PathBytes, _ rules: ExclusionRules) {
        var bytes = root.bytes
        // A folder as it is named in the paths of what is in it.
        while bytes.count > 1, bytes.last == PathBytes.slash { bytes.removeLast() }
        self.root = PathBytes(bytes)
        let patterns = ExclusionRules.standardPatterns + rules.patterns
        named = Rules(folder: self.root, rules: patterns.compactMap { ExclusionRule($0) })
    }

    /// Whether what is there is left out. The folder that it is in is not.
    func excludes(_ path: PathBytes, isFolder: Bool) -> Bool {
        for rules in chain(of: path.folder).reversed() {
            if let verdict = rules.verdict(path, isFolder: isFolder) { return verdict }
        }
        return false
    }

    private func chain(of folder: PathBytes) -> [Rules] {
        if let known = chains[folder] { return known }
        guard folder.isAtOrInside(root) else { return [named] }
        let above = folder == root ? [named] : chain(of: folder.folder)
        let chain = read(folder).map { above + [$0] } ?? above
        chains[folder] = chain
        return chain
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
        guard isFolder || !areForFolders else { return nil }
        let name = String(decoding: path.name, as: UTF8.self)
        // Slashes may follow each other where a folder was named so.
        let inside = path.relative(to: folder).drop { $0 == PathBytes.slash }
        let relative = String(decoding: inside, as: UTF8.self)
        return rules.last { $0.matches(name: name, relative: relative, isFolder: isFolder) }.map { !$0.isNegated }
    }
}

/// One pattern.
private struct ExclusionRule {
    let isNegated: Bool
    let isForFolders: Bool
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
