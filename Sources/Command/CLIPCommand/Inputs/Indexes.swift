import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

/// The index that a command line asks for.
enum IndexChoice {
    static let index = Option(
        "index", .file("file"),
        help: "The index, or the folder that it is in. (default: .clip-index in the current folder)")

    /// The path of the index that `--index` names, else that of `folder`.
    static func take(_ arguments: inout Arguments, folder: PathBytes? = nil) -> PathBytes {
        path(arguments.take(index).map { PathBytes($0) } ?? folder)
    }

    /// The path of the index that `argument` names by itself or by its folder.
    static func path(_ argument: PathBytes?) -> PathBytes {
        let name = PictureIndex.defaultName
        guard let argument else { return PathBytes(name) }
        return argument.kind == .folder ? argument.appending(name.utf8) : argument
    }

    /// - Parameter option: which names an index.
    static func checkIsThere(_ path: PathBytes, namedBy option: String) throws(CLIPError) {
        guard case .missing = path.kind else { return }
        throw CLIPError(
            .storage,
            "\(path.text): there is no index: make one with \"clip index <folder>\", or name it with \(option)")
    }

    /// Opens the index at `path`.
    /// - Parameter outputs: must be none of its pictures.
    static func open(_ path: PathBytes, _ outputs: OutputFiles, _ console: Console) throws -> PictureIndex {
        try checkIsThere(path, namedBy: "--index")
        try outputs.check(path)
        let index = try PictureIndex(path: path)
        if let problem = index.problem { console.warn(problem + "; the answer is of what is there") }
        if outputs.holdPictures {
            for number in index.pictureNumbers { try outputs.check(PathBytes(index.picture(number).pathBytes)) }
        }
        return index
    }
}

/// The pictures of a command line whose embeddings an index has: none is read.
struct IndexedPictures {
    static let index = Option(
        "index", .file("file"),
        help: """
            Take embeddings from an index, or from that of a folder, and read no picture: of all that it has, or of the \
            files and folders that are named. (default: pictures are read)
            """)
    static let positional = PictureSources.positional(unless: [PictureSources.filesFrom, index])

    private let path: PathBytes
    fileprivate var sources: PictureSources
    private let outputs: OutputFiles

    /// - Returns: nil without `--index`.
    init?(_ arguments: inout Arguments, _ sources: PictureSources) throws(UsageError) {
        guard let name = arguments.take(IndexedPictures.index) else { return nil }
        try self.init(name, sources, &arguments)
    }

    init(_ name: String, _ sources: PictureSources, _ arguments: inout Arguments) throws(UsageError) {
        path = IndexChoice.path(PathBytes(name))
        self.sources = sources
        outputs = arguments.outputs
        try outputs.check(index: path)
        guard !sources.paths.contains([UInt8(ascii: "-")]) else {
            throw UsageError("The picture on standard input is in no index: leave out '-', or '--index'.")
        }
    }

    func open(_ console: Console) throws -> PictureIndex { try IndexChoice.open(path, outputs, console) }

    /// The numbers of those that are named, else of all; what the index doesn't have is reported.
    func numbers(in index: PictureIndex, _ console: Console) throws(CLIPError) -> [Int] {
        if sources.paths.isEmpty, sources.lists.isEmpty { return index.pictureNumbers }
        var paths = try IndexPaths(index)
        var numbers: [Int] = []
        for path in try sources.named() {
            do throws(CLIPError) {
                numbers += try paths.numbers(at: path)
            } catch {
                console.fail(error.shown)
            }
        }
        return numbers
    }

    /// Hands the name and embedding of each to `body`, in their order.
    func forEach(
        in index: PictureIndex, _ console: Console, _ body: (RecordName, Embedding) throws -> Void
    ) throws {
        for number in try numbers(in: index, console) {
            console.progress?.refresh()
            try body(RecordName(index.picture(number)), index.embedding(of: number))
        }
    }
}

/// Whence a command has the embeddings of its pictures: it reads these, or an index has those.
enum PictureOrigin {
    case files(PictureSources, PictureChoice)
    case index(IndexedPictures)

    var isIndexed: Bool { if case .index = self { true } else { false } }

    /// The same with the index open.
    enum Opened {
        case files(PictureSources, PictureChoice)
        case index(IndexedPictures, PictureIndex)
    }

    init(_ arguments: inout Arguments, _ sources: PictureSources) throws(UsageError) {
        if let indexed = try IndexedPictures(&arguments, sources) {
            self = .index(indexed)
        } else {
            self = .files(sources, PictureChoice(&arguments))
        }
    }

    /// The same with other pictures than the command line names.
    func naming(_ paths: [[UInt8]]) -> PictureOrigin {
        switch self {
        case .files(var sources, let choice):
            (sources.paths, sources.lists) = (paths, [])
            return .files(sources, choice)
        case .index(var indexed):
            (indexed.sources.paths, indexed.sources.lists) = (paths, [])
            return .index(indexed)
        }
    }

