import CLIPOptions
import PictureReports

/// What a command line says of the page that `--html` asks for.
struct PageChoice {
    static let html = Option(
        "html", .target("file"), group: .output, help: "Also write a page that shows the pictures, for a browser.")
    private static let htmlLinks = Option(
        "html-links", group: .output,
        help: """
            The page shows the files themselves in place of small copies inside it: a small page, of files that stay \
            where they are.
            """)
    static let options: [any AnyOption] = [html, htmlLinks]

    private let path: String
    private let linksFiles: Bool
    private let threads: Int?

    /// - Returns: nil when it asks for none.
    init?(_ arguments: inout Arguments, threads: Int?) throws(UsageError) {
        guard let path = arguments.take(PageChoice.html) else {
            try arguments.refuse([PageChoice.htmlLinks], "without the '--html <file>' that it is of")
            return nil
        }
        guard path != "-" else {
            throw UsageError("The page of '--html' goes to a file: standard output is for the records.")
        }
        try OutputName(path).check(["html", "htm"], of: PageChoice.html)
        self.path = path
        linksFiles = arguments.take(PageChoice.htmlLinks)
        self.threads = threads
    }

    /// Begins the page, and shows how far its pictures are.
    func open(_ console: Console) throws -> PageFile {
        try PageFile(path: path, linksFiles: linksFiles, threads: threads, progress: console.counting("pictures"))
    }
}
