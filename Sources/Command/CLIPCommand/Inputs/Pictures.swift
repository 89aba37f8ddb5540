import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

/// What the options say of how pictures are read and fitted, whatever the model.
struct PictureChoice {
    private var reading: PictureOptions
    let fit: PictureFit?
    private let decodesFast: Bool
    private let batchSize: Int?

    private static let fit: Option<PictureFit?> = Option(
        "fit", .choice("rule"), group: .pictures,
        help: """
            How a picture becomes square: crop keeps the middle, squash distorts, pad adds borders, multicrop \
            averages windows along the long side. (default: what the model was trained with)
            """)
    private static let alpha = Option(
        "alpha", .choice("rule"), default: Alpha.white, group: .pictures,
        help: "Lay transparent pictures over white, or drop their transparency. (default: white)")
    private static let orient = Option(
        "orient", off: "no-orient", default: true, group: .pictures,
        help: "Turn photos upright by their EXIF orientation. (default: --orient)")
    private static let gray16 = Option(
        "gray16", .choice("rule"), default: Gray16.high, group: .pictures,
        help: "16-bit grey: take the high byte, or clip at 255 as Pillow does. (default: high)")
    private static let maximumPixels = Option(
        "max-pixels", .integer("count", 1...(1 << 40)), group: .pictures,
        help: "Refuse pictures of more pixels than this. (default: 200000000)")
    private static let allowTruncated = Option(
        "allow-truncated", group: .pictures, help: "Take what there is of a picture file that is cut short.")
    private static let systemDecoders = Option(
        "system-decoders", off: "no-system-decoders", default: true, group: .pictures,
        help: """
            Have HEIC, AVIF and JPEG XL decoded by the system's libheif and libjxl, each picture in a process of its own; \
            'clip info' says which are there. (default: --system-decoders)
            """)

    private static let fastDecode = Option(
        "fast-decode", group: .pictures,
        help: """
            Scale JPEGs of at least twice the model's size down while they are decoded: large photos take a third of \
            the time or less. Embeddings differ a little: of 18 photos they kept a cosine of 0.993 (the embedded \
            model) and 0.9999 (a ViT-B/32) to the exact ones.
            """)
    static let batchSize = Option(
        "batch-size", .integer("count", 1...4096),
        help: """
            How many are encoded together: speed and memory, never the result. (default: what takes about a second, at \
            most 32 pictures; 256 texts)
            """)
    static let options: [any AnyOption] = [
        fit, alpha, orient, gray16, maximumPixels, allowTruncated, systemDecoders, fastDecode,
    ]

    /// What becomes of what shines through.
    private enum Alpha: String, CaseIterable {
        case white, drop
    }

    /// Which eight bits of sixteen count.
    private enum Gray16: String, CaseIterable {
        case high, clip
    }

    init(_ arguments: inout Arguments) {
        // Of every picture of this run, those of an index too.
        if !arguments.take(PictureChoice.systemDecoders) { PictureOptions.useSystemDecoders(of: nil) }
        reading = PictureOptions()
        reading.compositesAlphaOverWhite = arguments.take(PictureChoice.alpha) == .white
        reading.appliesOrientation = arguments.take(PictureChoice.orient)
        reading.clipsGray16 = arguments.take(PictureChoice.gray16) == .clip
        reading.allowsTruncated = arguments.take(PictureChoice.allowTruncated)
        if let limit = arguments.take(PictureChoice.maximumPixels) { reading.maximumPixels = limit }
        decodesFast = arguments.take(PictureChoice.fastDecode)
        fit = arguments.take(PictureChoice.fit)
        batchSize = arguments.take(PictureChoice.batchSize)
    }

    /// The same for a model.
    func options(for model: CLIPModel) -> PictureOptionList {
        var reading = reading
        if decodesFast { reading.leastEdge = model.info.preprocessing.resizeSize }
        // What decodes several at once shares them out.
        reading.threads = model.threads
        return PictureOptionList(
            reading: reading, fit: fit, batchSize: batchSize ?? PictureChoice.batchSize(for: model))
    }

    /// As many pictures as take about a second, so that somebody who waits sees it go on; 32 at most, which is where more
    /// at once are no faster.
    private static func batchSize(for model: CLIPModel) -> Int {
        let operationsPerSecond = 1e11 * Double(model.threads)
        return Int(max(2, min(32, operationsPerSecond / max(1, model.operationsPerImage))))
    }
}

/// How pictures are read and fitted.
struct PictureOptionList {
    let reading: PictureOptions
    /// nil: as the model was trained.
    let fit: PictureFit?
    let batchSize: Int

    /// Scores pairs of such pictures and their captions.
    func scorer(_ model: CLIPModel, template: String = "{}", longText: LongText) -> PairScorer {
        PairScorer(
            model: model, template: template, options: reading, fit: fit, batchSize: batchSize, longText: longText)
    }
}

/// Where a command line says that pictures are: files, folders, lists, standard input.
struct PictureSources {
    var paths: [[UInt8]]
    var lists: [String] = []
    private var isNULSeparated = false
    private let outputs: OutputFiles

