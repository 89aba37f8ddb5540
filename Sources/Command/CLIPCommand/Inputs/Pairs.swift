import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

/// The caption file that a command line names.
struct PairChoice {
    static let pairs = Option(
        "pairs", .file("file"),
        help: """
            Read pictures with captions from a file, or - for standard input: one a line, {"image": path, "text": \
            caption, "references": [...]} or path, caption and references between tabs; .csv and .tsv have a header. Of a tar or \
            zip archive the pictures inside, each with its caption in the .txt or .json of its name.
            """)
    private static let pairsFormat = Option(
        "pairs-format", .choice("format", of: CaptionTable.Format.allCases),
        help: """
            How that file is written: lines (each an object, or fields between tabs), csv or tsv. (default: as its name \
            says, else lines)
            """)
    private static let imageColumn = Option(
        "image-column", .text("name"), help: "The column with the pictures' paths. (default: image, path, file …)")
    private static let captionColumn = Option(
        "caption-column", .text("name"), help: "The column with the captions. (default: caption, text …)")
    static let options: [any AnyOption] = [pairs, pairsFormat, imageColumn, captionColumn]

    let path: String
    let format: CaptionTable.Format
    private let imageColumn: String?
    private let captionColumn: String?
    private let outputs: OutputFiles

    /// - Returns: nil without `--pairs`.
    init?(_ arguments: inout Arguments) throws(UsageError) {
        guard let path = arguments.take(PairChoice.pairs) else {
            try arguments.refuse(PairChoice.options, "without the '--pairs <file>' that it is of")
            return nil
        }
        self.path = path
        format = arguments.take(PairChoice.pairsFormat) ?? CaptionTable.Format(path: path)
        imageColumn = arguments.take(PairChoice.imageColumn)
        captionColumn = arguments.take(PairChoice.captionColumn)
        outputs = arguments.outputs
    }

    func open() throws(CLIPError) -> CaptionTable {
        try CaptionTable(path: path, format: format, imageColumn: imageColumn, captionColumn: captionColumn) {
            what, isColumn in
            isColumn
                ? ": name the \(what)s' with --\(what)-column; lines of path, tab and caption without a header are "
                    + "--pairs-format lines"
                : ": name the \(what)s' key with --\(what)-column"
        }
    }

    /// Refuses a picture that would be written over.
    func check(_ pair: CaptionPair) throws(CLIPError) { try outputs.check(pair.picture) }
}
