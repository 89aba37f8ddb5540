import CLIP
import CLIPOptions
import PictureCollections
import PictureReports

struct Cluster: Command {
    private static let results = ResultOptions.records
    private static let count = Option(
        "count", .integer("clusters", 1...100_000), default: 10, help: "How many clusters. (default: 10)")
    private static let seed = Option(
        "seed", .integer("number", 0...Int.max), default: 0,
        help: "What decides the random start: the same number gives the same clusters. (default: 0)")
    private static let density = Option(
        "density", .cosine,
        help: """
            In place of --count, find as many groups as there are: pictures that have enough others within this cosine.
            """)
    private static let minimum = Option(
        "minimum", .integer("count", 1...1_000_000), default: 5,
        help: "For --density: how many pictures, itself included, are enough. (default: 5)")
    private static let labels = Option(
        each: "labels", .text("labels"), help: "Names to choose from, separated by commas.")
    private static let labelsFile = Option(
        each: "labels-file", .file("file"), help: "Read names from a file, one a line.")
    private static let template = Option(
        "template", .text("text"), default: ZeroShotClassifier.defaultTemplates[0],
        help: #"The sentence that names are put into, at {}. (default: "a photo of a {}")"#)
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
        positionals: [IndexSource.positional],
        options: [count, seed, density, minimum, labels, labelsFile, template, HeadChoice.head, members],
        IndexSource.options,
        results.all, PageChoice.options,
        examples: [
            .init(#"clip cluster photos --count 8 --labels "dog,cat,beach,street""#, "Eight groups, named."),
            .init("clip cluster photos --density 0.9 --minimum 3", "Series of pictures of the same thing."),
            .init("clip cluster photos --html clusters.html", "A page to look through, for a browser."),
        ])

    private enum Method {
        case means(count: Int, seed: UInt64)
        case density(least: Float, minimum: Int)
    }

    private let output: ResultChoice
    private let source: IndexSource
    private let page: PageChoice?
    private let labels: LabelChoice
    private let head: HeadChoice?
    private let template: String
    private let method: Method
    private let showsAll: Bool

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        labels = try LabelChoice(&arguments, Self.labels, files: Self.labelsFile)
        head = try HeadChoice(&arguments, refusing: [Self.labels, Self.labelsFile, Self.template])
        source = try IndexSource(&arguments, needsModel: !labels.isEmpty)
        page = try PageChoice(&arguments, threads: source.threads)
        if let least = arguments.take(Self.density) {
            try arguments.refuse(
                [Self.count, Self.seed], "with '--density', which finds how many clusters there are")
            method = .density(least: least, minimum: arguments.take(Self.minimum))
        } else {
            try arguments.refuse([Self.minimum], "without '--density <cosine>'")
            method = .means(count: arguments.take(Self.count), seed: UInt64(arguments.take(Self.seed)))
        }
        if labels.isEmpty { try arguments.refuse([Self.template], "without names: give '--labels <labels>'") }
        template = arguments.take(Self.template)
        guard template.contains("{}") else { throw UsageError("'--template' has no {} for the name.") }
        if output.isData, page == nil { try arguments.refuse([Self.members], "on records, which list all pictures") }
        showsAll = arguments.take(Self.members)
    }

