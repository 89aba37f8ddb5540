import CLIP
import PictureCollections

struct AuditPictures: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json]
    private static let labels = Option(
        "labels", .text("labels"), isRepeatable: true,
        help: #"The labels, separated by commas; other names of one after bars: "dog|puppy|hound,cat|kitten"."#)
    private static let labelsFile = Option(
        "labels-file", .file("file"), isRepeatable: true,
        help: "Read labels from a file, one a line, other names after bars; - is standard input.")
    private static let template = Option(
        "template", .text("text"), isRepeatable: true,
        help: """
            A sentence that labels are put into, at {}; give several that should get the same answers. (default: eight \
            plain ones)
            """)
    private static let groups = Option(
        "groups", .file("file"),
        help: "A csv file of paths and groups, with a header: looks for labels that lean towards a group.")
    private static let seed = Option(
        "seed", .integer("number", 0...Int.max), help: "What decides the permutations. (default: 1)")

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
        positionals: [.pictures],
        options: [labels, labelsFile, template, groups, seed] + Option.modelOptions
            + [.batchSize, .filesFrom, .nulSeparated, .longText] + Option.pictureOptions
            + Option.outputOptions(formats) + Option.pageOptions,
        examples: [
            .init(
                #"clip audit photos --labels "dog|puppy,cat|kitten,rabbit" --html audit.html"#,
                "Would another wording have given other answers?"),
            .init(
                "clip audit portraits --labels-file jobs.txt --groups groups.csv -o audit.jsonl",
                "Do some labels lean towards a group?"),
        ])

    private let output: OutputOptions
    private let model: ModelChoice
    private let sources: PictureSources
    private let pictures: PictureChoice
    private let labels: LabelChoice
    private let templates: [String]
    private let groups: String?
    private let longText: LongText
    private let seed: UInt64
    private let page: PageChoice?

    init(_ arguments: Arguments) throws(UsageError) {
        output = try OutputOptions(arguments, formats: AuditPictures.formats)
        model = ModelChoice(arguments)
        sources = PictureSources(arguments)
        pictures = PictureChoice(arguments)
        labels = try LabelChoice(arguments, AuditPictures.labels, files: AuditPictures.labelsFile)
        guard !labels.isEmpty else {
            throw UsageError("Missing expected option '--labels <labels>' or '--labels-file <file>'.")
        }
        try labels.checkCommas(sources.paths)
        let templates = arguments.all(AuditPictures.template)
        self.templates = templates.isEmpty ? Audit.defaultTemplates : templates
        groups = arguments.text(AuditPictures.groups)
        if groups == nil { try arguments.refuse([AuditPictures.seed], "without '--groups <file>'") }
        longText = arguments.longText
        seed = UInt64(arguments.integer(AuditPictures.seed) ?? 1)
        page = try PageChoice(arguments)
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let labels = try labels.read(console)
        let groups = try groups.map { path throws(InputError) in try GroupTable(path: path) }
        let model = try model.load(console)
        let named = labels.map { AuditLabel(parsing: $0) }
        try console.warnOfDroppedText(
            inLabels: named.flatMap { [$0.name] + $0.otherNames }, templates: templates, longText: longText,
            model: model)
        let results = try ResultStream(output, console: console)
        let page = try page.map { choice throws(OutputError) in try choice.open(console) }

        var names: [RecordName] = []
        var embeddings: [Embedding] = []
        let run = PictureRun(sources, pictures, console: console)
        let skipped = try run.embedEach(with: model, to: results) { name, embedding in
            names.append(name)
            embeddings.append(embedding)
            console.progress?.advance()
        }
        console.progress?.clear()
        console.progress = nil
        guard !embeddings.isEmpty else { throw InputError("no picture could be read: there is nothing to audit") }
        let members = groups.map { table in names.map { table.group(of: $0.text) } } ?? []
        if let table = groups {
            if members.allSatisfy({ $0 == nil }) {
                throw InputError(
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
            let report = AuditPage(audit: audit, names: names, model: model)
            try page.write(report.report(page, options: pictures.options(for: model).reading))
        }
        for record in AuditRecord.all(
            of: audit, names: names, skipped: skipped, fingerprint: model.fingerprint)
        { try results.write(record) }
        try results.finish()
        return !console.hasFailed
    }
}
