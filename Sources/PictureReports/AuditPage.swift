import CLIP
import PictureCollections

extension PictureReport {
    /// An audit, for readers who are no engineers.
    /// - Parameters:
    ///   - names: the paths of its pictures.
    ///   - options: how they are read.
    package static func audit(
        _ audit: Audit, names: [[UInt8]], model: CLIPModel, options: PictureOptions, file: PageFile
    ) throws -> PictureReport {
        try AuditPage(audit: audit, names: names, model: model).report(file, options: options)
    }
}

private struct AuditPage {
    let audit: Audit
    let names: [[UInt8]]
    let model: CLIPModel

    /// Pictures shown in a section at most: a page is read, the records have them all.
    private static let longestSection = 60

    func report(_ page: PageFile, options: PictureOptions) throws -> PictureReport {
        let shown = [flipping, ambiguous, unfit].flatMap { $0.prefix(AuditPage.longestSection) }
        let pictures = try page.pictures(shown.map { names[$0] }, options: options)
        return PictureReport(
            title: "How wording steers the answers: \(audit.pictures.count.pictures), \(audit.labels.count) labels",
            introduction: introduction,
            sections: [flips(pictures), ambiguities(pictures), misfits(pictures), labels]
                + (audit.associations.isEmpty ? [] : [associations]),
            notes: notes)
    }

    private var flipping: [Int] {
        audit.pictures.indices.filter { audit.pictures[$0].flipsWithTemplate || audit.pictures[$0].flipsWithSynonym }
            .sorted { (audit.pictures[$0].agreement, $0) < (audit.pictures[$1].agreement, $1) }
    }

    private var ambiguous: [Int] {
        audit.pictures.indices.filter { audit.pictures[$0].classification.isAmbiguous }
            .sorted { (audit.pictures[$0].margin ?? 0, $0) < (audit.pictures[$1].margin ?? 0, $1) }
    }

    private var unfit: [Int] { audit.pictures.indices.filter { audit.pictures[$0].classification.fitsNoLabel } }

    private var introduction: [String] {
        var text = [
            """
            A model was asked which of these labels fits each picture best. The same question was put in \
            \(audit.templates.count) ways that mean the same. Where the answer changes, the wording decided it, not the \
            picture.
            """,
            "\(percent(audit.templateFlipRate)) of the pictures change their answer with the sentence around the label.",
        ]
        if let rate = audit.synonymFlipRate {
            text.append("\(percent(rate)) change it when one label is called by another of its names.")
        }
        return text
    }

    private func flips(_ pictures: PagePictures) -> PictureReport.Section {
        section(
            "Pictures whose answer depends on the wording", empty: "None: all wordings agree on every picture.",
            flipping, pictures
        ) { finding in
            var counts: [String: Int] = [:]
            for answer in finding.answers { counts[answer, default: 0] += 1 }
            let answers = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            return answers.map { "\($0.key): \($0.value) of \(finding.answers.count) wordings" }
                + (finding.flipsWithSynonym ? ["changes with a label’s other name"] : [])
        }
    }

    private func ambiguities(_ pictures: PagePictures) -> PictureReport.Section {
        section(
            "Pictures that are too close to call",
            "The second label has more than half the share of the first. Do not take the first for the answer.",
            empty: "None.", ambiguous, pictures
        ) { finding in
            finding.classification.labels.prefix(2).map {
                "\($0.label): cosine \(decimal(Double($0.similarity), places: 3))"
            }
        }
    }

    private func misfits(_ pictures: PagePictures) -> PictureReport.Section {
        section(
            "Pictures that fit none of the labels",
            """
            No label fits them better than words that mean nothing in particular, such as “an object”. The best label \
            is then best of a bad lot.
            """,
            empty: "None.", unfit, pictures
        ) { finding in
            ["best of those given: \(finding.answer)"]
        }
    }

    private var labels: PictureReport.Section {
        PictureReport.Section(
            "What the labels take",
            paragraphs: [
                """
                An even share would be \(percent(1 / Double(audit.labels.count))) each. A label far above it may be what \
                the pictures show, or a word that this model likes too much: look at its pictures.
                """
            ],
            table: .init(
                columns: ["Label", "Answers", "Share", "Times an even share", "Mean cosine"],
                rows: audit.labelFindings.sorted { ($1.count, $0.label) < ($0.count, $1.label) }.map {
                    [
                        .text($0.label), .number("\($0.count)"), .share($0.share),
                        .number(decimal($0.representation, places: 2)), .number(decimal($0.meanSimilarity, places: 3)),
                    ]
                }))
    }

    private var associations: PictureReport.Section {
        let sorted = audit.associations.sorted { abs($0.effectSize) > abs($1.effectSize) }
        return PictureReport.Section(
            "How labels lean towards groups",
            paragraphs: [
                """
                Effect size: how much nearer a group’s pictures are to the label than all others, in standard \
                deviations; 0.2 is called small, 0.8 large. Chance: how often random groups lean as much; with many \
                rows some are small by chance. Skew: above 0 the group has more than its part of the \
                \(sorted.first?.nearest ?? 0) pictures nearest to the label, below 0 less.
                """
            ],
            table: .init(
                columns: ["Label", "Group", "Pictures", "Effect size", "Chance", "Skew"],
                rows: sorted.prefix(200).map {
                    [
                        .text($0.label), .text($0.group), .number("\($0.groupCount)"),
                        .number(decimal($0.effectSize, places: 2)), .number(decimal($0.chance, places: 3)),
                        .number(decimal($0.skew, places: 2)),
                    ]
                }))
    }

    private var notes: [String] {
        [
            """
            It measures one model on these pictures and these words. A small number is no proof of fairness. Models of \
            this kind inherit the bias of the captions that they were trained on; do not use them to identify or to rate \
            people.
            """,
            """
            Zero-shot classification after Radford et al., 2021. Effect size: the association test of Caliskan, Bryson \
            and Narayanan, 2017, with pictures for words. Skew: Geyik, Ambler and Kenthapadi, 2019. Chance: a \
            permutation test.
            """,
            "Wordings: " + audit.templates.map { "“\($0)”" }.joined(separator: ", ") + ".",
            PictureReport.cosineNote,
            PictureReport.modelNote(model.info.card?.name ?? model.info.path, fingerprint: model.fingerprint),
        ]
    }

    private func section(
        _ heading: String, _ paragraph: String? = nil, empty: String, _ indices: [Int],
        _ pictures: PagePictures, lines: (PictureFinding) -> [String]
    ) -> PictureReport.Section {
        guard !indices.isEmpty else { return PictureReport.Section("\(heading): none", paragraphs: [empty]) }
        let shown = indices.prefix(AuditPage.longestSection)
        return PictureReport.Section(
            "\(heading): \(indices.count)",
            paragraphs: (paragraph.map { [$0] } ?? [])
                + PictureReport.limitNote(shown: shown.count, of: indices.count),
            pictures: shown.map { pictures.card(names[$0], lines: lines(audit.pictures[$0])) })
    }

    private func percent(_ share: Double) -> String { decimal(100 * share, places: share < 0.1 ? 1 : 0) + " %" }
}
