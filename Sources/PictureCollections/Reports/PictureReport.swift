public import CLIP
import Images

/// A page that shows pictures and what was found about them: one HTML file that needs nothing else.
///
/// Everything is text until it is written: names and labels may hold any characters.
public struct PictureReport: Sendable {
    /// What the page is called.
    public var title: String
    /// Paragraphs under the title.
    public var introduction: [String]
    /// The parts of the page, in order.
    public var sections: [Section]

    /// An empty page.
    public init(title: String, introduction: [String] = [], sections: [Section] = []) {
        self.title = title
        self.introduction = introduction
        self.sections = sections
    }

    /// A part of the page.
    public struct Section: Sendable {
        /// Its heading.
        public var heading: String
        /// Paragraphs under the heading.
        public var paragraphs: [String]
        /// A table under them.
        public var table: Table?
        /// Pictures under that.
        public var pictures: [Card]

        /// A part of a page.
        public init(_ heading: String, paragraphs: [String] = [], table: Table? = nil, pictures: [Card] = []) {
            self.heading = heading
            self.paragraphs = paragraphs
            self.table = table
            self.pictures = pictures
        }
    }

    /// Rows of cells under column headings.
    public struct Table: Sendable {
        /// The headings.
        public var columns: [String]
        /// The rows, a cell per column.
        public var rows: [[Cell]]

        /// A table.
        public init(columns: [String], rows: [[Cell]]) {
            self.columns = columns
            self.rows = rows
        }
    }

    /// What stands in a table.
    public enum Cell: Sendable {
        case text(String)
        /// A number with so many decimal places.
        case number(Double, places: Int)
        /// A share 0…1, in percent with a bar.
        case share(Double)
    }

    /// A picture with its words.
    public struct Card: Sendable {
        /// The name under the picture, usually its path.
        public var name: String
        /// The thumbnail.
        public var thumbnail: Thumbnail
        /// What is said of it, line by line.
        public var lines: [String]

        /// A picture with its words.
        public init(name: String, thumbnail: Thumbnail, lines: [String] = []) {
            self.name = name
            self.thumbnail = thumbnail
            self.lines = lines
        }
    }
}

/// A small picture for a page.
public enum Thumbnail: Sendable {
    /// A JPEG inside the page.
    case embedded(jpeg: [UInt8])
    /// A file beside the page, by its path relative to it.
    case linked(path: String)
    /// The picture can't be shown.
    case missing

    /// The length in pixels of a thumbnail's longest edge.
    public static let edge = 160

    /// A picture, shrunk to be put inside a page.
    public init(of image: Image) {
        let bitmap = image.bitmap
        let longest = max(bitmap.width, bitmap.height)
        guard longest > Thumbnail.edge else {
            self = .embedded(jpeg: encodeJPEG(bitmap))
            return
        }
        func scaled(_ length: Int) -> Int { max(1, (length * Thumbnail.edge + longest / 2) / longest) }
        let (width, height) = (scaled(bitmap.width), scaled(bitmap.height))
        self = .embedded(
            jpeg: encodeJPEG(
                bitmap.resized(
                    width: width, height: height, filter: .bilinear,
                    window: PixelWindow(left: 0, top: 0, width: width, height: height))))
    }
}
