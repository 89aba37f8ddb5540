import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections
import PictureReports

struct Dedupe: Command {
    private static let results = ResultOptions.listing
    private static let threshold = Option(
        "threshold", .cosine, help: "The least cosine of near duplicates. (default: 0.95)")
    private static let exact = Option("exact", help: "Find files of the same bytes alone.")
    private static let moveTo = Option(
        "move-to", .target("folder"),
        help: "Move duplicates into a folder, on any disk, where they keep their paths; nothing there is replaced.")
    private static let link = Option(
        "link", help: "Replace files of the same bytes by hard links to the one that is kept.")

    private static let prefer = Option(
        each: "prefer", .text("folder", mayBePath: true),
        help:
            "Keep pictures of this folder rather than others, whatever their size; several: the first before the second."
    )
    private static let preferOldest = Option(
        "prefer-oldest", help: "Of pictures with as many pixels keep the one whose file was written first.")
    private static let reference = Option(
        each: "reference", .text("folder", mayBePath: true),
        help: "Touch nothing in this folder: its pictures are kept, and others may be duplicates of them.")
    private static let apply = Option(
        "apply", .file("plan"),
        help:
            "Do what a plan says, and nothing else, with --move-to or --link: records of this command, or what its page saved."
    )

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
            {"group", "kept", "duplicate", "other_names", "similarity", "exact", "bytes", "action", "kept_sha256", "sha256", \
            "link", "model"}. Take records out of it, or untick pictures on the page of --html and save the plan there, and let \
            --apply carry out the rest. Nothing is ever deleted, and 'clip undo' takes everything back. Several names of one file (hard links, a folder that is mounted twice) are one picture; symbolic \
            links are none, and are never kept, moved or replaced. Before each act both files are read again: what changed \
            since it was indexed is left alone. Near duplicates are found by comparing every \
            picture with every other one: ten times the pictures take a hundred times as long. --exact is quick.
            """,
        ],
        positionals: [IndexSource.positional],
        options: [threshold, exact, prefer, preferOldest, reference, apply, moveTo, link], IndexSource.options,
        results.all,
        [UndoChoice.list], PageChoice.options,
        examples: [
            .init("clip dedupe photos", "What is there twice?"),
            .init("clip dedupe photos --html plan.html", "Look at the groups, in a browser."),
            .init("clip dedupe --apply plan.jsonl --move-to duplicates", "Put aside what the plan says."),
            .init("clip dedupe photos --threshold 0.97 --move-to duplicates", "Put it aside."),
            .init("clip dedupe --index all.index --exact --link", "Give back the space of exact copies."),
        ])

    private enum Work {
        case find(IndexSource, PageChoice?, threshold: Float?, KeepingRule)
        case apply(PathBytes, untouched: [PathBytes])
    }

    private let output: ResultChoice
    private let work: Work
    private let action: DuplicateAction?
    private let undo: UndoChoice

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        let folder = arguments.take(Self.moveTo)
        let links = arguments.take(Self.link)
        guard folder == nil || !links else {
            throw UsageError("'--move-to' and '--link' are two different things to do.")
        }
        action = links ? .link : folder.map { .move(to: PathBytes($0)) }
        if action == nil {
            try arguments.refuse([UndoChoice.list], "where nothing is done: '--move-to' and '--link' act")
        }
        undo = UndoChoice(&arguments)
        let references = arguments.take(Self.reference).map { PathBytes($0) }
        if let plan = arguments.take(Self.apply) {
            guard arguments.positionals.isEmpty else {
                throw UsageError("'--apply <plan>' takes no folder: the plan names files.")
            }
            let ofSearches: [any AnyOption] = [Self.threshold, Self.exact, Self.prefer, Self.preferOldest]
            try arguments.refuse(
                ofSearches + IndexSource.options + PageChoice.options, "with '--apply <plan>': the plan says what goes")
            guard action != nil else {
                throw UsageError(
                    "Missing expected option '--move-to <folder>' or '--link': what is to become of what goes.")
            }
            work = .apply(PathBytes(plan), untouched: references)
            return
        }
        let exact = arguments.take(Self.exact)
        let source = try IndexSource(&arguments, needsModel: false, answers: !exact)
        let threshold = arguments.take(Self.threshold)
        guard threshold == nil || !exact else {
            throw UsageError("'--exact' compares bytes: it has no '--threshold'.")
        }
        var rule = KeepingRule()
        rule.references = references.map(\.url)
        rule.preferred = arguments.take(Self.prefer).map { PathBytes($0).url }
        rule.prefersOldest = arguments.take(Self.preferOldest)
        work = .find(
            source, try PageChoice(&arguments, threads: source.threads), threshold: exact ? nil : threshold ?? 0.95,
            rule)
        if let folder, let searched = arguments.positionals.first,
            PathBytes(folder).isSearched(with: PathBytes(searched))
        {
            throw UsageError(
                "'--move-to \(displayed(folder))' is inside the folder that is searched: the next run would find what was "
                    + "moved there and move it again. Name a folder outside.")
        }
    }

    func run(_ console: Console) throws {
        switch work {
        case .find(let source, let page, let threshold, let rule):
            try find(source, page?.open(console), threshold, rule, console)
        case .apply(let plan, let untouched):
            guard let action else { return }
            try apply(try DuplicatePlan(path: plan), action, untouched, console)
        }
    }

    /// Does what a plan says.
    private func apply(
        _ plan: DuplicatePlan, _ action: DuplicateAction, _ untouched: [PathBytes], _ console: Console
    ) throws {
        let undo = try undo.open(action.folder)
        let results = try ResultStream(output, console, columns: AppliedRecord.columns)
        var done: [AppliedRecord] = []
        var areRecordsWritten = false
        defer {
            TemporaryFiles.setLastWords(nil)
            if !areRecordsWritten, let words = lastWords(done.count, undo) { console.fail(words) }
        }
        _ = try plan.perform(action, undo: undo, untouched: untouched) { handled, _ in
            switch handled.goal {
            case .failure(let error): console.fail(described(error, name: handled.name.text))
            case .success(let goal):
                done.append(AppliedRecord(handled, goal: goal))
                TemporaryFiles.setLastWords(lastWords(done.count, undo).map { "clip: interrupted: \($0)\n" })
            }
        }
        for record in done { try results.write(record) }
        let left = plan.entries.count - Set(done.map(\.entry)).count
        if done.isEmpty { try results.tell("nothing was done of \(plan.entries.count.pictures) in the plan") }
        results.setNote(
            "\(done.count) \(action == .link ? "linked" : "moved")\(left > 0 ? ", \(left) of the plan left alone" : "")"
        )
        try results.finish()
        areRecordsWritten = true
        if let advice = undo.advice { console.note(advice) }
    }

    private func find(
        _ source: IndexSource, _ page: PageFile?, _ least: Float?, _ rule: KeepingRule, _ console: Console
    ) throws {
        let index = try source.open(console).index
        if action != nil { try index.checkComplete() }
        let undo = try action.map { action throws(CLIPError) in try self.undo.open(action.folder) }
        var leftOut = LeftOutCount()
        let groups = try index.findDuplicates(
            threshold: least, keeping: rule, threads: source.threads, progress: console.counting("pictures")
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
            if !areRecordsWritten, let words = lastWords(moved.count, undo) { console.fail(words) }
        }
        for (number, group) in groups.enumerated() {
            for handled in action.map({ perform($0, group, undo, &moved) }) ?? [] {
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
        if let advice = undo?.advice { console.note(advice) }
    }

    /// Acts on a group, ready at any moment to say how much was done.
    private func perform(
        _ action: DuplicateAction, _ group: DuplicateGroup, _ undo: UndoList?, _ moved: inout [Int: String]
    ) -> [DuplicateGroup.Handled] {
        group.perform(action, undo: undo) { handled in
            guard case .success(let goal) = handled.goal else { return }
            moved[handled.picture.number] = goal.text
            TemporaryFiles.setLastWords(lastWords(moved.count, undo).map { "clip: interrupted: \($0)\n" })
        }
    }

    /// What is said of acts that no record tells of; nil without any.
    private func lastWords(_ count: Int, _ undo: UndoList?) -> String? {
        guard let action, count > 0 else { return nil }
        let done =
            if let folder = action.folder {
                "\(count.pictures) \(count == 1 ? "was" : "were") moved to \(displayed(folder.text))"
            } else {
                "\(count.pictures) \(count == 1 ? "was" : "were") replaced by links"
            }
        return done
            + (output.isStandardOutput ? ", not all of it was written" : ", nothing was written of it")
            + (undo?.advice.map { "; " + $0 } ?? "")
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
        "group", "kept", "duplicate", "other_names", "similarity", "exact", "bytes", "action", "kept_sha256", "sha256",
        "link",
        "model", "kept_bytes", "duplicate_bytes",
    ]

    var fields: Fields {
        fields(otherNames: duplicate.otherNames.map { RecordName($0) }, link: duplicate.link.map { RecordName($0) })
    }

    /// Other names and links as text, so that every row has the same columns.
    var rows: [Fields] { [fields(otherNames: duplicate.otherNames.map(\.path), link: duplicate.link?.path)] }

    private func fields(otherNames: any FieldConvertible, link: (any FieldConvertible)?) -> Fields {
        [
            "group": group, "kept": RecordName(kept), "duplicate": RecordName(duplicate.picture),
            "other_names": otherNames, "similarity": duplicate.similarity,
            "exact": duplicate.isExact, "bytes": duplicate.picture.byteCount, "action": action,
            "kept_sha256": kept.contentHash, "sha256": duplicate.picture.contentHash, "link": link,
        ]
    }

    var paths: [RecordName] { [RecordName(duplicate.picture)] + duplicate.otherNames.map { RecordName($0) } }

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

/// A file that went as a plan says.
private struct AppliedRecord: Record {
    let entry: PathBytes
    private let kept: RecordName
    private let name: RecordName
    private let isExact: Bool
    private let goal: PathBytes

    init(_ handled: DuplicatePlan.Handled, goal: PathBytes) {
        entry = handled.entry.path
        kept = RecordName(bytes: handled.entry.keptPath.bytes)
        name = RecordName(bytes: handled.name.bytes)
        isExact = handled.entry.isExact
        self.goal = goal
    }

    static let columns = ["kept", "duplicate", "exact", "action", "kept_bytes", "duplicate_bytes", "action_bytes"]

    var fields: Fields {
        ["kept": kept, "duplicate": name, "exact": isExact, "action": RecordName(bytes: goal.bytes)]
    }

    var paths: [RecordName] { [name] }

    var text: String { "\(displayed(name.text)) -> \(displayed(goal.text))\n" }
}
