import CLIP
import CLIPSystem
import CLIPWeights
import PictureCollections

struct Dedupe: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json, .csv]
    private static let threshold = Option(
        "threshold", .text("cosine"), help: "The least cosine of near duplicates. (default: 0.95)")
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
        positionals: [.indexedFolder],
        options: [threshold, exact, moveTo, link] + IndexInput.options + Option.outputOptions(formats)
            + Option.pageOptions,
        examples: [
            .init("clip dedupe photos", "What is there twice?"),
            .init("clip dedupe photos --html plan.html", "Look at the groups, in a browser."),
            .init("clip dedupe photos --threshold 0.97 --move-to duplicates", "Put it aside."),
            .init("clip dedupe --index all.index --exact --link", "Give back the space of exact copies."),
        ])

    private let output: OutputOptions
    private let source: IndexSource
    private let page: PageChoice?
    private let least: Float?
    private let action: DuplicateAction?

    init(_ arguments: Arguments) throws(UsageError) {
        output = try OutputOptions(arguments, formats: Dedupe.formats)
        source = try IndexSource(arguments, needsModel: false, answers: !arguments.flag(Dedupe.exact))
        page = try PageChoice(arguments)
        let threshold = try arguments.number(Dedupe.threshold)
        guard threshold == nil || !arguments.flag(Dedupe.exact) else {
            throw UsageError("'--exact' compares bytes: it has no '--threshold'.")
        }
        least = arguments.flag(Dedupe.exact) ? nil : threshold ?? 0.95
        let folder = arguments.text(Dedupe.moveTo)
        guard folder == nil || !arguments.flag(Dedupe.link) else {
            throw UsageError("'--move-to' and '--link' are two different things to do.")
        }
        action = arguments.flag(Dedupe.link) ? .link : folder.map { .move(to: $0) }
        if let folder, let searched = arguments.positionals.first,
            PathBytes(folder).isSearched(with: PathBytes(searched))
        {
            throw UsageError(
                "'--move-to \(displayed(folder))' is inside the folder that is searched: the next run would find what was "
                    + "moved there and move it again. Name a folder outside.")
        }
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let page = try page.map { choice throws(OutputError) in try choice.open(console) }
        let index = try source.open(console).index
        if action != nil { try index.checkComplete() }
        var leftOut = LeftOutCount()
        let groups = try index.duplicates(
            threshold: least, threads: source.threads, progress: IndexInput.progress(console)
        ) {
            leftOut.add($0, $1, console)
        }
        console.progress?.clear()
        console.progress = nil
        let results = try ResultStream(output, console: console)
        // Made small before anything is moved away.
        let pictures = try page?.pictures(DuplicatesPage.paths(groups), options: index.settings.reading)
        var moved: [Int: String] = [:]
        var areRecordsWritten = false
        defer {
            TemporaryFiles.setLastWords(nil)
            if !areRecordsWritten, let words = lastWords(moved.count) { console.fail(words) }
        }
        for (number, group) in groups.enumerated() {
            for handled in action.map({ perform($0, group, &moved) }) ?? [] {
                if case .failure(let error) = handled.result {
                    console.fail(described(error, name: handled.picture.path))
                }
            }
            for (rank, duplicate) in group.duplicates.enumerated() {
                try results.write(
                    DuplicateRecord(
                        group: number + 1, kept: group.kept, duplicate: duplicate, isFirst: rank == 0,
                        action: moved[duplicate.picture.number], fingerprint: index.fingerprint))
            }
        }
        // The records first: a page that can't be written must not take them along.
        results.setNote(note(groups, of: index, actedOn: moved.count))
        if groups.isEmpty { try results.tell("no duplicates among \(index.count.pictures)") }
        try results.finish()
        areRecordsWritten = true
        TemporaryFiles.setLastWords(nil)
        if let page, let pictures {
            try page.write(
                DuplicatesPage(index: index, groups: groups, pictures: pictures, moved: moved, action: action).report())
        }
        leftOut.warn(console)
        return !console.hasFailed
    }

    /// Acts on a group, ready at any moment to say how much was done.
    private func perform(
        _ action: DuplicateAction, _ group: DuplicateGroup, _ moved: inout [Int: String]
    ) -> [DuplicateGroup.Handled] {
        group.perform(action) { handled in
            guard case .success(let goal) = handled.result else { return }
            moved[handled.picture.number] = goal
            TemporaryFiles.setLastWords(lastWords(moved.count).map { "clip: interrupted: \($0)\n" })
        }
    }

    /// What is said of acts that no record tells of; nil without any.
    private func lastWords(_ count: Int) -> String? {
        guard let action, count > 0 else { return nil }
        let done =
            switch action {
            case .move(let folder): "\(count.pictures) \(count == 1 ? "was" : "were") moved to \(displayed(folder))"
            case .link: "\(count.pictures) \(count == 1 ? "was" : "were") replaced by links"
            }
        return done
            + (output.path == nil || output.path == "-" ? ", not all of it was written" : ", nothing was written of it")
    }

    /// What was found, and what was done about it.
    private func note(_ groups: [DuplicateGroup], of index: PictureIndex, actedOn count: Int) -> String {
        let duplicates = groups.flatMap(\.duplicates)
        let size = fileSize(duplicates.reduce(0) { $0 + $1.picture.byteCount })
        let exact = duplicates.count { $0.isExact }
        let found = duplicates.count == 1 ? "is a duplicate" : "are duplicates"
        let done =
            switch action {
            case nil: "nothing was touched: --move-to and --link act"
            case .move: "\(count) moved"
            case .link: "\(count) linked"
            }
        return "\(duplicates.count) of \(index.count.pictures) \(found) (\(exact) exact), \(size); \(done)"
    }
}

extension PathBytes {
    /// Whether a search through `folder` comes here: what is hidden is left out. What is not there yet is taken by its name.
    fileprivate func isSearched(with folder: PathBytes) -> Bool {
        guard let root = try? folder.resolved() else { return false }
        var names: [ArraySlice<UInt8>] = bytes.split(separator: PathBytes.slash).filter { $0 != [UInt8(ascii: ".")] }
        var rest: [ArraySlice<UInt8>] = []
        let start = bytes.first == PathBytes.slash ? [PathBytes.slash] : Array("./".utf8)
        while true {
            let known = PathBytes(start + names.joined(separator: [PathBytes.slash]))
            if let resolved = try? known.resolved() {
                let place = rest.reduce(resolved) { $0.appending($1) }
                guard place.isAtOrInside(root) else { return false }
                return !place.bytes.dropFirst(root.bytes.count).split(separator: PathBytes.slash).contains {
                    $0.first == UInt8(ascii: ".")
                }
            }
            guard let name = names.popLast() else { return false }
            rest.insert(name, at: 0)
        }
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
        if gone > 0 { console.warn("\(gone.pictures) of the index \(gone == 1 ? "is" : "are") gone: index again") }
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
    let fingerprint: String

    var fields: [(name: String, value: FieldValue)] {
        [
            ("group", .integer(group)), ("kept", .text(kept.path)), ("duplicate", .text(duplicate.picture.path)),
            ("other_names", .texts(duplicate.otherNames.map(\.path))),
            ("similarity", .number(duplicate.similarity)), ("exact", .truth(duplicate.isExact)),
            ("bytes", .integer(duplicate.picture.byteCount)), ("action", .optional(action)),
            ("model", .text(fingerprint)),
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