    static let filesFrom = Option(
        each: "files-from", .file("file"), help: "Read paths from a file, one a line; - is standard input.")
    static let options: [any AnyOption] = [filesFrom, TextSources.nulSeparated]
    static let positional = positional(unless: [filesFrom])

    /// - Parameter others: options that may stand in for paths.
    static func positional(unless others: [any AnyOption]) -> Positional {
        Positional(
            "path", count: 1...Int.max, unless: others, isPath: true,
            help: """
                Pictures: files, folders (all pictures inside, sorted; hidden ones are skipped), tar and zip archives, files inside \
                them (shard.tar::000123.jpg), or - for the bytes of one picture on standard input.
                """)
    }

    init(_ arguments: inout Arguments) {
        paths = arguments.positionals
        lists = arguments.take(PictureSources.filesFrom)
        // Of lists alone.
        if !lists.isEmpty { isNULSeparated = arguments.take(TextSources.nulSeparated) }
        outputs = arguments.outputs
    }

    /// A single place among those of a command line.
    func only(_ path: [UInt8]) -> PictureSources {
        var sources = self
        (sources.paths, sources.lists) = ([path], [])
        return sources
    }

    /// The pictures themselves; what can't be had is reported.
    func pictures(_ console: Console) throws(CLIPError) -> PictureList {
        try PictureList(
            paths, lists: lists, isNULSeparated: isNULSeparated,
            check: { path throws(CLIPError) in try outputs.check(path) }, report: { console.fail($0.shown) })
    }

    /// The paths themselves, of which an index has the pictures; lists are read.
    func named() throws(CLIPError) -> [PathBytes] {
        var named = paths.map { PathBytes($0) }
        for list in lists {
            let reader = try EntryReader(path: list, isNULSeparated: isNULSeparated)
            while let entry = try reader.next() { if !entry.isEmpty { named.append(PathBytes(entry)) } }
        }
        return named
    }

    /// How many pictures there are; nil when finding out would use them up.
    func count() -> Int? {
        guard lists.allSatisfy({ $0 != "-" && PathBytes($0).kind == .file }) else { return nil }
        let list = try? PictureList(paths, lists: lists, isNULSeparated: isNULSeparated, opensPipes: false) { _ in }
        return list?.reduce(0) { count, _ in count + 1 }
    }
}

extension PictureList {
    /// Says what was left out of folders, and what went wrong after the last picture.
    func checkEnd(_ console: Console) throws(CLIPError) {
        console.report(skipped: skipped, in: foldersWithSkipped)
        if rawCount > 0 {
            console.note(
                "of \(rawCount) camera raw file\(rawCount == 1 ? "" : "s") the JPEG preview inside was read, not what the sensor saw"
            )
        }
        if let failure { throw failure }
        if count == 0, !console.hasFailed { throw CLIPError(.storage, "no pictures: the list of files is empty") }
    }
}

/// Embeds every picture of a command line, in order, one batch after another.
struct PictureRun {
    private let sources: PictureSources
    private let choice: PictureChoice
    private let console: Console

    init(_ sources: PictureSources, _ choice: PictureChoice, _ console: Console) {
        self.sources = sources
        self.choice = choice
        self.console = console
    }

    /// - Parameter body: takes the name and the embedding of a picture; those that fail are reported.
    /// - Returns: what was left out of folders.
    /// - Throws: what `body` throws, and when the command line names no inputs that can be had.
    @discardableResult
    func embedEach(
        with model: CLIPModel, to results: ResultStream, normalize: Bool = true,
        _ body: (_ name: RecordName, Embedding) throws -> Void
    ) throws -> [SkippedFiles] {
        let options = choice.options(for: model)
        let pictures = try sources.pictures(console)
        if console.showsProgress { console.progress = ProgressBar(total: sources.count(), unit: "pictures") }
        // Many batches in a row: the next is prepared while one is encoded. Whoever writes paths into a pipe may be waiting for
        // the answers to those that are there.
        while case let ready = pictures.next(atMost: 32 * options.batchSize), !ready.isEmpty {
            let inputs = ready.lazy.map { input in
                console.progress?.refresh()
                return input
            }
            try model.embedEach(
                inputs, options: options.reading, fit: options.fit, normalize: normalize, batchSize: options.batchSize
            ) { input, result in
                switch result {
                case .success(let embedding): try body(RecordName(input), embedding)
                // A model that can't encode one picture can't encode any.
                case .failure(let error) where error.kind == .model: throw error
                case .failure(let error): try results.fail(RecordName(input), described(error, name: input.name))
                }
            }
            try results.flush()
        }
        results.setSkipped(pictures.skipped)
        try pictures.checkEnd(console)
        return pictures.skipped
    }
}

extension Picture {
    /// Reads and decodes the picture that an argument names, `-` for standard input.
    /// - Throws: what ends the run.
    init(named path: PathBytes, options: PictureOptions) throws(CLIPError) {
        do throws(CLIPError) {
            if path.text == "-" {
                try self.init(readingStandardInput: options)
            } else {
                try self.init(reading: path, options: options)
            }
        } catch {
            throw CLIPError(.storage, described(error, name: path.text))
        }
    }
}
