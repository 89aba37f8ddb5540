import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

/// The head that a command line names, in place of labels.
struct HeadChoice {
    static let head = Option(
        "head", .file("file"),
        help:
            "Take labels that were learnt from examples, in place of --labels: a file that 'clip classify --save-head' wrote."
    )

    let path: String

    /// - Parameter instead: options that would be without effect beside it.
    /// - Returns: nil without `--head`.
    init?(_ arguments: inout Arguments, refusing instead: [any AnyOption]) throws(UsageError) {
        guard let path = arguments.take(HeadChoice.head) else { return nil }
        try arguments.refuse(instead, "with '--head <file>', which has its labels")
        self.path = path
    }

    /// Reads the head.
    /// - Throws: when it has no labels, or is of another model.
    func load(for model: CLIPModel) throws(CLIPError) -> PictureHead {
        let head = try read()
        try head.check(model)
        return head
    }

    /// The same for pictures of an index.
    func load(for index: PictureIndex) throws(CLIPError) -> PictureHead {
        let head = try read()
        try head.check(index)
        return head
    }

    private func read() throws(CLIPError) -> PictureHead {
        let head = try PictureHead(path: PathBytes(path))
        guard head.hasExamples else {
            throw CLIPError(
                .model, path: path,
                "was not made of examples: it gives values, not labels, which \"clip score --head\" shows")
        }
        return head
    }
}

/// The examples of labels that a command line names, and what is made of them.
struct ExampleChoice {
    static let examples = Option(
        "examples", .text("folder", mayBePath: true),
        help: """
            Learn labels from a few pictures of each, in place of words: a folder with one of pictures for each label, \
            or a csv file with a header: path, label. With --labels the words count as one more example.
            """)
    private static let regression = Option(
        "regression",
        ValueKind<Double>("C", expected: "a number above zero") {
            Double($0).flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
        },
        help: """
            Fit a logistic regression to the examples (as scikit-learn does, with its C: 1 is usual, more trusts the \
            examples more) in place of their means.
            """)
    static let saveHead = Option(
        "save-head", .target("file"), group: .output,
        help:
            "Also write what was learnt from the examples to a file, for --head; nothing is classified where no path is named."
    )
    static let options: [any AnyOption] = [examples, regression]

    private let place: PathBytes
    private let c: Double?
    private let saved: String?

    /// - Returns: nil without `--examples`.
    init?(_ arguments: inout Arguments) throws(UsageError) {
        guard let path = arguments.take(ExampleChoice.examples) else {
            try arguments.refuse(
                [ExampleChoice.regression, ExampleChoice.saveHead], "without the '--examples <folder>' that it is of")
            return nil
        }
        place = PathBytes(path)
        c = arguments.take(ExampleChoice.regression)
        saved = arguments.take(ExampleChoice.saveHead)
    }

    /// Learns from the examples, and saves what was learnt where that is asked for.
    /// - Parameters:
    ///   - words: the labels whose words count as well; empty for examples alone.
    ///   - pictures: how they are read.
    func learn(
        _ words: [String], templates: [String], longText: LongText, model: CLIPModel,
        pictures: (reading: PictureOptions, fit: PictureFit?, batchSize: Int), _ console: Console
    ) throws -> PictureHead {
        let labelled = try LabelledPictures(place) { console.fail($0.shown) }
        let list = try PictureList(labelled.paths) { console.fail($0.shown) }
        var examples: [String: [Embedding]] = [:]
        var strayCount = 0
        if console.showsProgress { console.progress = ProgressBar(total: nil, unit: "examples") }
        try model.embedEach(
            list, options: pictures.reading, fit: pictures.fit, batchSize: pictures.batchSize
        ) { input, result in
            console.progress?.advance()
            console.progress?.refresh()
            switch result {
            case .failure(let error) where error.kind == .model: throw error
            case .failure(let error): console.fail(described(error, name: input.name))
            case .success(let embedding):
                guard let label = labelled.label(of: RecordName(input).bytes) else {
                    strayCount += 1
                    return
                }
                examples[label, default: []].append(embedding)
            }
        }
        console.endProgress()
        console.report(skipped: list.skipped, in: list.foldersWithSkipped)
        if strayCount > 0 {
            console.warn("\(place.text): \(strayCount.pictures) left out for want of a label")
        }
        let labels = examples.keys.sorted()
        guard labels.count > 1 else {
            throw CLIPError(
                .storage, path: place.text,
                "has examples of \(labels.count) labels, expected at least two, in \(place.text)/<label>/<picture>")
        }
        var embedded: [Embedding]?
        if !words.isEmpty {
            if let odd = Set(words).symmetricDifference(labels).min() {
                throw CLIPError(
                    .argument,
                    examples[odd] == nil
                        ? "The label \(excerpt(odd)) has no examples in \(place.text): words and examples must be of the same labels."
                        : "The examples \(excerpt(odd)) in \(place.text) are of none of the labels given: name all, or none."
                )
            }
            try console.warnOfDroppedText(inLabels: labels, templates: templates, longText: longText, model: model)
            embedded = try LabelPrompts(of: labels, templates: templates, model: model, longText: longText).ensembles
        }
        let head = try PictureHead(
            model: model, labels: labels, examples: labels.map { examples[$0] ?? [] }, words: embedded, regressionC: c)
        if let saved { try head.write(path: PathBytes(saved)) }
        return head
    }
}
