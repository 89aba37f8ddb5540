public import CLIP
import CLIPCompute

/// The pictures of a page: each is read and made small once, on all cores, however often the page shows it.
public struct PagePictures: Sendable {
    /// More are on no page: a browser holds them all, and nobody looks at them all.
    public static let limit = 5000

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
    /// - Throws: `CLIPError` of kind `.argument` for threads that can't be.
    /// - Complexity: O(paths) pictures to decode; about 8 KB of memory each, 25 KB when they are few.
    public init(
        of paths: [[UInt8]], page: String, options: PictureOptions = PictureOptions(), linksFiles: Bool = false,
        threads: Int? = nil, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(CLIPError) {
        let compute: Compute
        do throws(ComputeError) {
            compute = try Compute(threads: threads)
        } catch {
            throw CLIPError(.argument, error.description)
        }
        folder = PageFolder(ofPage: page)
        let folder = folder
        let distinct = Array(Set(paths))
        let edge = Thumbnail.edge(pictureCount: distinct.count)
        var thumbnails: [[UInt8]: Thumbnail] = [:]
        for start in stride(from: 0, to: distinct.count, by: PagePictures.batchSize) {
            let batch = distinct[start..<min(start + PagePictures.batchSize, distinct.count)]
            let small = compute.map(Array(batch)) { path in
                PagePictures.thumbnail(path, options, edge: edge, link: linksFiles ? folder.link(to: path) : nil)
            }
            thumbnails.merge(zip(batch, small)) { first, _ in first }
            progress(start + batch.count, distinct.count)
        }
        self.thumbnails = thumbnails
    }

    /// The small picture of a file; missing unless it is one of those that were named.
    public subscript(path: [UInt8]) -> Thumbnail { thumbnails[path] ?? .missing }

    /// A picture with its words, and a link to its file.
    /// - Parameter moved: where the file is by now, if it isn't at `path` any more.
    public func card(
        _ path: [UInt8], moved: [UInt8]? = nil, mark: PictureReport.Mark? = nil, lines: [String] = []
    ) -> PictureReport.Card {
        PictureReport.Card(
            name: String(decoding: moved ?? path, as: UTF8.self), thumbnail: self[path],
            link: folder.link(to: moved ?? path), mark: mark, lines: lines)
    }

    private static let batchSize = 64

    private static func thumbnail(_ path: [UInt8], _ options: PictureOptions, edge: Int, link: String?) -> Thumbnail {
        guard let bytes = try? ReadFile.contents(of: path).bytes else { return .missing }
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

extension Compute {
    /// `transform` of each element, in their order, on all threads.
    fileprivate func map<Element, Value>(_ elements: [Element], _ transform: (Element) -> Value) -> [Value] {
        [Value](unsafeUninitializedCapacity: elements.count) { buffer, count in
            let start = buffer.baseAddress
            forEach(elements.count) { index in
                if let start { (start + index).initialize(to: transform(elements[index])) }
            }
            count = elements.count
        }
    }
}
