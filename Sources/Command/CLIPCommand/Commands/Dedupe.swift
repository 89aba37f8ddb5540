import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections
import PictureReports

struct Dedupe: Command {
    private static let results = ResultOptions.table
    private static let threshold = Option(
        "threshold", .cosine, help: "The least cosine of near duplicates. (default: 0.95)")
    private static let exact = Option("exact", help: "Find files of the same bytes alone.")
    private static let moveTo = Option(
        "move-to", .target("folder"),
        help: "Move duplicates into a folder, on any disk, where they keep their paths; nothing there is replaced.")
    private static let link = Option(
        "link", help: "Replace files of the same bytes by hard links to the one that is kept.")

    static let table = CommandTable(
        "dedupe",
        abstract: "Find pictures that are there more than once, and say which to keep.",
        discussion: [
            """
            Files of the same bytes come first, then near duplicates: made smaller, saved again, slightly changed. The \
            one with the most pixels is kept, of equals the largest file, then one that other names or links lead to, then \
            the one with the shortest path. Every duplicate is near to the kept picture itself. Pictures of the same kind \
            of thing may be as near: look before you act, and raise the threshold where a group holds different pictures.
            """,
            """
            Without --move-to or --link nothing is touched: the output is a plan, one record per duplicate: \
            {"group", "kept", "duplicate", "other_names", "similarity", "exact", "bytes", "action", "model"}. Nothing is \
            ever deleted. Several names of one file (hard links, a folder that is mounted twice) are one picture; symbolic \
            links are none, and are never kept, moved or replaced. Before each act both files are read again: what changed \
            since it was indexed is left alone. Near duplicates are found by comparing every \
            picture with every other one: ten times the pictures take a hundred times as long. --exact is quick.
            """,
        ],
        positionals: [IndexSource.positional],
        options: [threshold, exact, moveTo, link], IndexSource.options, results.all, PageChoice.options,
        examples: [
            .init("clip dedupe photos", "What is there twice?"),
            .init("clip dedupe photos --html plan.html", "Look at the groups, in a browser."),
            .init("clip dedupe photos --threshold 0.97 --move-to duplicates", "Put it aside."),
            .init("clip dedupe --index all.index --exact --link", "Give back the space of exact copies."),
        ])

