import CLIP

extension Console {
    /// Says once what was left out of folders: `skipped 2,140 files: 2,100 HEIC (…), 40 CR2 (…)`.
    func report(skipped: [SkippedFiles]) {
        guard !skipped.isEmpty else { return }
        warn(skippedText(skipped))
    }
}

/// One line about files that were left out of folders.
func skippedText(_ skipped: [SkippedFiles]) -> String {
    let total = skipped.reduce(0) { $0 + $1.count }
    // Pictures that can't be read come first; of all else a few kinds say enough.
    let named = skipped.prefix(max(8, skipped.count { $0.advice != nil }))
    var parts = named.map { "\(grouped($0.count)) \($0.kind)" + ($0.advice.map { " (\($0))" } ?? "") }
    if named.count < skipped.count {
        let rest = skipped.dropFirst(named.count).reduce(0) { $0 + $1.count }
        parts.append("\(grouped(rest)) of \(skipped.count - named.count) other kinds")
    }
    return "skipped \(grouped(total)) file\(total == 1 ? "" : "s"): \(parts.joined(separator: ", "))"
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