    /// Opens the index, and loads the model: that of the index where none is named.
    func open(_ choice: ModelChoice, _ console: Console) throws -> (pictures: Opened, model: CLIPModel) {
        switch self {
        case .files(let sources, let pictures): return (.files(sources, pictures), try choice.load(console))
        case .index(let indexed):
            let index = try indexed.open(console)
            return (.index(indexed, index), try choice.load(of: index, console))
        }
    }
}

extension PictureIndex {
    /// What is wrong with an index whose end is missing.
    var problem: String? {
        guard !isComplete else { return nil }
        return
            "\(path): the end of the index is missing, \((count + unreadableCount).pictures) stand before it: a run was cut "
            + "short or still goes on (index again), or this is half a copy (copy it again)"
    }

    /// Refuses an index whose end is missing, for what would act on it as if it were all.
    func checkComplete() throws(CLIPError) {
        if let problem { throw CLIPError(.storage, problem + "; nothing was done") }
    }
}

extension EmptiedFolder {
    /// What there is to say of it.
    var state: String { isMissing ? "isn't there any more" : "holds no pictures any more" }
}

/// Where the index is that a command works on, and whether it is brought up to date first.
struct IndexSource {
    static let positional = Positional(
        "folder", count: 0...1, isPath: true,
        help: "A folder whose index is made or brought up to date first. (default: take --index as it is)")
    /// Options of commands that may bring an index up to date.
    static let options: [any AnyOption] =
        [IndexChoice.index, ModelChoice.model, ModelChoice.threads, PictureChoice.batchSize] + PictureChoice.options

    private let path: PathBytes
    /// The folder that it is of, and how its pictures are read; nil takes the index as it is.
    private let folder: (path: [UInt8], pictures: PictureChoice)?
    /// nil where nothing is to be embedded.
    private let model: ModelChoice?
    /// Whether the model's embeddings are in the results.
    private let answers: Bool
    let threads: Int?
    private let outputs: OutputFiles

    /// - Parameters:
    ///   - needsModel: whether the command embeds texts.
    ///   - answers: whether the model's embeddings are in the results.
    init(_ arguments: inout Arguments, needsModel: Bool, answers: Bool = true) throws(UsageError) {
        self.answers = answers
        outputs = arguments.outputs
        if let folder = arguments.positionals.first {
            path = IndexChoice.take(&arguments, folder: PathBytes(folder))
            self.folder = (folder, PictureChoice(&arguments))
            model = ModelChoice(&arguments)
        } else {
            path = IndexChoice.take(&arguments)
            folder = nil
            model = needsModel ? ModelChoice(&arguments) : nil
            let unused: [any AnyOption] = [ModelChoice.model, PictureChoice.batchSize] + PictureChoice.options
            try arguments.refuse(
                Array(unused.dropFirst(needsModel ? 1 : 0)),
                "on an index that is taken as it is: name the folder to have it brought up to date first")
        }
        if let model { threads = model.threads } else { threads = arguments.take(ModelChoice.threads) }
        try outputs.check(index: path)
    }

    func open(_ console: Console) throws -> IndexInput {
        guard let folder, let model else {
            let index = try IndexChoice.open(path, outputs, console)
            return IndexInput(index: index, model: try model?.load(of: index, console))
        }
        let loaded = try model.load(updating: path, console, answers: answers)
        _ = try IndexInput.update(path, roots: [folder.path], model: loaded, folder.pictures, console)
        return IndexInput(index: try IndexChoice.open(path, outputs, console), model: loaded)
    }
}

/// The index that a command works on: of a folder, brought up to date, or as it is.
struct IndexInput {
    let index: PictureIndex
    let model: CLIPModel?

