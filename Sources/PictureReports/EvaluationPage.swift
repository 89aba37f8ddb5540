import CLIP
import PictureCollections

extension PictureReport {
    /// What labels are right and what they mix up, with the pictures.
    /// - Parameters:
    ///   - names: the paths of its pictures.
    ///   - templates: the sentences that labels were put into; empty where they were learnt from examples.
    ///   - options: how pictures are read.
    package static func evaluation(
        _ evaluation: LabelEvaluation, names: [[UInt8]], templates: [String], model: CLIPModel, options: PictureOptions,
        file: PageFile
    ) throws -> PictureReport {
        try EvaluationPage(evaluation: evaluation, names: names, templates: templates, model: model)
            .report(file, options: options)
    }
}

private struct EvaluationPage {
    let evaluation: LabelEvaluation
    let names: [[UInt8]]
    let templates: [String]
    let model: CLIPModel

    /// Confusions that are shown with pictures, and pictures of each: a page is read, the records have them all.
    private static let longestSection = 24
    private static let longestGroup = 12
    /// More columns than that nobody reads.
    private static let largestMatrix = 24

    func report(_ page: PageFile, options: PictureOptions) throws -> PictureReport {
        let groups = evaluation.confusions.prefix(EvaluationPage.longestSection).map { ($0, mistaken($0)) }
        let pictures = try page.pictures(groups.flatMap { $0.1.map { names[$0] } }, options: options)
        return PictureReport(
            title:
                "How often the labels are right: \(evaluation.pictures.count.pictures), \(evaluation.labels.count) labels",
            introduction: introduction,
            sections: [mixedUp(groups, pictures), labels]
                + (evaluation.labels.count <= EvaluationPage.largestMatrix ? [matrix] : [])
                + (evaluation.templates.isEmpty ? [] : [wordings]) + [calibration],
            notes: notes)
    }

    private var introduction: [String] {
        var text = [
            "\(words(evaluation.top1)) of the pictures get their own label first; as a mean over labels, each counting the same, "
                + "\(percent(evaluation.meanRecall))."
        ]
        if let top5 = evaluation.top5 { text.append("\(words(top5)) have it among the first five.") }
        text.append(
            """
            In brackets: where the share lies in 95 of 100 such samples, of other pictures of the same kind chosen as these \
            were.
            """)
        return text
    }

    /// The pictures of a confusion, those first that are the surest of the wrong answer.
    private func mistaken(_ confusion: Confusion) -> [Int] {
        evaluation.pictures.indices.filter {
            evaluation.pictures[$0].truth == confusion.truth && evaluation.pictures[$0].answer == confusion.answer
        }.sorted {
            (evaluation.pictures[$1].probability, $0) < (evaluation.pictures[$0].probability, $1)
        }.prefix(EvaluationPage.longestGroup).map { $0 }
    }

    private func mixedUp(_ groups: [(Confusion, [Int])], _ pictures: PagePictures) -> PictureReport.Section {
        let wrong = evaluation.top1.count - evaluation.top1.successes
        guard wrong > 0 else { return PictureReport.Section("What is mixed up: nothing") }
        return PictureReport.Section(
            "What is mixed up: \(wrong.pictures)",
            paragraphs: [
                """
                Those first whose wrong answer has the largest share. Look whether the picture, or the label that it was \
                given, is what is wrong.
                """
            ] + PictureReport.limitNote(shown: groups.count, of: evaluation.confusions.count),
            groups: groups.map { confusion, shown in
                PictureReport.Group(
                    "\(evaluation.labels[confusion.truth]) taken for \(evaluation.labels[confusion.answer]): \(confusion.count)",
                    lines: shown.count < confusion.count ? ["The first \(shown.count)."] : [],
                    pictures: shown.map { number in
                        let picture = evaluation.pictures[number]
                        return pictures.card(
                            names[number],
                            lines: [
                                "share \(percent(Double(picture.probability)))",
                                "cosine \(decimal(Double(picture.similarity), places: 3)), its own label "
                                    + decimal(Double(picture.truthSimilarity), places: 3),
                            ])
                    })
            })
    }

