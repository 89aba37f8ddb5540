import CLIP
import CLIPSystem
import PictureCollections

struct Index: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json]
    private static let output = Option(
        "output", short: "o", .target("file"), group: .output, replaces: [.index],
        help: "The index. (default: .clip-index in the first folder)")
    private static let dtype = Option(
        "dtype", .choice("type", VectorType.allCases.map(\.rawValue)),
        help: "How embeddings are stored in a new index: f16 or f32. (default: f16)")
    private static let wait = Option("wait", help: "Wait for another process that writes the same index.")
    private static let status = Option(
        "status",
        help: """
            Say what is in the index, and how many pictures are gone, new or changed since; nothing is written. With -o \
            the folders named are looked through.
            """)
    private static let verify = Option("verify", help: "Read every byte and compare all checksums; nothing is written.")
    private static let prune = Option(
        "prune",
        help: "Drop pictures whose file is gone and damaged records, and rewrite the index without them.")
    private static let salvage = Option(
        "salvage", help: "Of an index whose structure is damaged, keep what comes before the damage and go on.")
    private static let allowEmpty = Option(
        "allow-empty",
        help: """
            Believe a folder that is gone or holds no pictures any more, and drop those that the index has there. \
            Without it they are kept, if they are several: a disk may not be mounted.
            """)

    static let table = CommandTable(
        "index",
        abstract: "Keep the embeddings of all pictures in folders in one file, for search and the like.",
        discussion: [
            """
            The first run embeds every picture, later ones what is new or changed, found by size, time and contents; \
            of moved pictures the embedding is kept, deleted ones are dropped. A run may be stopped at any instant, \
            by whatever: the next goes on where it ended. Pictures outside the folders given are left alone.
            """,
            """
            Pictures are found by their names, or by their first bytes where the name says nothing; what is left out is \
            counted by kind. A folder that can't be read, is gone or has become empty is named, what the index has there is \
            kept, and the exit status is 1.
            """,
            """
            An index belongs to one model and one set of picture options. Its format is described in \
            Sources/PictureCollections/FORMAT.md. Pictures that can't be read are listed, and tried again when their \
            file changes.
            """,
        ],
        positionals: [
            Positional(
                "folder", count: 1...Int.max, unless: [status, verify, prune], isPath: true,
                help: "Folders (all pictures inside; hidden ones and links to folders are skipped), or single pictures."
            )
        ],
        options: [status, verify, prune, salvage, allowEmpty, dtype, wait] + Option.modelOptions + [.batchSize]
            + Option.pictureOptions + [.format(formats), output, .quiet],
        examples: [
            .init("clip index photos", "Make photos/.clip-index, or bring it up to date."),
            .init("clip index photos scans -o all.index", "Two folders in one index."),
            .init("clip index --status photos", "How many pictures are in it, of which model, what could not be read."),
        ])

    private let results: OutputOptions
    private let path: PathBytes
    private let mode: Mode

    private enum Mode {
        /// Looks for new pictures in these folders.
        case status([PathBytes])
        case verify
        case prune(waits: Bool, allowsEmpty: Bool)
        case update(Updating)
    }

    private struct Updating {
        let folders: [[UInt8]]
        let model: ModelChoice
        let pictures: PictureChoice
        /// nil where that is left to the index.
        let vectorType: VectorType?
        let waits: Bool
        let salvages: Bool
        let allowsEmpty: Bool
    }

    init(_ arguments: Arguments) throws(UsageError) {
        results = OutputOptions(
            format: arguments.choice(.format(Index.formats)), path: nil, isQuiet: arguments.flag(.quiet))
        let modes = [Index.status, Index.verify, Index.prune].filter { arguments.flag($0) }
        guard modes.count < 2 else {
            throw UsageError("'--\(modes[0].name)' and '--\(modes[1].name)' are two different things to do.")
        }
        // Pictures may be named one by one: the first of them is no place for an index.
        let first = arguments.positionals.first.map { PathBytes($0) }
        if let first, case .missing(let why) = first.kind, !first.isAbsent {
            throw UsageError("'\(displayed(first.text))' can't be examined: \(why).")
        }
        let place = modes.isEmpty && first?.kind != .folder ? nil : first
        path = IndexChoice.path(arguments.text(Index.output).map { PathBytes($0) } ?? place)
        let comparesFolders = arguments.flag(Index.status) && arguments.has(Index.output)
        guard modes.isEmpty || comparesFolders || arguments.positionals.count < 2 else {
            throw UsageError("'--\(modes[0].name)' takes one index, or the folder that it is in.")
        }
        switch modes.first?.name {
        case Index.status.name:
            let isOfFolder = path.name.elementsEqual(PictureIndex.defaultName.utf8)
            mode = .status(
                comparesFolders ? arguments.positionals.map { PathBytes($0) } : isOfFolder ? [path.folder] : [])
        case Index.verify.name: mode = .verify
        case Index.prune.name:
            mode = .prune(waits: arguments.flag(Index.wait), allowsEmpty: arguments.flag(Index.allowEmpty))
        default:
            mode = .update(
                Updating(
                    folders: arguments.positionals, model: ModelChoice(arguments), pictures: PictureChoice(arguments),
                    vectorType: arguments.choice(Index.dtype), waits: arguments.flag(Index.wait),
                    salvages: arguments.flag(Index.salvage), allowsEmpty: arguments.flag(Index.allowEmpty)))
            return
        }
        let others =
            [Index.salvage, Index.dtype, .batchSize] + Option.modelOptions + Option.pictureOptions
        try arguments.refuse(
            (modes[0].name == Index.prune.name ? [] : [Index.wait, Index.allowEmpty]) + others,
            "with '--\(modes[0].name)'")
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: results.isQuiet)
        switch mode {
        case .status(let folders):
            try status(folders, console)
        case .verify:
            let index = try PictureIndex(path: path)
            let verification = index.verify()
            for damaged in verification.damagedPaths { console.fail("\(damaged): its record or vector is damaged") }
            for damage in verification.otherDamage { console.fail("\(path.text): \(damage) is damaged") }
            if let problem = index.problem { console.fail(problem) }
            try write(IndexVerificationRecord(path: path.text, verification), console)
        case .prune(let waits, let allowsEmpty):
            let update = try PictureIndex.prune(path: path, waits: waits, allowsEmpty: allowsEmpty)
            IndexInput.report(update, path, again: "clip index --prune \(path.text)", in: [], console)
            try write(IndexUpdateRecord(path: path.text, update), console)
        case .update(let updating):
            try write(IndexUpdateRecord(path: path.text, update(updating, console)), console)
        }
        return !console.hasFailed
    }

    private func status(_ folders: [PathBytes], _ console: Console) throws {
        let index = try PictureIndex(path: path)
        if let problem = index.problem { console.warn(problem) }
        let comparison = try index.compareWithFiles(in: folders)
        for place in comparison.unreachable { console.fail("\(place.path): \(place.message)") }
        for folder in comparison.emptiedFolders {
            console.warn(
                "\(folder.path): \(folder.state), the index has \(folder.pictureCount) there: is a disk not mounted?"
            )
        }
        console.report(skipped: comparison.skipped, in: folders)
        try write(IndexStatusRecord(index, comparison), console)
    }

    private func update(_ updating: Updating, _ console: Console) throws -> IndexUpdate {
        if let wanted = updating.vectorType, let index = try? PictureIndex(path: path), index.vectorType != wanted {
            throw InputError(
                "\(path.text): its embeddings are stored as \(index.vectorType.rawValue), not as \(wanted.rawValue): leave "
                    + "out --dtype, remove the index to make it anew, or name another file with -o")
        }
        let model = try updating.model.load(updating: path, console, answers: false)
        let update = try IndexInput.update(
            path, roots: updating.folders, model: model, updating.pictures, console,
            vectorType: updating.vectorType ?? .float16, waits: updating.waits, salvages: updating.salvages,
            allowsEmpty: updating.allowsEmpty)
        if model.isEmbedded, !updating.model.isNamed, update.added > update.copied || update.changed > 0 {
            console.noteDemonstration()
        }
        return update
    }

    private func write(_ record: some Record, _ console: Console) throws {
        let stream = try ResultStream(results, console: console, isSingle: true)
        try stream.write(record)
        try stream.finish()
    }
}