    /// Brings an index up to date, showing how far it is, and reports what can't be read.
    /// - Parameter watched: called with that and each later update, for as long as the command runs; nil for this one alone.
    static func update(
        _ path: PathBytes, roots: [[UInt8]], model: CLIPModel, _ pictures: PictureChoice, _ console: Console,
        vectorType: VectorType = .float16, waits: Bool = false, salvages: Bool = false, allowsEmpty: Bool = false,
        exclusions: ExclusionRules? = nil, watched: ((IndexUpdate) throws(CLIPError) -> Void)? = nil
    ) throws -> IndexUpdate {
        let options = pictures.options(for: model)
        var indexer = PictureIndexer(
            model: model, settings: PictureSettings(fit: options.fit, reading: options.reading),
            vectorType: vectorType, batchSize: options.batchSize, waits: waits)
        indexer.allowsEmptyFolders = allowsEmpty
        indexer.salvages = salvages
        indexer.exclusions = exclusions
        defer { TemporaryFiles.setLastWords(nil) }
        let places = roots.map { PathBytes($0) }
        if let watched {
            var isFirst = true
            // Before the record of a run is out: who reads that may interrupt at once.
            func endRun() {
                console.endProgress()
                TemporaryFiles.setLastWords(
                    "clip: stopped watching: \(displayed(path.text)) is whole and kept, the next run finds what changes "
                        + "from now on\n")
            }
            try indexer.watch(path, roots: places, progress: shown(on: console), ran: { _ in endRun() }) {
                update throws(CLIPError) in
                var update = update
                // Of what comes later only what might be pictures is worth a word.
                if !isFirst { update.skipped.removeAll(where: \.isNoPicture) }
                report(update, path, again: again(path, roots), in: places, console)
                try watched(update)
                if isFirst { console.note("watching \(places.map(\.text).joined(separator: ", ")): Ctrl-C ends it") }
                isFirst = false
            }
        }
        let update = try indexer.update(path, roots: places, progress: shown(on: console))
        console.endProgress()
        report(update, path, again: again(path, roots), in: places, console)
        return update
    }

    /// Shows how far an indexer is, also to who interrupts it.
    private static func shown(on console: Console) -> (IndexProgress) -> Void {
        var done = 0
        return { progress in
            if progress.done == 0 { done = 0 }
            if console.progress == nil, console.showsProgress {
                console.progress = ProgressBar(total: progress.total, unit: "pictures")
            }
            TemporaryFiles.setLastWords(lastWords(progress, isBarDrawn: console.progress != nil))
            console.progress?.advance(by: progress.done - done)
            console.progress?.refresh()
            done = progress.done
        }
    }

    /// Brings an index up to date where that is quick, and says in a line what it did or left.
    /// - Returns: whether the index was written.
    static func refresh(_ index: PictureIndex, _ model: CLIPModel, _ console: Console) throws(CLIPError) -> Bool {
        let folders = index.sourcePaths
        let isOfFolder = folders.count == 1 && IndexChoice.path(folders[0]).text == index.path
        let again = "\"clip index \(isOfFolder ? folders[0].text : "-o \(index.path)")\""
        switch try index.updateIfQuick(with: model) {
        case .unknown: return false
        case .failed(let error): console.note("the index was not brought up to date: \(error.shown)")
        case .tooLarge:
            console.note(
                "looking through the folders takes longer than a second, so the index was not brought up to date: "
                    + "\(again) does it")
        case .tooMany(let count): console.note("\(count) pictures at least are new or changed: \(again) brings them in")
        case .done(let update):
            let counts = [
                (update.added, "new"), (update.changed, "changed"), (update.moved, "moved"),
                (update.deleted, "dropped, since their file is gone or left out"),
                (update.newlyUnreadable.count, "unreadable"),
            ]
            let parts = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
            if !parts.isEmpty { console.note("the index was brought up to date: \(parts.joined(separator: ", "))") }
            for folder in update.emptiedFolders {
                console.warn(
                    "\(folder.path): \(folder.state): is a disk not mounted? Pictures there are taken from the index")
            }
            return true
        }
        return false
    }

    /// The command that brings the index at `path` up to date with `roots`.
    private static func again(_ path: PathBytes, _ roots: [[UInt8]]) -> String {
        let isOfFirst = roots.first.map { IndexChoice.path(PathBytes($0)) } == path
        return "clip index " + roots.map { PathBytes($0).text }.joined(separator: " ")
            + (isOfFirst ? "" : " -o \(path.text)")
    }

    /// What an interrupted run says.
    private static func lastWords(_ progress: IndexProgress, isBarDrawn: Bool) -> String {
        (isBarDrawn ? "\r\u{1B}[K" : "")
            + "clip: interrupted: \(progress.done) of \(progress.total) new or changed pictures are in the index and kept, the "
            + "next run goes on from there\n"
    }

    /// Says what could not be had, and what was kept all the same.
    /// - Parameters:
    ///   - again: the command that does it again.
    ///   - folders: what was looked through.
    static func report(
        _ update: IndexUpdate, _ path: PathBytes, again: String, in folders: [PathBytes], _ console: Console
    ) {
        if update.wasCutShort {
            console.warn(
                "\(path.text): the end of the index was missing, of a run that was cut short or of half a copy; what stood "
                    + "there is indexed anew")
        }
        for place in update.unreachable { console.fail("\(place.path): \(place.error.sentence)") }
        for folder in update.emptiedFolders {
            console.fail(
                "\(folder.path): \(folder.state), the index has \(folder.pictureCount) there: they are kept, in "
                    + "case a disk isn't mounted; \"\(again) --allow-empty\" drops them")
        }
        console.report(skipped: update.skipped, in: folders)
        for picture in update.newlyUnreadable { console.fail("\(picture.path): \(picture.error.sentence)") }
    }
}