    private var labels: PictureReport.Section {
        PictureReport.Section(
            "The labels, the weakest first",
            paragraphs: ["Found: of its own pictures, those that get it. Own: of the pictures that get it, its own."],
            table: .init(
                columns: ["Label", "Pictures", "Found", "in 95 of 100 samples", "Answers", "Own"],
                rows: evaluation.classes.sorted { ($0.recall.value, $0.label) < ($1.recall.value, $1.label) }.map {
                    [
                        .text($0.label), .number("\($0.recall.count)"), .share($0.recall.value),
                        .number(range($0.recall.interval)), .number("\($0.precision.count)"),
                        $0.precision.count > 0 ? .share($0.precision.value) : .text("no answer"),
                    ]
                }))
    }

    private var matrix: PictureReport.Section {
        var counts = evaluation.labels.map { _ in [Int](repeating: 0, count: evaluation.labels.count) }
        for picture in evaluation.pictures { counts[picture.truth][picture.answer] += 1 }
        return PictureReport.Section(
            "Which label gets which answers", paragraphs: ["A row has the pictures of a label, a column an answer."],
            table: .init(
                columns: ["Label"] + evaluation.labels,
                rows: zip(evaluation.labels, counts).map { label, row in
                    [.text(label)] + row.map { .number($0 == 0 ? "·" : "\($0)") }
                }))
    }

    private var wordings: PictureReport.Section {
        PictureReport.Section(
            "The wordings, each alone",
            paragraphs: [
                """
                How far the best, and all together, are ahead on the same pictures, in points of a hundred. Where the range \
                holds 0 these pictures can’t tell the two apart; the best of many is in part the luckiest.
                """
            ],
            table: .init(
                columns: ["Wording", "Right", "in 95 of 100 samples", "Best ahead by", "All together ahead by"],
                rows: evaluation.templates.map {
                    [
                        .text($0.template), .share($0.accuracy.value), .number(range($0.accuracy.interval)),
                        $0.bestAhead.map { .number(points($0)) } ?? .text("the best"),
                        .number(points($0.togetherAhead)),
                    ]
                }))
    }

    private var calibration: PictureReport.Section {
        PictureReport.Section(
            "What a share is worth: \(decimal(100 * evaluation.calibration.expectedError, places: 1)) points off",
            paragraphs: [
                """
                A share of 80 % would be right 80 times of a hundred if shares were probabilities. Here they are so far off \
                in the mean (the expected calibration error).
                """
            ],
            table: .init(
                columns: ["Share", "Answers", "Mean share", "Right", "in 95 of 100 samples"],
                rows: evaluation.calibration.bins.filter { $0.accuracy.count > 0 }.map {
                    [
                        .text(range($0.shares)), .number("\($0.accuracy.count)"), .number(percent($0.meanShare)),
                        .share($0.accuracy.value), .number(range($0.accuracy.interval)),
                    ]
                }))
    }

    private var notes: [String] {
        [
            """
            It measures one model on these pictures with these labels: each picture is held against all labels, and gets the \
            one with the highest cosine. A share is one among the labels given, not the probability of being right.
            """,
            """
            Intervals of shares: Wilson, 1927; of differences on the same pictures: Newcombe, 1998, method 10. Calibration: \
            Guo et al., 2017, \(Calibration.binCount) equal parts.
            """,
        ] + wordingNote + [
            PictureReport.cosineNote,
            PictureReport.modelNote(model.info.card?.name ?? model.info.path, fingerprint: model.fingerprint),
        ]
    }

    private var wordingNote: [String] {
        guard templates.isEmpty else {
            return ["Wordings: " + templates.map { "“\($0)”" }.joined(separator: ", ") + "."]
        }
        return [
            """
            The labels were learnt from examples: a cosine is that with the mean of a label’s examples, far higher than one \
            with words. Pictures that were among the examples are no test.
            """
        ]
    }

    private func percent(_ share: Double) -> String { decimal(100 * share, places: 1) + " %" }

    private func words(_ share: Proportion) -> String { "\(percent(share.value)) (\(range(share.interval)))" }

    private func range(_ interval: ClosedRange<Double>) -> String {
        "\(decimal(100 * interval.lowerBound, places: 1)) to \(decimal(100 * interval.upperBound, places: 1)) %"
    }

    private func points(_ difference: PairedDifference) -> String {
        "\(decimal(100 * difference.value, places: 1)) (\(decimal(100 * difference.interval.lowerBound, places: 1)) to "
            + "\(decimal(100 * difference.interval.upperBound, places: 1)))"
    }
}
