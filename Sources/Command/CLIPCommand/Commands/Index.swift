import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

struct Index: Command {
    private static let results = ResultOptions.records
    private static let output = Option(
        "output", short: "o", .target("file"), group: .output,
        help: "The index. (default: .clip-index in the first folder)")
    private static let dtype: Option<VectorType?> = Option(
        "dtype", .choice("type"),
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

    private static let exclude = Option(
        each: "exclude", .text("glob"),
        help: """
            Leave out files and folders that match, as in a .gitignore: *.tmp.png, raw/, /2019/**, !keep. The index remembers \
            them; an empty one forgets all that it had.
            """)

    private static let watch = Option(
        "watch",
        help: """
            Go on: bring the index up to date whenever something in the folders changes, until it is stopped. Each time is a \
            record; searches find the index whole all the while.
            """)
    private static let relocate = Option(
        "relocate", .file("folder"),
        help: """
            Take what the index has in this folder for what is in the one that is named: it went to another disk, or is mounted \
            elsewhere. Pictures that are as they were are not embedded again.
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
            Hidden folders are left out, what servers and programs keep (@eaDir, #recycle, $RECYCLE.BIN, node_modules, *.lrdata and \
            the like), and what the lines of a file .clipignore match in the folder that it is in. Without folders the index that \
            -o names is brought up to date with those that it had before.
            """,
            """
            An index belongs to one model and one set of picture options. Its format is described in \
            Sources/PictureCollections/FORMAT.md. Pictures that can't be read are listed, and tried again when their \
            file changes.
            """,
        ],
        positionals: [
            Positional(
                "folder", count: 1...Int.max, unless: [status, verify, prune, output], isPath: true,
                help: "Folders (all pictures inside; hidden ones and links to folders are skipped), or single pictures."
            )
        ],
        options: [exclude, relocate, watch, status, verify, prune, salvage, allowEmpty, dtype, wait],
        ModelChoice.options, [PictureChoice.batchSize], PictureChoice.options, [results.format, output],
        ResultOptions.messages,
        replaces: [.index],
        examples: [
            .init("clip index photos", "Make photos/.clip-index, or bring it up to date."),
            .init("clip index photos scans -o all.index", "Two folders in one index."),
            .init("clip index --watch photos", "Keep the index up to date while pictures come and go."),
            .init(
                "clip index /mnt/new/photos -o all.index --relocate /mnt/old/photos",
                "The same pictures on another disk."),
            .init("clip index --status photos", "How many pictures are in it, of which model, what could not be read."),
        ])

    private enum Mode {
        /// Looks for new pictures in these folders.
        case status([PathBytes])
        case verify
        case prune(waits: Bool, allowsEmpty: Bool)
        case update(Updating)
    }

    private struct Updating {
        /// None: those that the index has.
        let folders: [[UInt8]]
        let model: ModelChoice
        let pictures: PictureChoice
        /// nil where that is left to the index.
        let vectorType: VectorType?
        let waits: Bool
        let salvages: Bool
        let allowsEmpty: Bool
        /// nil where that is left to the index.
        let exclusions: ExclusionRules?
        /// Where the folder was before.
        let former: PathBytes?
        /// Whether the folders are watched afterwards.
        let watches: Bool
    }

