import CLIP
import PictureCollections

extension PictureReport {
    /// The pictures that are least like the others, each beside the one that is nearest to it.
    package static func outliers(
        _ found: [Outlier], of index: PictureIndex, gone: GoneFiles, file: PageFile
    ) throws -> PictureReport {
        try OutliersPage(index: index, found: found, gone: gone).report(file)
    }
}

private struct OutliersPage {
    let index: PictureIndex
    let found: [Outlier]
    let gone: GoneFiles

    func report(_ page: PageFile) throws -> PictureReport {
        let shown = found.prefix(PagePictures.limit / 2)
        let paths = try shown.map { (try index.picture($0.number).pathBytes, try index.picture($0.nearest).pathBytes) }
        let pictures = try page.pictures(paths.flatMap { [$0.0, $0.1] }, options: index.settings.reading)
        let isGone = try shown.map { (try gone.contains($0.number), try gone.contains($0.nearest)) }
        let presentCount = try gone.present(found.map(\.number)).count
        return PictureReport(
            title: "The odd ones out",
            introduction: [
                "Of \(index.count.pictures), those that are least like the others, the most alone first. Each stands "
                    + "beside the picture that is most like it."
            ],
            sections: [
                PictureReport.Section(
                    "The \(presentCount.pictures) least like the others",
                    paragraphs: PictureReport.limitNote(shown: shown.count, of: found.count),
                    groups: zip(shown, paths).enumerated().map { rank, pair in
                        let (isOddGone, isNearestGone) = isGone[rank]
                        return PictureReport.Group(
                            "\(rank + 1): mean cosine \(decimal(Double(pair.0.similarity), places: 3))",
                            pictures: [
                                pictures.card(pair.1.0, mark: isOddGone ? .gone : .init("odd", .doubt)),
                                pictures.card(pair.1.1, mark: isNearestGone ? .gone : .init("most like it")),
                            ])
                    })
            ],
            notes: PictureReport.notes(
                index,
                """
                The number over a picture is its mean cosine with the few pictures nearest to it. Odd is no fault: a \
                scan that went wrong and the only picture of a rare thing look the same here.
                """))
    }
}
