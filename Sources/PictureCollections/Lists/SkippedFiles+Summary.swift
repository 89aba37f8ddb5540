import CLIP

extension [SkippedFiles] {
    /// One line about files that were left out of folders: `skipped 2,140 files in photos: 2,100 HEIC (…), 40 CR2 (…)`.
    package func summary(in folders: [String]) -> String {
        let total = reduce(0) { $0 + $1.count }
        // Pictures that can't be read come first; of all else a few kinds say enough.
        let named = prefix(Swift.max(8, self.count { $0.advice != nil }))
        var parts = named.map { "\(grouped($0.count)) \($0.shownKind)" + ($0.advice.map { " (\($0))" } ?? "") }
        if named.count < self.count {
            let rest = dropFirst(named.count).reduce(0) { $0 + $1.count }
            parts.append("\(grouped(rest)) of \(self.count - named.count) other kinds")
        }
        let place =
            switch folders.count {
            case 0: ""
            case 1...3: " in " + folders.joined(separator: ", ")
            default: " in \(folders[0]) and \(folders.count - 1) other folders"
            }
        let files = contains { $0.kind.hasSuffix(" folders") } ? "files and folders" : total == 1 ? "file" : "files"
        return "skipped \(grouped(total)) \(files)\(place): \(parts.joined(separator: ", "))"
    }
}

extension SkippedFiles {
    /// The kind, in the singular of one.
    fileprivate var shownKind: String {
        guard count == 1 else { return kind }
        let singulars = [
            "hidden pictures": "hidden picture", "excluded pictures": "excluded picture",
            "excluded folders": "excluded folder", "hidden folders": "hidden folder",
            "links to folders": "link to a folder", "links to nothing": "link to nothing",
            "folders inside themselves": "folder inside itself", "pipes, sockets or devices": "pipe, socket or device",
        ]
        return singulars[kind] ?? kind
    }

    /// Whether these are files with an ending of something else; hidden pictures, links and the like are
    /// told in words. What was to be left out is none either.
    package var isNoPicture: Bool { advice == nil && (!kind.contains(" ") || kind.hasPrefix("excluded ")) }
}

/// `2,140`.
private func grouped(_ number: Int) -> String {
    var text = ""
    for (index, digit) in "\(number)".reversed().enumerated() {
        if index > 0, index % 3 == 0 { text.insert(",", at: text.startIndex) }
        text.insert(digit, at: text.startIndex)
    }
    return text
}
