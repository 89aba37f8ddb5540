// Options of commands that read pictures with captions.
extension Option {
    static let pairs = Option(
        "pairs", .file("file"),
        help: """
            Read pictures with captions from a file, or - for standard input: one a line, {"image": path, "text": \
            caption, "references": [...]} or path, caption and references between tabs; .csv and .tsv have a header.
            """)
    fileprivate static let pairsFormat = Option(
        "pairs-format", .choice("format", CaptionTable.Format.allCases.map(\.rawValue)),
        help: """
            How that file is written: lines (each an object, or fields between tabs), csv or tsv. (default: as its name \
            says, else lines)
            """)
    fileprivate static let imageColumn = Option(
        "image-column", .text("name"), help: "The column with the pictures' paths. (default: image, path, file …)")
    fileprivate static let captionColumn = Option(
        "caption-column", .text("name"), help: "The column with the captions. (default: caption, text …)")

    static let pairOptions = [pairs, pairsFormat, imageColumn, captionColumn]
}

extension CaptionTable {
    /// The file that `--pairs` names, if it names one.
    convenience init?(_ arguments: Arguments) throws(InputError) {
        guard let path = arguments.text(.pairs) else { return nil }
        try self.init(
            path: path, format: arguments.choice(.pairsFormat), imageColumn: arguments.text(.imageColumn),
            captionColumn: arguments.text(.captionColumn))
    }

    /// Refuses options that say how pairs are written where there are none.
    static func check(_ arguments: Arguments) throws(UsageError) {
        let option = Option.pairOptions.first { arguments.has($0) }
        if let option, !arguments.has(.pairs) {
            throw UsageError("'\(option.signature)' needs the '--pairs <file>' that it is of.")
        }
    }
}
