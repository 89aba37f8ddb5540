import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections
import PictureReports

struct AuditPictures: Command {
    private static let results = ResultOptions.records
    private static let labels = Option(
        each: "labels", .text("labels"),
        help: #"The labels, separated by commas; other names of one after bars: "dog|puppy|hound,cat|kitten"."#)
    private static let labelsFile = Option(
        each: "labels-file", .file("file"),
        help: "Read labels from a file, one a line, other names after bars; - is standard input.")
    private static let template = Option(
        each: "template", .text("text"),
        help: """
            A sentence that labels are put into, at {}; give several that should get the same answers. (default: eight \
            plain ones)
            """)
    private static let groups = Option(
        "groups", .file("file"),
        help: "A csv file of paths and groups, with a header: looks for labels that lean towards a group.")
    private static let seed = Option(
        "seed", .integer("number", 0...Int.max), default: 1, help: "What decides the permutations. (default: 1)")

    static let table = CommandTable(
        "audit",
        abstract: "See how wording steers the answers, and what falls to which group.",
        discussion: [
            """
            Pictures are classified with each template and each name of a label alone. One record per picture \
            ({"kind": "picture", ...}: its answer, how many templates agree, whether another name changes it, whether \
            it is ambiguous or fits no label), per label ("label": how many answers, over or under an even share), per \
            label and group ("association": effect size of the association test, its chance, skew among the nearest), \
            and one of the whole ("summary").
            """,
            """
            It measures one model on these pictures and these words. A small number is no proof of fairness, and a \
            large one says that wording decides, not which wording is right.
            """,
        ],
        positionals: [IndexedPictures.positional],
        options: [labels, labelsFile, template, groups, seed, IndexedPictures.index], ModelChoice.options,
        [PictureChoice.batchSize, PictureSources.filesFrom, TextSources.nulSeparated, TextChoice.longText],
        PictureChoice.options, results.all, PageChoice.options,
        examples: [
            .init(
                #"clip audit photos --labels "dog|puppy,cat|kitten,rabbit" --html audit.html"#,
                "Would another wording have given other answers?"),
            .init(
                "clip audit portraits --labels-file jobs.txt --groups groups.csv -o audit.jsonl",
                "Do some labels lean towards a group?"),
        ])

    private let output: ResultChoice
    private let model: ModelChoice
    private let pictures: PictureOrigin
    private let labels: LabelChoice
    private let templates: [String]
    private let groups: String?
    private let longText: LongText
    private let seed: UInt64
    private let page: PageChoice?

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        model = ModelChoice(&arguments)
        let sources = PictureSources(&arguments)
        pictures = try PictureOrigin(&arguments, sources)
        labels = try LabelChoice(&arguments, Self.labels, files: Self.labelsFile)
        try labels.checkAreGiven(beside: sources.paths)
        let templates = arguments.take(Self.template)
        self.templates = templates.isEmpty ? Audit.defaultTemplates : templates
        groups = arguments.take(Self.groups)
        if groups == nil { try arguments.refuse([Self.seed], "without '--groups <file>'") }
        longText = arguments.take(TextChoice.longText)
        seed = UInt64(arguments.take(Self.seed))
        page = try PageChoice(&arguments, threads: model.threads)
    }

