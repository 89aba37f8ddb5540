import CLIP
import PictureCollections

extension PictureReport {
    /// What a filter says of the pictures of an index.
    /// - Parameters:
    ///   - verdicts: those that are listed.
    ///   - keptCount: the pictures that stay and are there.
    package static func filter(
        _ verdicts: [FilterVerdict], of index: PictureIndex, keep: [String], drop: [String], keptCount: Int,
        gone: GoneFiles, file: PageFile
    ) throws -> PictureReport {
        try FilterPage(index: index, verdicts: verdicts, keep: keep, drop: drop, keptCount: keptCount, gone: gone)
            .report(file)
    }
}

private struct FilterPage {
    let index: PictureIndex
    /// Those that are listed.
    let verdicts: [FilterVerdict]
    let keep: [String]
    let drop: [String]
    let keptCount: Int
    let gone: GoneFiles

    func report(_ page: PageFile) throws -> PictureReport {
        // The surest first: where the cosine falls off is where a threshold belongs.
        let kept = verdicts.filter(\.isKept).sorted { ($1.keep ?? 0) < ($0.keep ?? 0) }
        let dropped = verdicts.filter { !$0.isKept }.sorted {
            ($1.drop ?? -($1.keep ?? 0)) < ($0.drop ?? -($0.keep ?? 0))
        }
        let shown = kept.prefix(PagePictures.limit)
        let shownDropped = dropped.prefix(PagePictures.limit - shown.count)
        let paths = try (shown + shownDropped).map { try index.picture($0.number).pathBytes }
        let pictures = try page.pictures(paths, options: index.settings.reading)
        func section(_ name: String, _ all: [FilterVerdict], _ shown: ArraySlice<FilterVerdict>) throws
            -> PictureReport.Section
        {
            PictureReport.Section(
                "\(name): \(try gone.present(all.map(\.number)).count.pictures)",
                paragraphs: PictureReport.limitNote(shown: shown.count, of: all.count),
                pictures: try shown.map { try card($0, pictures) })
        }
        let terms = keep.map { PictureReport.Term("“\($0)”") } + drop.map { .init("“\($0)”", isWanted: false) }
        return PictureReport(
            title: "\(keptCount) of \(index.count.pictures) stay",
            introduction: ["Nothing was moved or deleted. In each part the surest come first."],
            sections: [PictureReport.Section("What was asked for", terms: terms)]
                + (kept.isEmpty ? [] : [try section("Kept", kept, shown)])
                + (dropped.isEmpty ? [] : [try section("Dropped", dropped, shownDropped)]),
            notes: PictureReport.notes(
                index,
                """
                A picture stays when it shows something that is to be kept, and drops out when it shows something else \
                that is to be dropped and matches that better.
                """))
    }

    private func card(_ verdict: FilterVerdict, _ pictures: PagePictures) throws -> PictureReport.Card {
        let picture = try index.picture(verdict.number)
        let scores = [("keep", verdict.keep), ("drop", verdict.drop)].compactMap { name, score in
            score.map { "\(name): cosine \(decimal(Double($0), places: 3))" }
        }
        return pictures.card(
            picture.pathBytes, mark: gone.contains(picture) ? .gone : nil, lines: scores + [picture.size])
    }
}