    private let output: ResultChoice
    private let path: PathBytes
    private let mode: Mode
    /// Why it can't be told what the first argument is, and so which index is meant.
    private let fault: CLIPError?

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = ResultChoice(formatOf: &arguments, Self.results)
        let modes = [Self.status, Self.verify, Self.prune].filter { arguments.take($0) }
        guard modes.count < 2 else {
            throw UsageError(
                "'--\(modes[0].form.name)' and '--\(modes[1].form.name)' are two different things to do.")
        }
        // Pictures may be named one by one: the first of them is no place for an index.
        let first = arguments.positionals.first.map { PathBytes($0) }
        if let first, case .missing(let why) = first.kind, !first.isAbsent {
            fault = CLIPError(.picture, path: first.text, "can't be examined: \(why)")
        } else {
            fault = nil
        }
        let target = arguments.take(Self.output).map { PathBytes($0) }
        path = IndexChoice.path(target ?? (modes.isEmpty && first?.kind != .folder ? nil : first))
        guard let chosen = modes.first else {
            let patterns = arguments.take(Self.exclude)
            let former = arguments.take(Self.relocate).map { PathBytes($0) }
            guard former == nil || arguments.positionals.count == 1 else {
                throw UsageError("'--relocate' is about one folder: name where that is now.")
            }
            let watches = arguments.take(Self.watch)
            guard !watches || output.format != .json else {
                throw UsageError("'--watch' writes results without an end, which json can't: take '--format jsonl'.")
            }
            mode = .update(
                Updating(
                    folders: arguments.positionals, model: ModelChoice(&arguments), pictures: PictureChoice(&arguments),
                    vectorType: arguments.take(Self.dtype), waits: arguments.take(Self.wait),
                    salvages: arguments.take(Self.salvage), allowsEmpty: arguments.take(Self.allowEmpty),
                    exclusions: patterns.isEmpty ? nil : ExclusionRules(patterns.filter { !$0.isEmpty }),
                    former: former,
                    watches: watches))
            return
        }
        let name = "'--\(chosen.form.name)'"
        let comparesFolders = chosen === Self.status && target != nil
        guard comparesFolders || arguments.positionals.count < 2 else {
            throw UsageError("\(name) takes one index, or the folder that it is in.")
        }
        if chosen === Self.status {
            let isOfFolder = path.name.elementsEqual(PictureIndex.defaultName.utf8)
            mode = .status(
                comparesFolders ? arguments.positionals.map { PathBytes($0) } : isOfFolder ? [path.folder] : [])
        } else if chosen === Self.verify {
            mode = .verify
        } else {
            mode = .prune(waits: arguments.take(Self.wait), allowsEmpty: arguments.take(Self.allowEmpty))
        }
        if chosen !== Self.prune { try arguments.refuse([Self.wait, Self.allowEmpty], "with \(name)") }
        let ofUpdates: [any AnyOption] =
            [Self.exclude, Self.relocate, Self.watch, Self.salvage, Self.dtype] + IndexSource.options
        try arguments.refuse(ofUpdates, "with \(name)")
    }

    func run(_ console: Console) throws {
        if let fault { throw fault }
        switch mode {
        case .status(let folders): try status(folders, console)
        case .verify:
            let index = try PictureIndex(path: path)
            let verification = try index.verify()
            for damaged in verification.damagedPaths { console.fail("\(damaged): its record or vector is damaged") }
            for damage in verification.otherDamage { console.fail("\(path.text): \(damage) is damaged") }
            if let problem = index.problem { console.fail(problem) }
            try ResultStream.write(
                IndexVerificationRecord(path: path.text, verification: verification), output, console)
        case .prune(let waits, let allowsEmpty):
            let update = try PictureIndex.prune(path: path, waits: waits, allowsEmpty: allowsEmpty)
            IndexInput.report(update, path, again: "clip index --prune \(path.text)", in: [], console)
            try ResultStream.write(IndexUpdateRecord(path: path.text, update: update), output, console)
        case .update(let updating):
            let results = try ResultStream(output, console, isSingle: true)
            try results.write(IndexUpdateRecord(path: path.text, update: update(updating, results, console)))
            try results.finish()
        }
    }

    private func status(_ folders: [PathBytes], _ console: Console) throws {
        let index = try PictureIndex(path: path)
        if let problem = index.problem { console.warn(problem) }
        let comparison = try index.compareWithFiles(in: folders)
        for place in comparison.unreachable { console.fail("\(place.path): \(place.error.sentence)") }
        for folder in comparison.emptiedFolders {
            console.warn(
                "\(folder.path): \(folder.state), the index has \(folder.pictureCount) there: is a disk not mounted?"
            )
        }
        console.report(skipped: comparison.skipped, in: folders)
        try ResultStream.write(
            IndexStatusRecord(index: index, comparison: comparison, unreadable: index.unreadable()), output, console)
    }

    private func update(_ updating: Updating, _ results: ResultStream, _ console: Console) throws -> IndexUpdate {
        if let wanted = updating.vectorType, let index = try? PictureIndex(path: path), index.vectorType != wanted {
            throw CLIPError(
                .storage,
                "\(path.text): its embeddings are stored as \(index.vectorType.rawValue), not as \(wanted.rawValue): leave "
                    + "out --dtype, remove the index to make it anew, or name another file with -o")
        }
        if let former = updating.former {
            let folder = PathBytes(updating.folders[0])
            try IndexChoice.checkIsThere(path, namedBy: "-o")
            let count = try PictureIndex.relocate(path: path, from: former, to: folder, waits: updating.waits)
            console.note("relocated from \(former.text) to \(folder.text): \(count.pictures)")
        }
        let model = try updating.model.load(updating: path, console, answers: false)
        let folders =
            try updating.folders.isEmpty ? PictureIndex(path: path).sourcePaths.map(\.bytes) : updating.folders
        guard !folders.isEmpty else {
            throw CLIPError(.storage, "\(path.text): doesn't say which folders it is of: name them")
        }
        func watched(_ update: IndexUpdate) throws(CLIPError) {
            try results.write(IndexUpdateRecord(path: path.text, update: update))
            try results.flush()
        }
        let update = try IndexInput.update(
            path, roots: folders, model: model, updating.pictures, console,
            vectorType: updating.vectorType ?? .float16, waits: updating.waits, salvages: updating.salvages,
            allowsEmpty: updating.allowsEmpty, exclusions: updating.exclusions,
            watched: updating.watches ? watched : nil)
        if model.isEmbedded, !updating.model.isNamed, update.added > update.copied || update.changed > 0 {
            console.noteDemonstration()
        }
        return update
    }
}

/// What a run of `clip index` did.
private struct IndexUpdateRecord: Record {
    let path: String
    let update: IndexUpdate

    private var pictureCount: Int { update.unchanged + update.added + update.changed + update.moved }