    private let output: ResultChoice
    private let source: IndexSource
    private let page: PageChoice?
    private let least: Float?
    private let action: DuplicateAction?

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        let exact = arguments.take(Self.exact)
        source = try IndexSource(&arguments, needsModel: false, answers: !exact)
        page = try PageChoice(&arguments, threads: source.threads)
        let threshold = arguments.take(Self.threshold)
        guard threshold == nil || !exact else {
            throw UsageError("'--exact' compares bytes: it has no '--threshold'.")
        }
        least = exact ? nil : threshold ?? 0.95
        let folder = arguments.take(Self.moveTo)
        let links = arguments.take(Self.link)
        guard folder == nil || !links else {
            throw UsageError("'--move-to' and '--link' are two different things to do.")
        }
        action = links ? .link : folder.map { .move(to: PathBytes($0)) }
        if let folder, let searched = arguments.positionals.first,
            PathBytes(folder).isSearched(with: PathBytes(searched))
        {
            throw UsageError(
                "'--move-to \(displayed(folder))' is inside the folder that is searched: the next run would find what was "
                    + "moved there and move it again. Name a folder outside.")
        }
    }

    func run(_ console: Console) throws {
        let page = try page?.open(console)
        let index = try source.open(console).index
        if action != nil { try index.checkComplete() }
        var leftOut = LeftOutCount()
        let groups = try index.findDuplicates(
            threshold: least, threads: source.threads, progress: console.counting("pictures")
        ) {
            leftOut.add($0, $1, console)
        }
        console.endProgress()
        let results = try ResultStream(output, console, model: index.fingerprint, columns: DuplicateRecord.columns)
        // Made small before anything is moved away.
        let pictures = try page.map { try PictureReport.picturesOfDuplicates(groups, of: index, file: $0) }
        var moved: [Int: String] = [:]
        var areRecordsWritten = false
        defer {
            TemporaryFiles.setLastWords(nil)
            if !areRecordsWritten, let words = lastWords(moved.count) { console.fail(words) }
        }
        for (number, group) in groups.enumerated() {
            for handled in action.map({ perform($0, group, &moved) }) ?? [] {
                if case .failure(let error) = handled.goal {
                    console.fail(described(error, name: handled.picture.path))
                }
            }
            for (rank, duplicate) in group.duplicates.enumerated() {
                try results.write(
                    DuplicateRecord(
                        group: number + 1, kept: group.kept, duplicate: duplicate, isFirst: rank == 0,
                        action: moved[duplicate.picture.number]))
            }
        }
        // The records first: a page that can't be written must not take them along.
        results.setNote(note(groups, of: index, actedOn: moved.count))
        if groups.isEmpty { try results.tell("no duplicates among \(index.count.pictures)") }
        try results.finish()
        areRecordsWritten = true
        TemporaryFiles.setLastWords(nil)
        if let page, let pictures {
            try page.write(.duplicates(groups, of: index, pictures: pictures, moved: moved, action: action))
        }
        leftOut.warn(console)
    }

    /// Acts on a group, ready at any moment to say how much was done.
    private func perform(
        _ action: DuplicateAction, _ group: DuplicateGroup, _ moved: inout [Int: String]
    ) -> [DuplicateGroup.Handled] {
        group.perform(action) { handled in
            guard case .success(let goal) = handled.goal else { return }
            moved[handled.picture.number] = goal.text
            TemporaryFiles.setLastWords(lastWords(moved.count).map { "clip: interrupted: \($0)\n" })
        }
    }

    /// What is said of acts that no record tells of; nil without any.
    private func lastWords(_ count: Int) -> String? {
        guard let action, count > 0 else { return nil }
        let done =
            if let folder = action.folder {
                "\(count.pictures) \(count == 1 ? "was" : "were") moved to \(displayed(folder.text))"
            } else {
                "\(count.pictures) \(count == 1 ? "was" : "were") replaced by links"
            }
        return done
            + (output.isStandardOutput ? ", not all of it was written" : ", nothing was written of it")
    }

    /// What was found, and what was done about it.
    private func note(_ groups: [DuplicateGroup], of index: PictureIndex, actedOn count: Int) -> String {
        let duplicates = groups.flatMap(\.duplicates)
        let size = fileSize(duplicates.reduce(0) { $0 + $1.picture.byteCount })
        let exact = duplicates.count { $0.isExact }
        let found = duplicates.count == 1 ? "is a duplicate" : "are duplicates"
        let done =
            if let action {
                "\(count) \(action == .link ? "linked" : "moved")"
            } else {
                "nothing was touched: --move-to and --link act"
            }
        return "\(duplicates.count) of \(index.count.pictures) \(found) (\(exact) exact), \(size); \(done)"
    }
}

/// Pictures of an index that are not compared, told in a line rather than one by one.
private struct LeftOutCount {
    private var links = 0
    private var gone = 0

    mutating func add(_ picture: IndexedPicture, _ reason: LeftOutPicture, _ console: Console) {
        switch reason {
        case .link: links += 1
        case .gone: gone += 1
        case .unknown(let message): console.fail("\(picture.path): can't be looked at: \(message)")
        }
    }

    func warn(_ console: Console) {
        if links > 0 { console.warn("\(links) symbolic \(links == 1 ? "link is" : "links are") left out") }
        if gone > 0 { console.warn("\(GoneFiles.words(gone)): index again") }
    }
}

/// A picture that need not be kept.
private struct DuplicateRecord: Record {
    let group: Int
    let kept: IndexedPicture
    let duplicate: DuplicateGroup.Duplicate
    let isFirst: Bool
    /// Where it went.
    let action: String?

    static let columns = [
        "group", "kept", "duplicate", "other_names", "similarity", "exact", "bytes", "action", "model",
    ]

    var fields: Fields {
        [
            "group": group, "kept": kept.path, "duplicate": duplicate.picture.path,
            "other_names": duplicate.otherNames.map(\.path), "similarity": duplicate.similarity,
            "exact": duplicate.isExact, "bytes": duplicate.picture.byteCount, "action": action,
        ]
    }

    var text: String {
        func size(_ picture: IndexedPicture) -> String { "\(picture.width) × \(picture.height)" }
        let heading = isFirst ? "keep   \(displayed(kept.path)), \(size(kept))\n" : ""
        let likeness = duplicate.isExact ? "same " : decimal(Double(duplicate.similarity), places: 3)
        let goal = action.map { " -> \(displayed($0))" } ?? ""
        let names = duplicate.otherNames.map { ", also \(displayed($0.path))" }.joined()
        let own = "\(displayed(duplicate.picture.path)), \(size(duplicate.picture))\(names)"
        return "\(heading) \(likeness) \(own)\(goal)\n"
    }
}
