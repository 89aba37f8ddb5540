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
    /// How to read the page: paragraphs at its end.
    public var notes: [String]

    /// An empty page.
    public init(title: String, introduction: [String] = [], sections: [Section] = [], notes: [String] = []) {
        self.title = title
        self.introduction = introduction
        self.sections = sections
        self.notes = notes
    }

    /// A part of the page.
    public struct Section: Sendable {
        /// Its heading.
        public var heading: String
        /// Paragraphs under the heading.
        public var paragraphs: [String]
        /// What was asked for.
        public var terms: [Term]
        /// A table under them.
        public var table: Table?
        /// Pictures under that.
        public var pictures: [Card]
        /// Pictures that belong together, at the end.
        public var groups: [Group]

        /// A part of a page.
        public init(
            _ heading: String, paragraphs: [String] = [], terms: [Term] = [], table: Table? = nil,
            pictures: [Card] = [], groups: [Group] = []
        ) {
            self.heading = heading
            self.paragraphs = paragraphs
            self.terms = terms
            self.table = table
            self.pictures = pictures
            self.groups = groups
        }
    }

    /// Something that was asked for, or that was to be left out.
    public struct Term: Sendable {
        /// A text, or a picture's name.
        public var text: String
        /// Whether it was wanted, not to be left out.
        public var isWanted: Bool
        /// How much it counted, where that is worth saying.
        public var weight: String?
        /// The picture that was asked with.
        public var thumbnail: Thumbnail?

        /// A part of a question.
        public init(_ text: String, isWanted: Bool = true, weight: String? = nil, thumbnail: Thumbnail? = nil) {
            self.text = text
            self.isWanted = isWanted
            self.weight = weight
            self.thumbnail = thumbnail
        }
    }

    /// Pictures that belong together, side by side.
    public struct Group: Sendable {
        /// Its heading.
        public var heading: String
        /// What is said of all of them, line by line.
        public var lines: [String]
        /// The pictures.
        public var pictures: [Card]

        /// Pictures that belong together.
        public init(_ heading: String, lines: [String] = [], pictures: [Card]) {
            self.heading = heading
            self.lines = lines
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
        /// A number, as it is to be read.
        case number(String)
        /// A share 0…1, in percent with a bar.
        case share(Double)
    }

    /// A picture with its words.
    public struct Card: Sendable {
        /// The name under the picture, usually its path.
        public var name: String
        /// The picture, small.
        public var thumbnail: Thumbnail
        /// The address of its file as seen from the page, already escaped as addresses are; opening the picture shows it.
        public var link: String?
        /// A word or number on the picture.
        public var mark: Mark?
        /// What is said of it, line by line.
        public var lines: [String]

        /// A picture with its words.
        public init(
            name: String, thumbnail: Thumbnail, link: String? = nil, mark: Mark? = nil, lines: [String] = []
        ) {
            self.name = name
            self.thumbnail = thumbnail
            self.link = link
            self.mark = mark
            self.lines = lines
        }
    }

    /// A word or number on a picture.
    public struct Mark: Sendable {
        /// What a mark means for the picture.
        public enum Tone: String, Sendable {
            /// Nothing more than it says.
            case plain
            /// The picture is a good one: it is kept, it fits.
            case good
            /// Look twice.
            case doubt
        }

        /// The word.
        public var text: String
        /// What it means.
        public var tone: Tone

        /// A mark.
        public init(_ text: String, _ tone: Tone = .plain) {
            self.text = text
            self.tone = tone
        }
    }
}
