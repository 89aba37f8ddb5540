import CLIP
import CLIPCompute
import CLIPSystem
import CLIPThreads
import PictureCollections

/// The pictures of a page: each is read and made small once, on all cores, however often the page shows it.
package struct PagePictures: Sendable {
    /// More are on no page: a browser holds them all, and nobody looks at them all.
    package static let limit = 5000

    private let thumbnails: [[UInt8]: Thumbnail]
    private let folder: PageFolder

    /// Makes small pictures. One that is gone or broken by now is missing on the page, and the page says so.
    /// - Parameters:
    ///   - paths: the files, as the file system has their names; each may come several times.
    ///   - page: the path of the page, whose folder links start from.
    ///   - options: how the pictures are read.
    ///   - linksFiles: the page shows the files themselves where a browser can: it is small then, and needs the files to
    ///     stay where they are.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    ///   - progress: takes how many of how many are done.
    /// - Throws: `CLIPError` of kind `.argument` for threads that can't be, of kind `.cancelled`.
    /// - Complexity: O(paths) pictures to decode; about 8 KB of memory each, 25 KB when they are few.
    package init(
        of paths: [[UInt8]], page: String, options: PictureOptions = PictureOptions(), linksFiles: Bool = false,
        threads: Int? = nil, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(CLIPError) {
        let compute = try Compute(threads: threads)
        folder = PageFolder(ofPage: page)
        let folder = folder
        let distinct = Array(Set(paths))
        let edge = Thumbnail.edge(pictureCount: distinct.count)
        var thumbnails: [[UInt8]: Thumbnail] = [:]
        let batches = OrderedBatches<[UInt8], Thumbnail>(threads: compute.threads) { path, _ in
            PagePictures.thumbnail(path, options, edge: edge, link: linksFiles ? folder.link(to: path) : nil)
        }
        try batches.forEachBatch(of: distinct, size: PagePictures.batchSize) { paths, small throws(CLIPError) in
            try checkCancellation()
            thumbnails.merge(zip(paths, small)) { first, _ in first }
            progress(thumbnails.count, distinct.count)
        }
        self.thumbnails = thumbnails
    }

    /// The small picture of a file; missing unless it is one of those that were named.
    package subscript(path: [UInt8]) -> Thumbnail { thumbnails[path] ?? .missing }

    /// A picture with its words, and a link to its file.
    /// - Parameter moved: where the file is by now, if it isn't at `path` any more.
    package func card(
        _ path: [UInt8], moved: [UInt8]? = nil, mark: PictureReport.Mark? = nil, lines: [String] = []
    ) -> PictureReport.Card {
        PictureReport.Card(
            name: String(decoding: moved ?? path, as: UTF8.self), thumbnail: self[path],
            link: folder.link(to: moved ?? path), mark: mark, lines: lines)
    }

    private static let batchSize = 64

    private static func thumbnail(_ path: [UInt8], _ options: PictureOptions, edge: Int, link: String?) -> Thumbnail {
        guard let bytes = pictureFileBytes(path) else { return .missing }
        if let link, isShownByBrowsers(bytes) { return .linked(link) }
        var options = options
        options.leastEdge = edge
        options.allowsTruncated = true
        // Many pictures at once, not one on many threads.
        options.threads = 1
        guard let image = try? Picture(bytes: bytes, options: options) else { return .missing }
        return Thumbnail(of: image, edge: edge)
    }

    /// PNG, JPEG, GIF, WebP and BMP, by their first bytes.
    private static func isShownByBrowsers(_ bytes: [UInt8]) -> Bool {
        [[0x89, 0x50, 0x4E, 0x47], [0xFF, 0xD8, 0xFF], Array("GIF8".utf8), Array("BM".utf8)].contains {
            bytes.starts(with: $0)
        } || bytes.starts(with: "RIFF".utf8) && bytes.dropFirst(8).starts(with: "WEBP".utf8)
    }
}

/// The folder that a page is in, for links from it to files.
private struct PageFolder: Sendable {
    private let parts: [[UInt8]]?

    init(ofPage path: String) { parts = PageFolder.parts(ofFolder: PathBytes(path).folder.bytes) }

    /// The address of a file as seen from the page; nil when there is no such file.
    ///
    /// Both folders are taken without links: the way from one to the other can't lead elsewhere then. It says nothing of
    /// where they are on the machine, as long as they have a folder in common.
    func link(to path: [UInt8]) -> String? {
        let slash = UInt8(ascii: "/")
        let name = path.lastIndex(of: slash).map { path[($0 + 1)...] } ?? path[...]
        guard let parts, !path.isEmpty, !path.contains(0), withCString(path, { access($0, F_OK) }) == 0,
            let target = PageFolder.parts(ofFolder: Array(path[..<name.startIndex]) + [UInt8(ascii: ".")])
        else { return nil }
        let common = zip(parts, target).prefix { $0 == $1 }.count
        let up = Array(repeating: Array("..".utf8), count: parts.count - common)
        let way = up + target.dropFirst(common) + [Array(name)]
        return relativeAddress(Array(way.joined(separator: [slash])))
    }

    private static func parts(ofFolder path: [UInt8]) -> [[UInt8]]? {
        (try? PathBytes(path).resolved())?.bytes.split(separator: PathBytes.slash).map(Array.init)
    }
}

/// A small picture for a page.
package enum Thumbnail: Sendable {
    /// A JPEG inside the page, of so many pixels.
    case embedded(jpeg: [UInt8], width: Int, height: Int)
    /// A file, by its address as seen from the page, already escaped as addresses are.
    case linked(String)
    /// The picture can't be shown.
    case missing

    /// The length in pixels of the longest edge on a page of so many pictures: sharp on every screen when they are few,
    /// a page of 40 MB when they are 5,000.
    package static func edge(pictureCount: Int) -> Int { pictureCount <= 400 ? 320 : 160 }

    /// A picture, shrunk to be put inside a page.
    /// - Parameter edge: the length of its longest edge in pixels; a smaller picture stays as it is.
    package init(of image: Picture, edge: Int = 160) {
        let small = image.thumbnail(edge: edge)
        self = .embedded(jpeg: small.jpeg(), width: small.width, height: small.height)
    }
}
