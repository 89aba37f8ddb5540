/// A page that shows pictures and what was found about them: one HTML file that needs nothing else.
///
/// Everything is text until it is written: names and labels may hold any characters.
package struct PictureReport: Sendable {
    /// What the page is called.
    package var title: String
    /// Paragraphs under the title.
    package var introduction: [String]
    /// The parts of the page, in order.
    package var sections: [Section]
    /// How to read the page: paragraphs at its end.
    package var notes: [String]

    /// An empty page.
    package init(title: String, introduction: [String] = [], sections: [Section] = [], notes: [String] = []) {
        self.title = title
        self.introduction = introduction
        self.sections = sections
        self.notes = notes
    }

    /// A part of the page.
    package struct Section: Sendable {
        /// Its heading.
        package var heading: String
        /// Paragraphs under the heading.
        package var paragraphs: [String]
        /// What was asked for.
        package var terms: [Term]
        /// A table under them.
        package var table: Table?
        /// Pictures under that.
        package var pictures: [Card]
        /// Pictures that belong together, at the end.
        package var groups: [Group]
        /// What saves which of those pictures are chosen, above them.
        package var plan: Plan?

        /// A part of a page.
        package init(
            _ heading: String, paragraphs: [String] = [], terms: [Term] = [], table: Table? = nil,
            pictures: [Card] = [], plan: Plan? = nil, groups: [Group] = []
        ) {
            self.plan = plan
            self.heading = heading
            self.paragraphs = paragraphs
            self.terms = terms
            self.table = table
            self.pictures = pictures
            self.groups = groups
        }
    }

    /// Something that was asked for, or that was to be left out.
    package struct Term: Sendable {
        /// A text, or a picture's name.
        package var text: String
        /// Whether it was wanted, not to be left out.
        package var isWanted: Bool
        /// How much it counted, where that is worth saying.
        package var weight: String?
        /// The picture that was asked with.
        package var thumbnail: Thumbnail?

        /// A part of a question.
        package init(_ text: String, isWanted: Bool = true, weight: String? = nil, thumbnail: Thumbnail? = nil) {
            self.text = text
            self.isWanted = isWanted
            self.weight = weight
            self.thumbnail = thumbnail
        }
    }

    /// Pictures that belong together, side by side.
    package struct Group: Sendable {
        /// Its heading.
        package var heading: String
        /// What is said of all of them, line by line.
        package var lines: [String]
        /// The pictures.
        package var pictures: [Card]

        /// Pictures that belong together.
        package init(_ heading: String, lines: [String] = [], pictures: [Card]) {
            self.heading = heading
            self.lines = lines
            self.pictures = pictures
        }
    }

    /// A plan of the duplicates that are to go, which the reader changes and saves.
    package struct Plan: Sendable {
        /// The fingerprint of the model that found them.
        package var model: String
        /// How the saved plan is carried out.
        package var call: String
    }

    /// What the plan says of a picture, until the reader says otherwise.
    package struct Choice: Sendable {
        /// What a record of a plan needs of its file, as JSON of ASCII alone.
        package var file: String
        /// Whether it is to go.
        package var goes: Bool
        /// Whether that can't be changed.
        package var isFixed: Bool
    }

    /// Rows of cells under column headings.
    package struct Table: Sendable {
        /// The headings.
        package var columns: [String]
        /// The rows, a cell per column.
        package var rows: [[Cell]]

        /// A table.
        package init(columns: [String], rows: [[Cell]]) {
            self.columns = columns
            self.rows = rows
        }
    }

    /// What stands in a table.
    package enum Cell: Sendable {
        case text(String)
        /// A number, as it is to be read.
        case number(String)
        /// A share 0…1, in percent with a bar.
        case share(Double)
    }

    /// A picture with its words.
    package struct Card: Sendable {
        /// The name under the picture, usually its path.
        package var name: String
        /// The picture, small.
        package var thumbnail: Thumbnail
        /// The address of its file as seen from the page, already escaped as addresses are; opening the picture shows it.
        package var link: String?
        /// A word or number on the picture.
        package var mark: Mark?
        /// What is said of it, line by line.
        package var lines: [String]
        /// Whether it is to go, for the reader to say.
        package var choice: Choice?

        /// A picture with its words.
        package init(
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
    package struct Mark: Sendable {
        /// What a mark means for the picture.
        package enum Tone: String, Sendable {
            /// Nothing more than it says.
            case plain
            /// The picture is a good one: it is kept, it fits.
            case good
            /// Look twice.
            case doubt
        }

        /// The word.
        package var text: String
        /// What it means.
        package var tone: Tone

        /// A mark.
        package init(_ text: String, _ tone: Tone = .plain) {
            self.text = text
            self.tone = tone
        }
    }
}
