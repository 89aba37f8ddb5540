import CLIP
import PictureCollections

struct Cluster: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json]
    private static let count = Option(
        "count", .integer("clusters", 1...100_000), help: "How many clusters. (default: 10)")
    private static let seed = Option(
        "seed", .integer("number", 0...Int.max),
        help: "What decides the random start: the same number gives the same clusters. (default: 0)")
    private static let density = Option(
        "density", .text("cosine"),
        help: """
            In place of --count, find as many groups as there are: pictures that have enough others within this cosine.
            """)
    private static let minimum = Option(
        "minimum", .integer("count", 1...1_000_000),
        help: "For --density: how many pictures, itself included, are enough. (default: 5)")
    private static let labels = Option(
        "labels", .text("labels"), isRepeatable: true, help: "Names to choose from, separated by commas.")
    private static let labelsFile = Option(
        "labels-file", .file("file"), isRepeatable: true, help: "Read names from a file, one a line.")
    private static let template = Option(
        "template", .text("text"), help: #"The sentence that names are put into, at {}. (default: "a photo of a {}")"#)
    private static let members = Option(
        "members", help: "List all pictures of each cluster, in text and on the page too.")

    static let table = CommandTable(
        "cluster",
        abstract: "Divide the pictures of an index into groups that look alike, and name them.",
        discussion: [
            """
            One record per cluster, the largest first: {"cluster", "size", "medoid", "labels", "mean_similarity", \
            "paths", "gone", "model"}. The medoid is the picture nearest to the middle; "labels" are the nearest of the names \
            given, with their cosines to the middle: a name is the best of that list, not a fact.
            """,
            """
            Spherical k-means from a seed (Dhillon and Modha, 2001; k-means++), or with --density DBSCAN (Ester et \
            al., 1996), which leaves pictures that lie alone in no cluster: a last record with "cluster": 0. \
            k-means takes time as there are pictures and clusters; --density compares every picture with every other \
            one, so that ten times the pictures take a hundred times as long.
            """,
        ],
        positionals: [.indexedFolder],
        options: [count, seed, density, minimum, labels, labelsFile, template, members] + IndexInput.options
            + Option.outputOptions(formats) + Option.pageOptions,
        examples: [
            .init(#"clip cluster photos --count 8 --labels "dog,cat,beach,street""#, "Eight groups, named."),
            .init("clip cluster photos --density 0.9 --minimum 3", "Series of pictures of the same thing."),
            .init("clip cluster photos --html clusters.html", "A page to look through, for a browser."),
        ])

    private let output: OutputOptions
    private let source: IndexSource
    private let page: PageChoice?
    private let labels: LabelChoice
    private let template: String
    private let method: Method
    private let showsAll: Bool

    private enum Method {
        case means(count: Int, seed: UInt64)
        case density(least: Float, minimum: Int)
    }

    init(_ arguments: Arguments) throws(UsageError) {
        output = try OutputOptions(arguments, formats: Cluster.formats)
        page = try PageChoice(arguments)
        labels = try LabelChoice(arguments, Cluster.labels, files: Cluster.labelsFile)
        source = try IndexSource(arguments, needsModel: !labels.isEmpty)
        if let least = try arguments.number(Cluster.density) {
            try arguments.refuse(
                [Cluster.count, Cluster.seed], "with '--density', which finds how many clusters there are")
            method = .density(least: least, minimum: arguments.integer(Cluster.minimum) ?? 5)
        } else {
            try arguments.refuse([Cluster.minimum], "without '--density <cosine>'")
            method = .means(
                count: arguments.integer(Cluster.count) ?? 10, seed: UInt64(arguments.integer(Cluster.seed) ?? 0))
        }
        if labels.isEmpty { try arguments.refuse([Cluster.template], "without names: give '--labels <labels>'") }
        template = arguments.text(Cluster.template) ?? ZeroShotClassifier.defaultTemplates[0]
        guard template.contains("{}") else { throw UsageError("'--template' has no {} for the name.") }
        if output.isData, page == nil { try arguments.refuse([Cluster.members], "on records, which list all pictures") }
        showsAll = arguments.flag(Cluster.members)
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let page = try page.map { choice throws(OutputError) in try choice.open(console) }
        let labels = try labels.read(console)
        let input = try source.open(console)
        var embeddings: [Embedding] = []
        if let model = input.model, !labels.isEmpty {
            try ZeroShotClassifier.check(labels: labels, templates: [template])
            try console.warnOfDroppedText(inLabels: labels, templates: [template], longText: .truncate, model: model)
            embeddings = try model.embed(labels.map { ZeroShotClassifier.prompt($0, in: template) })
            try ZeroShotClassifier.check(embeddings, of: labels)
        }
        let found = try clusters(input.index, console)
        let gone = GoneFiles(input.index)
        let members = try (found.clusters.map(\.numbers) + [found.noise]).map { numbers in
            try ClusterMembers(numbers, of: input.index, gone)
        }
        let results = try ResultStream(output, console: console, note: note(input.index, found, gone))
        let named = zip(labels, embeddings).map { (label: $0, embedding: $1) }
        let nearest = found.clusters.map { $0.nearestLabels(named) }
        if let page {
            let report = ClusterPage(
                index: input.index, found: found, labels: nearest, showsAll: showsAll, gone: gone)
            try page.write(report.report(page))
        }
        for (number, cluster) in found.clusters.enumerated() {
            try results.write(
                ClusterRecord(
                    number: number + 1, members: members[number],
                    meanSimilarity: cluster.similarities.reduce(0, +) / Float(cluster.similarities.count),
                    labels: nearest[number],
                    fingerprint: input.index.fingerprint, showsAll: showsAll))
        }
        if !found.noise.isEmpty {
            try results.write(
                ClusterRecord(
                    number: 0, members: members[found.clusters.count], meanSimilarity: nil,
                    labels: [], fingerprint: input.index.fingerprint, showsAll: showsAll))
        }
        try results.finish()
        return !console.hasFailed
    }

    private func clusters(_ index: PictureIndex, _ console: Console) throws -> PictureClusters {
        switch method {
        case .means(let count, let seed):
            let found = try index.clusters(count: count, seed: seed, threads: source.threads)
            if !found.isSettled { console.warn("pictures still change clusters after \(found.rounds) rounds") }
            return found
        case .density(let least, let minimum):
            let found = try index.clusters(
                reaching: least, minimum: minimum, threads: source.threads, progress: IndexInput.progress(console))
            console.progress?.clear()
            console.progress = nil
            return found
        }
    }

    private func note(_ index: PictureIndex, _ found: PictureClusters, _ gone: GoneFiles) -> String {
        let rest = found.noise.isEmpty ? "" : ", \(found.noise.count) in none"
        return "\(found.clusters.count) clusters of \(index.count - gone.count) pictures\(rest)\(gone.note)"
    }
}

/// The pictures of a cluster: those that are there, and those whose file is gone, which don't count.
private struct ClusterMembers {
    private(set) var present: [IndexedPicture] = []
    private(set) var gone: [IndexedPicture] = []

    init(_ numbers: [Int], of index: PictureIndex, _ gone: GoneFiles) throws(CLIPError) {
        for number in numbers {
            let picture = try index.picture(number)
            if gone.contains(picture) { self.gone.append(picture) } else { present.append(picture) }
        }
    }
}

/// Pictures that belong together; number 0 are those that belong to none.
private struct ClusterRecord: Record {
    let number: Int
    let members: ClusterMembers
    let meanSimilarity: Float?
    let labels: [(label: String, similarity: Float)]
    let fingerprint: String
    let showsAll: Bool

    var fields: [(name: String, value: FieldValue)] {
        [
            ("cluster", .integer(number)), ("size", .integer(members.present.count)),
            ("medoid", number == 0 ? .null : .optional(members.present.first?.path)),
            (
                "labels",
                .list(labels.map { .object([("label", .text($0.label)), ("similarity", .number($0.similarity))]) })
            ),
            ("mean_similarity", meanSimilarity.map { .number($0) } ?? .null),
            ("paths", .texts(members.present.map(\.path))), ("gone", .texts(members.gone.map(\.path))),
            ("model", .text(fingerprint)),
        ] + nameBytes("paths_bytes", members.present) + nameBytes("gone_bytes", members.gone)
    }

    /// The names of a list that are no text, by their places in it; nothing where all are.
    private func nameBytes(
        _ name: String, _ pictures: [IndexedPicture]
    ) -> [(name: String, value: FieldValue)] {
        let fields = pictures.enumerated().filter { FieldValue.base64OfName($1.pathBytes) != nil }.map {
            (name: "\($0)", value: FieldValue.nameBytes($1.pathBytes))
        }
        return fields.isEmpty ? [] : [(name, .object(fields))]
    }

    var text: String {
        let names = labels.map { "\(displayed($0.label)) \(decimal(Double($0.similarity), places: 3))" }
        let naming = names.isEmpty ? "" : "; nearest names " + names.joined(separator: ", ")
        let likeness = meanSimilarity.map { ", mean cosine \(decimal(Double($0), places: 3))" } ?? ""
        var text =
            number == 0
            ? "in no cluster: \(members.present.count.pictures)\n"
            : "cluster \(number): \(members.present.count.pictures)\(likeness)\(naming)\n"
        let paths = members.present.map(\.path)
        let shown = showsAll ? paths[...] : number == 0 ? [] : paths.prefix(1)
        for path in shown { text += "    \(displayed(path))\n" }
        if showsAll { for picture in members.gone { text += "    \(displayed(picture.path))  gone\n" } }
        return text
    }
}
