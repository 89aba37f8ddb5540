import CLIP
import PictureCollections

extension PictureReport {
    /// Groups of duplicates: what is kept and why, beside what need not be.
    /// - Parameters:
    ///   - pictures: of `picturesOfDuplicates`, made small before any was moved.
    ///   - moved: where duplicates went, by their numbers; empty when nothing was to be done.
    package static func duplicates(
        _ groups: [DuplicateGroup], of index: PictureIndex, pictures: PagePictures, moved: [Int: String],
        action: DuplicateAction?
    ) -> PictureReport {
        DuplicatesPage(index: index, groups: groups, pictures: pictures, moved: moved, action: action).report()
    }

    /// The pictures of as many groups as a page shows, made small.
    package static func picturesOfDuplicates(
        _ groups: [DuplicateGroup], of index: PictureIndex, file: PageFile
    ) throws -> PagePictures {
        try file.pictures(DuplicatesPage.paths(groups), options: index.settings.reading)
    }
}

private struct DuplicatesPage {
    let index: PictureIndex
    let groups: [DuplicateGroup]
    let pictures: PagePictures
    /// Where duplicates went, by their numbers; of nothing when nothing was to be done.
    let moved: [Int: String]
    let action: DuplicateAction?

    /// Pictures of a group that are shown: a thousand times the same says no more.
    private static let longestGroup = 60

    /// The paths of the pictures of as many groups as a page shows.
    static func paths(_ groups: [DuplicateGroup]) -> [[UInt8]] {
        groups.prefix(shownCount(groups)).flatMap {
            [$0.kept.pathBytes] + $0.duplicates.prefix(longestGroup).map(\.picture.pathBytes)
        }
    }

    func report() -> PictureReport {
        let shown = groups.prefix(DuplicatesPage.shownCount(groups))
        let duplicates = groups.flatMap(\.duplicates)
        let size = fileSize(duplicates.reduce(0) { $0 + $1.picture.byteCount })
        var introduction = [
            groups.isEmpty
                ? "None of \(index.count.pictures) is there more than once."
                : "\(duplicates.count.pictures) of \(index.count), \(size), need not be kept: each is the same as another, "
                    + "or nearly so."
        ]
        if let folder = action?.folder {
            introduction.append("\(moved.count.pictures) moved to \(folder.text).")
        } else if action == .link {
            introduction.append("\(moved.count.pictures) of the same bytes replaced by links to the one kept.")
        } else if !groups.isEmpty {
            introduction.append(
                "Nothing was moved or changed: this is a plan. Untick what is to stay, and save it; what this page does not show is "
                    + "not in it.")
        }
        return PictureReport(
            title: groups.isEmpty
                ? "No duplicates" : "Duplicates in \(groups.count) group\(groups.count == 1 ? "" : "s")",
            introduction: introduction,
            sections: groups.isEmpty
                ? []
                : [
                    PictureReport.Section(
                        "The groups", paragraphs: PictureReport.limitNote(shown: shown.count, of: groups.count),
                        plan: action == nil
                            ? PictureReport.Plan(
                                model: index.fingerprint, call: "clip dedupe --apply plan.jsonl --move-to duplicates")
                            : nil,
                        groups: shown.enumerated().map { group($1, number: $0 + 1) })
                ],
            notes: PictureReport.notes(
                index,
                """
                Of each group the picture with the most pixels is kept, of equals the largest file, then the one with the \
                shortest path, unless another order was asked for. Every other one is near to the picture that is kept, not only to another of the group. \
                Two different pictures of one thing may be as near: look before you act.
                """))
    }

    private static func shownCount(_ groups: [DuplicateGroup]) -> Int {
        var room = PagePictures.limit
        return groups.prefix {
            room -= min($0.duplicates.count, longestGroup) + 1
            return room >= 0
        }.count
    }

    private func group(_ group: DuplicateGroup, number: Int) -> PictureReport.Group {
        let bytes = group.duplicates.reduce(0) { $0 + $1.picture.byteCount }
        let shown = group.duplicates.prefix(DuplicatesPage.longestGroup)
        return PictureReport.Group(
            "Group \(number): \((group.duplicates.count + 1).pictures)",
            lines: ["\(fileSize(bytes)) need not be kept"]
                + PictureReport.limitNote(shown: shown.count, of: group.duplicates.count),
            pictures: [
                chosen(
                    pictures.card(
                        group.kept.pathBytes, mark: .init("keep", .good), lines: [group.kept.size, reason(group)]),
                    group.kept, group.otherNamesOfKept, link: group.linkToKept, similarity: 1, goes: false,
                    isFixed: group.isKeptReference)
            ]
                + shown.map { duplicate in
                    let cosine = decimal(Double(duplicate.similarity), places: 3)
                    let goal = moved[duplicate.picture.number]
                    let card = pictures.card(
                        duplicate.picture.pathBytes, moved: isMoved ? goal.map { Array($0.utf8) } : nil,
                        mark: .init(duplicate.isExact ? "same bytes" : cosine),
                        lines: [
                            duplicate.picture.size,
                            duplicate.isExact ? "the same file as the one kept" : "cosine \(cosine) with the one kept",
                        ] + (goal == nil ? [] : [isMoved ? "moved here" : "replaced by a link"]))
                    return chosen(
                        card, duplicate.picture, duplicate.otherNames, link: duplicate.link,
                        similarity: duplicate.similarity, goes: true)
                })
    }

    /// A card with a box to tick, on a page that is a plan.
    private func chosen(
        _ card: PictureReport.Card, _ picture: IndexedPicture, _ otherNames: [IndexedPicture], link: IndexedPicture?,
        similarity: Float, goes: Bool, isFixed: Bool = false
    ) -> PictureReport.Card {
        guard action == nil else { return card }
        var fields: Fields = [
            "path": RecordName(picture), "sha256": picture.contentHash, "bytes": picture.byteCount,
            "similarity": similarity, "other_names": otherNames.map { RecordName($0) },
        ]
        if let link { fields.add("link", RecordName(link)) }
        var card = card
        card.choice = PictureReport.Choice(file: asciiJSON(fields.fieldValue.json), goes: goes, isFixed: isFixed)
        return card
    }

    private var isMoved: Bool { action?.folder != nil }

    private func reason(_ group: DuplicateGroup) -> String {
        let kept = group.kept
        let others = group.duplicates.map(\.picture)
        let pixels = kept.width * kept.height
        if group.isKeptReference { return "kept: in a reference folder" }
        if others.contains(where: { $0.width * $0.height > pixels }) { return "kept: in a preferred folder" }
        let equals = others.filter { $0.width * $0.height == pixels }
        if equals.isEmpty { return "kept: the most pixels" }
        return equals.allSatisfy { $0.byteCount < kept.byteCount }
            ? "kept: the largest file of those with the most pixels" : "kept: the first of equals"
    }
}
