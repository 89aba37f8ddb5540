import CLIP
import CLIPSystem
import PictureCollections

/// The file of a page, which appears complete or not at all.
package final class PageFile {
    private let file: AtomicFile
    private let linksFiles: Bool
    private let threads: Int?
    private let progress: (_ done: Int, _ total: Int) -> Void

    /// Begins the file at `path`.
    /// - Parameters:
    ///   - linksFiles: the page shows the files themselves where a browser can, in place of small copies inside it.
    ///   - threads: that make pictures small; by default `CLIP_THREADS`, else the cores this process may use.
    ///   - progress: takes how many of how many are done.
    package init(
        path: String, linksFiles: Bool, threads: Int?, progress: @escaping (_ done: Int, _ total: Int) -> Void
    ) throws {
        file = try AtomicFile(PathBytes(path))
        self.linksFiles = linksFiles
        self.threads = threads
        self.progress = progress
    }

    /// The pictures that the page shows, made small.
    package func pictures(_ paths: [[UInt8]], options: PictureOptions) throws(CLIPError) -> PagePictures {
        try PagePictures(
            of: paths, page: file.path, options: options, linksFiles: linksFiles, threads: threads, progress: progress)
    }

    /// Makes the file appear.
    package func write(_ report: PictureReport) throws {
        try file.write(Array(report.html().utf8))
        try file.commit()
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

extension PictureReport.Mark {
    /// On a picture whose file is gone.
    static let gone = PictureReport.Mark("gone", .doubt)
}

extension IndexedPicture {
    /// Its size in pixels and bytes, for people.
    var size: String {
        let size = fileSize(byteCount).split(separator: " ").joined(separator: "\u{A0}")
        return "\(width)\u{A0}×\u{A0}\(height), \(size)"
    }
}
