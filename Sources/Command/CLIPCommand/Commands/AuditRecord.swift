import CLIP
import PictureCollections

/// A finding of an audit.
struct AuditRecord: Record {
    let fields: [(name: String, value: FieldValue)]
    let text: String

    /// The summary for people first, everything else in the order of pictures, labels, groups.
    static func all(of audit: Audit, names: [RecordName], skipped: [SkippedFiles], fingerprint: String) -> [AuditRecord]
    {
        zip(names, audit.pictures).map { AuditRecord(picture: $0, $1) }
            + audit.labelFindings.map { AuditRecord(label: $0) }
            + audit.associations.map { AuditRecord(association: $0) }
            + [AuditRecord(summary: audit, skipped: skipped, fingerprint: fingerprint)]
    }

    private init(picture name: RecordName, _ finding: PictureFinding) {
        fields = [
            ("kind", .text("picture")), ("input", .text(name.text)), ("answer", .text(finding.answer)),
            ("similarity", .number(finding.classification.labels[0].similarity)),
            ("margin", finding.margin.map { .number($0) } ?? .null),
            ("agreement", .number(Float(finding.agreement))), ("answers", .texts(finding.answers)),
            ("flips_with_template", .truth(finding.flipsWithTemplate)),
            ("flips_with_name", .truth(finding.flipsWithSynonym)),
            ("ambiguous", .truth(finding.classification.ambiguous)),
            ("fits_no_label", .truth(finding.classification.fitsNoLabel)), ("group", .optional(finding.group)),
            ("input_bytes", .nameBytes(name.bytes)),
        ]
        // A thousand pictures on a screen are no answer: only those that wording decides.
        guard finding.flipsWithTemplate || finding.flipsWithSynonym else {
            text = ""
            return
        }
        let answers = Set(finding.answers + finding.synonymAnswers).sorted().map(displayed).joined(separator: " or ")
        text = "  \(displayed(name.text)): \(answers), by the wording\n"
    }

    private init(label: LabelFinding) {
        fields = [
            ("kind", .text("label")), ("label", .text(label.label)), ("count", .integer(label.count)),
            ("share", .number(Float(label.share))), ("representation", .number(Float(label.representation))),
            ("mean_similarity", .number(Float(label.meanSimilarity))),
        ]
        text =
            "  \(displayed(label.label)): \(label.count) answers, \(decimal(label.representation, places: 2)) times an even"
            + " share\n"
    }

    private init(association: GroupAssociation) {
        fields = [
            ("kind", .text("association")), ("label", .text(association.label)), ("group", .text(association.group)),
            ("group_count", .integer(association.groupCount)), ("effect_size", .number(Float(association.effectSize))),
            ("chance", .number(Float(association.chance))), ("skew", .number(Float(association.skew))),
            ("nearest", .integer(association.nearest)),
        ]
        text =
            association.chance <= 0.05
            ? "  \(displayed(association.label)) and group \(displayed(association.group)): effect size "
                + "\(decimal(association.effectSize, places: 2)), chance \(decimal(association.chance, places: 3)), skew "
                + "\(decimal(association.skew, places: 2))\n" : ""
    }

    private init(summary audit: Audit, skipped: [SkippedFiles], fingerprint: String) {
        let ambiguous = audit.pictures.count { $0.classification.ambiguous }
        let unfit = audit.pictures.count { $0.classification.fitsNoLabel }
        fields = [
            ("kind", .text("summary")), ("pictures", .integer(audit.pictures.count)),
            ("labels", .integer(audit.labels.count)), ("templates", .texts(audit.templates)),
            ("template_flip_rate", .number(Float(audit.templateFlipRate))),
            ("name_flip_rate", audit.synonymFlipRate.map { .number(Float($0)) } ?? .null),
            ("ambiguous", .integer(ambiguous)), ("fits_no_label", .integer(unfit)),
            ("skipped", .skipped(skipped)), ("model", .text(fingerprint)),
        ]
        var text = """
            of \(audit.pictures.count) pictures
              \(decimal(100 * audit.templateFlipRate, places: 1)) % change their answer between \(audit.templates.count) \
            templates

            """
        if let rate = audit.synonymFlipRate {
            text += "  \(decimal(100 * rate, places: 1)) % change it when a label is called by another of its names\n"
        }
        text +=
            "  \(ambiguous) are ambiguous, \(unfit) fit no label better than words that mean nothing in particular\n"
        self.text = text + "  measured on these pictures and words alone: a small number is no proof of fairness\n"
    }
}