    func run(_ console: Console) throws {
        let labels = try labels.read(console)
        try LabelChoice.checkWordings(labels)
        let groups = try groups.map { path throws(CLIPError) in try GroupTable(path: path) }
        let (pictures, model) = try self.pictures.open(self.model, console)
        let named = labels.map { AuditLabel(parsing: $0) }
        try console.warnOfDroppedText(
            inLabels: named.flatMap { [$0.name] + $0.otherNames }, templates: templates, longText: longText,
            model: model)
        let results = try ResultStream(output, console)
        let page = try page?.open(console)

        var names: [RecordName] = []
        var embeddings: [Embedding] = []
        let origin = try EmbeddedPictures(pictures, model, results, console) { name, embedding in
            names.append(name)
            embeddings.append(embedding)
        }
        guard !embeddings.isEmpty else {
            throw CLIPError(.storage, "no picture could be read: there is nothing to audit")
        }
        let members = groups.map { table in names.map { table.group(of: $0.text) } } ?? []
        if let table = groups {
            if members.allSatisfy({ $0 == nil }) {
                throw CLIPError(
                    .storage,
                    "\(table.path): none of its paths is among the pictures: write them as they are named here, such as "
                        + names[0].text)
            }
            let missing = members.count { $0 == nil }
            if missing > 0 { console.warn("\(table.path): \(missing) of \(names.count) pictures have no group") }
        }
        let audit = try Audit(
            model: model, pictures: embeddings, labels: named, templates: templates,
            groups: members, longText: longText, seed: seed)
        if let page {
            try page.write(
                .audit(
                    audit, names: names.map(\.bytes), model: model, options: origin.reading, file: page))
        }
        for (name, finding) in zip(names, audit.pictures) { try results.write(AuditRecord(picture: name, finding)) }
        for finding in audit.labelFindings { try results.write(AuditRecord(label: finding)) }
        for association in audit.associations { try results.write(AuditRecord(association: association)) }
        try results.write(AuditRecord(summary: audit, skipped: origin.skipped, model: model.fingerprint))
        try results.finish()
    }
}

/// A finding of an audit.
private struct AuditRecord: Record {
    let fields: Fields
    let text: String

    init(picture name: RecordName, _ finding: PictureFinding) {
        fields = [
            "kind": "picture", "input": name, "answer": finding.answer,
            "similarity": finding.classification.labels[0].similarity, "margin": finding.margin,
            "agreement": finding.agreement, "answers": finding.answers,
            "flips_with_template": finding.flipsWithTemplate, "flips_with_name": finding.flipsWithSynonym,
            "ambiguous": finding.classification.isAmbiguous, "fits_no_label": finding.classification.fitsNoLabel,
            "group": finding.group,
        ]
        // A thousand pictures on a screen are no answer: only those that wording decides.
        guard finding.flipsWithTemplate || finding.flipsWithSynonym else {
            text = ""
            return
        }
        let answers = Set(finding.answers + finding.synonymAnswers).sorted().map(displayed).joined(separator: " or ")
        text = "  \(displayed(name.text)): \(answers), by the wording\n"
    }

    init(label: LabelFinding) {
        fields = [
            "kind": "label", "label": label.label, "count": label.count, "share": label.share,
            "representation": label.representation, "mean_similarity": label.meanSimilarity,
        ]
        text =
            "  \(displayed(label.label)): \(label.count) answers, \(decimal(label.representation, places: 2)) times an even"
            + " share\n"
    }

    init(association: GroupAssociation) {
        fields = [
            "kind": "association", "label": association.label, "group": association.group,
            "group_count": association.groupCount, "effect_size": association.effectSize, "chance": association.chance,
            "skew": association.skew, "nearest": association.nearest,
        ]
        text =
            association.chance <= 0.05
            ? "  \(displayed(association.label)) and group \(displayed(association.group)): effect size "
                + "\(decimal(association.effectSize, places: 2)), chance \(decimal(association.chance, places: 3)), skew "
                + "\(decimal(association.skew, places: 2))\n" : ""
    }

    init(summary audit: Audit, skipped: [SkippedFiles], model: String) {
        let ambiguous = audit.pictures.count { $0.classification.isAmbiguous }
        let unfit = audit.pictures.count { $0.classification.fitsNoLabel }
        fields = [
            "kind": "summary", "pictures": audit.pictures.count, "labels": audit.labels.count,
            "templates": audit.templates, "template_flip_rate": audit.templateFlipRate,
            "name_flip_rate": audit.synonymFlipRate, "ambiguous": ambiguous, "fits_no_label": unfit,
            "skipped": skipped, "model": model,
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
