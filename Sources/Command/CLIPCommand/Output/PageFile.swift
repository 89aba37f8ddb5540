import CLIP
import PictureCollections

extension Option {
    static let html = Option(
        "html", .target("file"), group: .output, help: "Also write a page that shows the pictures, for a browser.")
    static let htmlLinks = Option(
        "html-links", group: .output,
        help: """
            The page shows the files themselves in place of small copies inside it: a small page, of files that stay \
            where they are.
            """)

    static let pageOptions = [html, htmlLinks]
}

/// What a command line says of the page that `--html` asks for.
struct PageChoice {
    private let path: String
    private let linksFiles: Bool
    private let threads: Int?

    /// - Returns: nil when it asks for none.
    init?(_ arguments: Arguments) throws(UsageError) {
        guard let path = arguments.text(.html) else {
            try arguments.refuse([.htmlLinks], "without the '--html <file>' that it is of")
            return nil
        }
        guard path != "-" else {
            throw UsageError("The page of '--html' goes to a file: standard output is for the records.")
        }
        try OutputName(path).check(["html", "htm"], of: .html)
        self.path = path
        linksFiles = arguments.flag(.htmlLinks)
        threads = arguments.integer(.threads)
    }

    func open(_ console: Console) throws(OutputError) -> PageFile {
        try PageFile(path: path, linksFiles: linksFiles, threads: threads, console: console)
    }
}

/// The page that `--html` asks for; it appears complete or not at all.
final class PageFile {
    private let path: String
    private let file: Output
    private let linksFiles: Bool
    private let threads: Int?
    private let console: Console

    fileprivate init(path: String, linksFiles: Bool, threads: Int?, console: Console) throws(OutputError) {
        self.path = path
        file = try Output(path: path)
        self.linksFiles = linksFiles
        self.threads = threads
        self.console = console
    }

    /// The pictures that the page shows, made small.
    func pictures(_ paths: [[UInt8]], options: PictureOptions) throws -> PagePictures {
        let progress = IndexInput.progress(console)
        defer {
            console.progress?.clear()
            console.progress = nil
        }
        return try PagePictures(
            of: paths, page: path, options: options, linksFiles: linksFiles, threads: threads, progress: progress)
    }

    func write(_ report: PictureReport) throws(OutputError) {
        try file.write(report.html())
        try file.finish()
    }
}

extension PictureReport {
    /// What every page says of the numbers on it.
    static let cosineNote = """
        A cosine says how near two embeddings are to each other, between −1 and 1. It is not a probability, nor a share \
        of anything: compare cosines of one question with each other, never with those of another model. A picture and a \
        text usually have a much lower cosine than two pictures.
        """

    /// Whose numbers they are.
    static func modelNote(_ name: String, fingerprint: String) -> String {
        let name = name.split(separator: "/").last.map(String.init) ?? name
        return "Model: \(name), fingerprint \(fingerprint.prefix(16))."
    }

    static func notes(_ index: PictureIndex, _ more: String...) -> [String] {
        more + [
            cosineNote,
            "Opening a picture shows its file as it is now; a file that has gone since is shown small, or not at all.",
            modelNote(index.modelName, fingerprint: index.fingerprint),
        ]
    }

    /// Said where a page can't show all.
    static func limitNote(shown: Int, of count: Int) -> [String] {
        shown < count ? ["The first \(shown) of \(count); the records have them all."] : []
    }
}

extension IndexedPicture {
    /// Its size in pixels and bytes, for people.
    var size: String {
        let size = fileSize(byteCount).split(separator: " ").joined(separator: "\u{A0}")
        return "\(width)\u{A0}×\u{A0}\(height), \(size)"
    }
}

extension Int {
    /// "1 picture", "2 pictures".
    var pictures: String { self == 1 ? "1 picture" : "\(self) pictures" }
}
