import CLIP
import CLIPSystem

extension Console {
    /// Says once what was left out of folders: `skipped 2,140 files in photos: 2,100 HEIC (…), 40 CR2 (…)`; it is a
    /// warning where pictures may be among them.
    func report(skipped: [SkippedFiles], in places: [PathBytes]) {
        guard !skipped.isEmpty else { return }
        let folders = places.filter { $0.kind == .folder }.map(\.text)
        let text = skippedText(skipped, in: folders)
        if skipped.allSatisfy(\.isNoPicture) { note(text) } else { warn(text) }
    }
}

/// One line about files that were left out of folders.
private func skippedText(_ skipped: [SkippedFiles], in folders: [String]) -> String {
    let total = skipped.reduce(0) { $0 + $1.count }
    // Pictures that can't be read come first; of all else a few kinds say enough.
    let named = skipped.prefix(max(8, skipped.count { $0.advice != nil }))
    var parts = named.map { "\(grouped($0.count)) \($0.kind)" + ($0.advice.map { " (\($0))" } ?? "") }
    if named.count < skipped.count {
        let rest = skipped.dropFirst(named.count).reduce(0) { $0 + $1.count }
        parts.append("\(grouped(rest)) of \(skipped.count - named.count) other kinds")
    }
    let place =
        switch folders.count {
        case 0: ""
        case 1...3: " in " + folders.joined(separator: ", ")
        default: " in \(folders[0]) and \(folders.count - 1) other folders"
        }
    return "skipped \(grouped(total)) file\(total == 1 ? "" : "s")\(place): \(parts.joined(separator: ", "))"
}

extension SkippedFiles {
    /// Whether these are files with an ending of something else; hidden pictures, links and the like are told in words.
    fileprivate var isNoPicture: Bool { advice == nil && !kind.contains(" ") }
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

extension FieldValue {
    /// What was left out of folders, by kind.
    static func skipped(_ skipped: [SkippedFiles]) -> FieldValue {
        .list(
            skipped.map {
                .object([
                    ("kind", .text($0.kind)), ("count", .integer($0.count)), ("example", .text($0.example)),
                    ("advice", .optional($0.advice)),
                ])
            })
    }
}
