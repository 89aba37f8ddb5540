import CLIP
import PictureCollections

extension PictureReport {
    /// A query in words, and its hits.
    package struct Answer {
        let name: String
        let asked: [Asked]
        let hits: [SearchHit]

        /// - Parameter asked: what is wanted, then what is to be left out.
        package init(name: String, asked: [Asked], hits: [SearchHit]) {
            self.name = name
            self.asked = asked
            self.hits = hits
        }
    }

    /// A text, or the path of a picture, that was asked for or was to be left out.
    package struct Asked {
        package let text: String
        package let isPicture: Bool
        package let isWanted: Bool
        package let weight: Float?

        /// - Parameter weight: nil where all count the same.
        package init(_ text: String, isPicture: Bool, isWanted: Bool = true, weight: Float? = nil) {
            self.text = text
            self.isPicture = isPicture
            self.isWanted = isWanted
            self.weight = weight
        }
    }

    /// What searches found.
    package static func search(
        _ answers: [Answer], in index: PictureIndex, gone: GoneFiles, file: PageFile
    ) throws -> PictureReport {
        try SearchPage(answers: answers, index: index, gone: gone).report(file)
    }
}

private struct SearchPage {
    let answers: [PictureReport.Answer]
    let index: PictureIndex
    let gone: GoneFiles

    func report(_ page: PageFile) throws -> PictureReport {
        let shown = answers.map { $0.hits.prefix(PagePictures.limit / max(1, answers.count)) }
        let asked = answers.flatMap(\.asked).filter(\.isPicture).map { Array($0.text.utf8) }
        let pictures = try page.pictures(
            asked + shown.flatMap { $0.map(\.picture.pathBytes) }, options: index.settings.reading)
        let isSingle = answers.count == 1
        let sections = zip(answers, shown).map { answer, hits in
            PictureReport.Section(
                isSingle ? "What was found" : answer.name, paragraphs: paragraphs(answer, shown: hits.count),
                terms: answer.asked.map { term in
                    .init(
                        term.isPicture ? term.text : "“\(term.text)”", isWanted: term.isWanted,
                        weight: term.weight.map { "weight \(decimal(Double($0), places: 2))" },
                        thumbnail: term.isPicture ? pictures[Array(term.text.utf8)] : nil)
                },
                pictures: cards(hits, pictures))
        }
        return PictureReport(
            title: isSingle ? "Search: \(answers[0].name)" : "\(answers.count) searches",
            introduction: ["Of \(index.count.pictures), those nearest to what was asked for, the nearest first."],
            sections: sections,
            notes: notes)
    }

    private var notes: [String] {
        let fit = """
            A search always has a nearest picture, whether or not anything fits. A “?” stands on pictures that are no more \
            like the words than like words that fit anything, such as “a photo”, or words without meaning: they probably show something else.
            """
        let exclusion = """
            What was to be left out (“without”) dropped the pictures that are more like it than like what was wanted, or \
            that reach the cosine that was set for it.
            """
        let excludes = answers.contains { $0.asked.contains { !$0.isWanted } }
        return [fit] + (excludes ? [exclusion] : []) + PictureReport.notes(index)
    }

    private func paragraphs(_ answer: PictureReport.Answer, shown: Int) -> [String] {
        let hits = answer.hits
        guard !hits.isEmpty else { return ["No picture passes."] }
        return PictureReport.limitNote(shown: shown, of: hits.count)
            + (hits.allSatisfy { $0.fits == false }
                ? ["Nothing fits: no picture is more like the words than like “a photo” or words without meaning."]
                : [])
    }

    private func cards(_ hits: ArraySlice<SearchHit>, _ pictures: PagePictures) -> [PictureReport.Card] {
        var rank = 0
        return hits.map { hit in
            let isGone = gone.contains(hit.picture)
            if !isGone { rank += 1 }
            return card(hit, rank: isGone ? nil : rank, pictures)
        }
    }

    private func card(_ hit: SearchHit, rank: Int?, _ pictures: PagePictures) -> PictureReport.Card {
        let cosines = hit.cosines.map { decimal(Double($0), places: 3) }
        return pictures.card(
            hit.picture.pathBytes,
            mark: rank.map { hit.fits == false ? .init("\($0) ?", .doubt) : .init("\($0)") } ?? .gone,
            lines: [
                cosines.count == 1 ? "cosine \(cosines[0])" : "score \(decimal(Double(hit.score), places: 3))",
                cosines.count == 1 ? "" : "cosines \(cosines.joined(separator: ", "))",
                hit.picture.size,
            ].filter { !$0.isEmpty })
    }
}