    private var counts: [(name: String, count: Int)] {
        [
            ("added", update.added), ("changed", update.changed), ("moved", update.moved), ("copied", update.copied),
            ("deleted", update.deleted), ("unchanged", update.unchanged), ("unreadable", update.unreadable),
            ("dropped", update.dropped),
        ]
    }

    var fields: Fields {
        var fields: Fields = ["index": path]
        for (name, count) in counts { fields.add(name, count) }
        fields += [
            "compacted": update.wasCompacted, "skipped": update.skipped,
            "emptied": update.emptiedFolders.map { ["input": $0.path, "pictures": $0.pictureCount] as Fields },
            "failed": (update.unreachable + update.newlyUnreadable).map(Fields.failure),
        ]
        return fields
    }

    var text: String {
        // Records are dropped, not files.
        let names = ["deleted": "dropped from the index", "dropped": "damaged and dropped"]
        let kept = update.emptiedFolders.reduce(0) { $0 + $1.pictureCount }
        var parts = counts.filter { $0.count > 0 && $0.name != "copied" }.map { name, count in
            let copies = name == "added" && update.copied > 0 ? " (\(update.copied) of them copies)" : ""
            return "\(count) \(names[name] ?? name)\(copies)"
        }
        if kept > 0 { parts.append("\(kept) kept") }
        if kept > 0, pictureCount == 0 { parts.append("none found") }
        return "\(displayed(path)): \(parts.isEmpty ? "no pictures" : parts.joined(separator: ", "))\n"
    }
}

/// What is in an index.
private struct IndexStatusRecord: Record {
    let index: PictureIndex
    let comparison: IndexComparison
    let unreadable: [UnreadablePicture]

    var fields: Fields {
        [
            "index": index.path, "pictures": index.count, "unreadable": unreadable.count,
            "dimension": index.dimension, "dtype": index.vectorType.rawValue, "bytes": index.byteCount,
            "complete": index.isComplete, "superseded": index.supersededCount, "gone": comparison.goneCount,
            "new": comparison.newCount, "changed": comparison.changedCount, "skipped": comparison.skipped,
            "settings": index.settings.options ?? "the model's own", "model_path": index.modelName,
            "model": index.fingerprint, "failed": (comparison.unreachable + unreadable).map(Fields.failure),
        ]
    }

    var text: String {
        var text = "\(displayed(index.path))\n"
        func line(_ name: String, _ value: String) { text += "  \(name.padded(to: 14))\(displayed(value))\n" }
        line("pictures", "\(index.count)")
        line("vectors", "\(index.dimension) × \(index.vectorType.rawValue)")
        line("size", fileSize(index.byteCount))
        line("model", "\(index.modelName) (\(index.fingerprint.prefix(12))…)")
        line(
            "pictures are",
            index.settings.options ?? "fitted as the model was trained")
        let new = comparison.newCount.map { ", \($0) new" } ?? ""
        line("since then", "\(comparison.goneCount) gone\(new), \(comparison.changedCount) changed")
        if index.supersededCount > 0 { line("superseded", "\(index.supersededCount) records, gone after --prune") }
        if !index.isComplete { line("the end", "is missing: index again, or copy it again") }
        line("unreadable", "\(unreadable.count)")
        for picture in unreadable { text += "    \(displayed(picture.path)): \(displayed(picture.error.sentence))\n" }
        return text
    }
}

/// What `clip index --verify` found.
private struct IndexVerificationRecord: Record {
    let path: String
    let verification: IndexVerification

    var fields: Fields {
        [
            "index": path, "intact": verification.isIntact, "complete": verification.isComplete,
            "checked": verification.pictureCount, "damaged": verification.damagedPaths,
            "other_damage": verification.otherDamage, "torn_bytes": verification.tornByteCount,
        ]
    }

    var text: String {
        let torn = verification.tornByteCount
        let rest = torn > 0 ? "; \(torn) bytes of another at the end, which the next run drops" : ""
        let damaged = verification.damagedPaths.count + verification.otherDamage.count
        let finding =
            damaged > 0
            ? "\(verification.damagedPaths.count) of \(verification.pictureCount) records are damaged: drop them with --prune, and "
                + "index again"
            : verification.isComplete
                ? "all \(verification.pictureCount) records are intact"
                : "the end is missing, the \(verification.pictureCount) records before it are intact"
        return "\(displayed(path)): \(finding)\(rest)\n"
    }
}

extension PictureSettings {
    /// The options that ask for them; nil for the model's own.
    fileprivate var options: String? {
        var words: [String] = []
        if let fit { words.append("--fit \(fit.rawValue)") }
        if !reading.compositesAlphaOverWhite { words.append("--alpha drop") }
        if !reading.appliesOrientation { words.append("--no-orient") }
        if reading.clipsGray16 { words.append("--gray16 clip") }
        if reading.allowsTruncated { words.append("--allow-truncated") }
        if reading.leastEdge != nil { words.append("--fast-decode") }
        return words.isEmpty ? nil : words.joined(separator: " ")
    }
}

extension Fields {
    /// A picture that has no embedding, and why.
    fileprivate static func failure(_ picture: UnreadablePicture) -> Fields {
        failure(RecordName(bytes: picture.pathBytes), picture.error.sentence)
    }
}
