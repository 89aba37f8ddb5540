import CLIPSystem

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

/// The caption file that a command line names.
struct PairChoice {
    let path: String
    let format: CaptionTable.Format
    private let imageColumn: String?
    private let captionColumn: String?
    private let outputs: OutputFiles

    /// - Returns: nil without `--pairs`.
    init?(_ arguments: Arguments) throws(UsageError) {
        guard let path = arguments.text(.pairs) else {
            try arguments.refuse(Option.pairOptions, "without the '--pairs <file>' that it is of")
            return nil
        }
        self.path = path
        format = arguments.choice(.pairsFormat) ?? CaptionTable.Format(path: path)
        imageColumn = arguments.text(.imageColumn)
        captionColumn = arguments.text(.captionColumn)
        outputs = arguments.outputs
    }

    func open() throws(InputError) -> CaptionTable {
        try CaptionTable(path: path, format: format, imageColumn: imageColumn, captionColumn: captionColumn)
    }

    /// Refuses a picture that would be written over.
    func check(_ pair: CaptionPair) throws(InputError) { try outputs.check(pair.image) }
}