    func run(_ console: Console) throws {
        let page = try page?.open(console)
        let labels = try labels.read(console)
        let input = try source.open(console)
        let index = input.index
        var embeddings: [Embedding] = []
        if let model = input.model, !labels.isEmpty {
            try ZeroShotClassifier.check(labels: labels, templates: [template])
            try console.warnOfDroppedText(inLabels: labels, templates: [template], longText: .truncate, model: model)
            embeddings = try LabelPrompts(of: labels, templates: [template], model: model).alone(in: 0)
            try ZeroShotClassifier.check(embeddings, of: labels)
        }
        let head = try head?.load(for: index)
        let found = try clusters(index, console)
        let gone = GoneFiles(index)
        func members(_ numbers: [Int]) throws -> [(name: RecordName, isGone: Bool)] {
            try numbers.map { number in
                let picture = try index.picture(number)
                return (RecordName(picture), gone.contains(picture))
            }
        }
        let clusters = try found.clusters.map { try members($0.numbers) }
        let noise = try members(found.noise)
        let rest = noise.isEmpty ? "" : ", \(noise.count) in none"
        let results = try ResultStream(
            output, console, model: index.fingerprint,
            note: "\(clusters.count) clusters of \(index.count - gone.count) pictures\(rest)\(gone.note)")
        let named = head?.means ?? zip(labels, embeddings).map { (label: $0, embedding: $1) }
        let nearest = found.clusters.map { $0.nearestLabels(named) }
        if let page {
            try page.write(
                .clusters(found, of: index, labels: nearest, showsAll: showsAll, gone: gone, file: page))
        }
        for (place, cluster) in found.clusters.enumerated() {
            try results.write(
                ClusterRecord(
                    number: place + 1, members: clusters[place],
                    meanSimilarity: cluster.similarities.reduce(0, +) / Float(cluster.similarities.count),
                    labels: nearest[place], showsAll: showsAll))
        }
        if !noise.isEmpty {
            try results.write(
                ClusterRecord(number: 0, members: noise, meanSimilarity: nil, labels: [], showsAll: showsAll))
        }
        try results.finish()
    }

    private func clusters(_ index: PictureIndex, _ console: Console) throws -> PictureClusters {
        switch method {
        case .means(let count, let seed):
            let found = try index.findClusters(count: count, seed: seed, threads: source.threads)
            if !found.isSettled { console.warn("pictures still change clusters after \(found.rounds) rounds") }
            return found
        case .density(let least, let minimum):
            let found = try index.findClusters(
                reaching: least, minimum: minimum, threads: source.threads, progress: console.counting("pictures"))
            console.endProgress()
            return found
        }
    }
}

/// Pictures that belong together; number 0 are those that belong to none. Those that are gone don't count.
private struct ClusterRecord: Record {
    let number: Int
    private let present: [RecordName]
    private let gone: [RecordName]
    let meanSimilarity: Float?
    let labels: [(label: String, similarity: Float)]
    let showsAll: Bool

    init(
        number: Int, members: [(name: RecordName, isGone: Bool)], meanSimilarity: Float?,
        labels: [(label: String, similarity: Float)], showsAll: Bool
    ) {
        self.number = number
        present = members.filter { !$0.isGone }.map(\.name)
        gone = members.filter(\.isGone).map(\.name)
        self.meanSimilarity = meanSimilarity
        self.labels = labels
        self.showsAll = showsAll
    }

    var fields: Fields {
        [
            "cluster": number, "size": present.count, "medoid": number == 0 ? nil : present.first?.text,
            "labels": labels.map { ["label": $0.label, "similarity": $0.similarity] as Fields },
            "mean_similarity": meanSimilarity, "paths": present, "gone": gone,
        ]
    }

    var text: String {
        let names = labels.map { "\(displayed($0.label)) \(decimal(Double($0.similarity), places: 3))" }
        let naming = names.isEmpty ? "" : "; nearest names " + names.joined(separator: ", ")
        let likeness = meanSimilarity.map { ", mean cosine \(decimal(Double($0), places: 3))" } ?? ""
        var text =
            number == 0
            ? "in no cluster: \(present.count.pictures)\n"
            : "cluster \(number): \(present.count.pictures)\(likeness)\(naming)\n"
        let shown = showsAll ? present[...] : number == 0 ? [] : present.prefix(1)
        for picture in shown { text += "    \(displayed(picture.text))\n" }
        if showsAll { for picture in gone { text += "    \(displayed(picture.text))  gone\n" } }
        return text
    }
}
