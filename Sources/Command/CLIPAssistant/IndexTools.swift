package import CLIP
internal import CLIPSystem
internal import PictureCollections

/// What an assistant may ask of the pictures of one index. Nothing is written, and no file is read but pictures that the index
/// has, as long as they are what was indexed.
package struct IndexTools: ToolSet {
    private let path: PathBytes
    private let model: CLIPModel
    /// What no text needs to say: the same for every search.
    private let background = LazyPart<[Embedding]>()

    /// - Parameters:
    ///   - path: of the index, which is opened anew for each call: it may be brought up to date meanwhile.
    ///   - model: that made it.
    package init(path: PathBytes, model: CLIPModel) {
        self.path = path
        self.model = model
    }

    package var instructions: String {
        """
        Searches the pictures of one folder on this machine, by what they show. Describe what a picture should show as its \
        caption would ("a red bicycle in the snow"); the model knows no negations, counts or positions. A search always has a \
        nearest picture: "fits": false means that a hit is no more like the text than like words that fit anything. Scores are \
        cosines, not probabilities, and shares are among the labels given. Paths are those that the tools name.
        """
    }

    private static let top = Tool.Parameter("top", .integer(1...50), "How many pictures at most, 10 unless said.")
    private static let thumbnails = Tool.Parameter(
        "thumbnails", .truth,
        "Whether small copies of the pictures come with the answer, which they do unless said otherwise.")
    private static let pathsPattern = Tool.Parameter(
        "paths", .text, "Only pictures whose path matches this pattern, such as \"2024/*\" or \"*.png\".")
    private static let threshold = Tool.Parameter("threshold", .number, "The least score of a hit, −1 to 1.")

    package let tools = [
        Tool(
            "describe_index", "Describe the index",
            "Says how many pictures there are, in which folders, and which model reads them.", []),
        Tool(
            "search_pictures", "Search by text", "Finds the pictures that show best what a text says.",
            [
                .init("text", .text, isRequired: true, "What the pictures should show, as a caption."),
                .init(
                    "without", .texts(atMost: 16),
                    "Pictures that match one of these texts better than the text itself are left out."),
                top, threshold, pathsPattern, thumbnails,
            ]),
        Tool(
            "search_by_picture", "Search by a picture", "Finds the pictures that are most like one that is given.",
            [
                .init(
                    "data", .text, isRequired: true,
                    "The bytes of the picture's file (JPEG, PNG, WebP, GIF …) in base64."),
                top, threshold, pathsPattern, thumbnails,
            ]),
        Tool(
            "similar_pictures", "Find similar pictures", "Finds the pictures that are most like one of the index.",
            [
                .init("path", .text, isRequired: true, "The path of a picture, as another tool named it."), top,
                threshold,
                pathsPattern, thumbnails,
            ]),
        Tool(
            "classify_pictures", "Classify pictures", "Says which of some labels fits each of some pictures best.",
            [
                .init(
                    "paths", .texts(atMost: 100), isRequired: true,
                    "The paths of pictures, as another tool named them, or of folders."),
                .init("labels", .texts(atMost: 1000), isRequired: true, "The labels to choose from, at least two."),
                .init(
                    "template", .text, "The sentence that labels are put into at {}, \"a photo of a {}\" unless said."),
            ]),
        Tool(
            "show_picture", "Show a picture", "Shows one picture of the index, larger than searches do.",
            [
                .init("path", .text, isRequired: true, "The path of a picture, as another tool named it."),
                .init("edge", .integer(64...1568), "The longest edge in pixels at most, 1024 unless said."),
            ]),
    ]

    package func call(_ tool: String, _ arguments: inout ToolArguments) throws -> ToolResult {
        let index = try PictureIndex(path: path)
        try index.check(model)
        switch tool {
        case "describe_index": return try describe(index)
        case "search_pictures": return try search(index, arguments)
        case "search_by_picture":
            let picture = try self.picture(arguments.text("data") ?? "", index)
            return try hits(of: SearchQuery(picture, kind: .picture), index, arguments, leavingOut: nil)
        case "similar_pictures":
            let number = try number(arguments.text("path") ?? "", index)
            return try hits(
                of: SearchQuery(index.embedding(of: number), kind: .picture), index, arguments, leavingOut: number)
        case "classify_pictures": return try classify(index, arguments)
        case "show_picture":
            let picture = try index.picture(number(arguments.text("path") ?? "", index))
            let shown = try thumbnail(picture, index, edge: arguments.integer("edge") ?? 1024)
            return ToolResult(fields(picture), pictures: [(picture.path, shown)])
        default: throw CLIPError(.argument, "there is no tool \(quoted(tool))")
        }
    }

    private func describe(_ index: PictureIndex) throws -> ToolResult {
        var folders: [String: Int] = [:]
        for number in index.pictureNumbers {
            try checkCancellation()
            folders[PathBytes(try index.picture(number).pathBytes).folder.text, default: 0] += 1
        }
        let largest = folders.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return ToolResult([
            "index": path.text, "pictures": index.count, "unreadable": index.unreadableCount,
            "complete": index.isComplete, "folder_count": folders.count,
            "folders": largest.prefix(50).map { ["path": $0.key, "pictures": $0.value] as Fields },
            "model": model.info.card?.name ?? Path.name(of: index.modelName), "fingerprint": index.fingerprint,
        ])
    }

    private func search(_ index: PictureIndex, _ arguments: ToolArguments) throws -> ToolResult {
        let texts = [arguments.text("text") ?? ""] + (arguments.texts("without") ?? [])
        for text in texts {
            guard text.utf8.count <= IndexTools.longestText, !text.allSatisfy(\.isWhitespace) else {
                throw CLIPError(
                    .argument,
                    "a text of \(text.utf8.count) bytes, expected some words, at most \(IndexTools.longestText) bytes")
            }
        }
        let embeddings: [Embedding] = try model.embed(texts)
        var query = SearchQuery(embeddings[0])
        query.excluded = embeddings.dropFirst().map { SearchQuery.Term($0) }
        query.background = try background.value { () throws(CLIPError) in
            try SearchQuery.backgroundEmbeddings(of: model)
        }
        query.leastFit = model.leastFit
        return try hits(of: query, index, arguments, leavingOut: nil)
    }

    private func hits(
        of query: SearchQuery, _ index: PictureIndex, _ arguments: ToolArguments, leavingOut number: Int?
    ) throws -> ToolResult {
        var query = query
        query.threshold = arguments.number("threshold").map { Float($0) }
        query.paths = arguments.text("paths").map { Glob($0) }
        let top = arguments.integer("top") ?? 10
        let found = try index.search(query, top: top + (number == nil ? 0 : 1), threads: model.threads)
        let hits = found.filter { $0.picture.number != number }.prefix(top)
        var shown: [(caption: String, jpeg: [UInt8])] = []
        var records: [Fields] = []
        for (place, hit) in hits.enumerated() {
            try checkCancellation()
            var record: Fields = ["rank": place + 1]
            record += fields(hit.picture)
            record.add("score", hit.score)
            if let fits = hit.fits { record.add("fits", fits) }
            if arguments.truth("thumbnails") ?? true {
                let small = Result { () throws(CLIPError) in
                    try thumbnail(hit.picture, index, edge: IndexTools.smallEdge)
                }
                switch small {
                case .success(let jpeg): shown.append(("\(place + 1): \(hit.picture.path)", jpeg))
                case .failure(let error) where error.kind == .cancelled: throw error
                case .failure(let error): record.add("not_shown", error.message)
                }
            }
            records.append(record)
        }
        let note =
            if query.wanted[0].kind == .picture {
                "scores are cosines of two pictures, usually far higher than those of a picture and a text"
            } else {
                "scores are cosines, not probabilities; a hit with \"fits\": false probably shows something else"
            }
        return ToolResult(["hits": records, "searched": index.count, "note": note], pictures: shown)
    }

    private func classify(_ index: PictureIndex, _ arguments: ToolArguments) throws -> ToolResult {
        var paths = try IndexPaths(index)
        var numbers: [Int] = []
        for path in arguments.texts("paths") ?? [] { numbers += try self.numbers(at: path, &paths) }
        guard numbers.count <= IndexTools.mostClassified else {
            throw CLIPError(
                .argument,
                "\(numbers.count) pictures, expected at most \(IndexTools.mostClassified): name fewer, or a folder inside"
            )
        }
        let labels = arguments.texts("labels") ?? []
        guard labels.count > 1, labels.allSatisfy({ $0.utf8.count <= IndexTools.longestText }) else {
            throw CLIPError(.argument, "expected at least two labels, each of at most \(IndexTools.longestText) bytes")
        }
        let classifier = try ZeroShotClassifier(
            model: model, labels: labels,
            templates: arguments.text("template").map { [$0] } ?? ZeroShotClassifier.defaultTemplates)
        var records: [Fields] = []
        try index.classify(numbers, by: classifier, top: 5, threads: model.threads) { found in
            let answer = found.classification
            records.append([
                "path": RecordName(try index.picture(found.number)),
                "labels": answer.labels.map {
                    ["label": $0.label, "share": $0.probability, "cosine": $0.similarity] as Fields
                },
                "ambiguous": answer.isAmbiguous, "fits_no_label": answer.fitsNoLabel,
            ])
        }
        return ToolResult([
            "pictures": records,
            "note": "a share is one among the \(labels.count) labels given, not a probability of being true",
        ])
    }

    private func fields(_ picture: IndexedPicture) -> Fields {
        ["path": RecordName(picture), "width": picture.width, "height": picture.height, "bytes": picture.byteCount]
    }

    /// The picture that a path names.
    /// - Throws: when the index has none there, whether or not there is such a file.
    private func number(_ path: String, _ index: PictureIndex) throws(CLIPError) -> Int {
        var paths = try IndexPaths(index)
        let numbers = try numbers(at: path, &paths)
        guard numbers.count == 1 else {
            throw CLIPError(.argument, path: path, "is a folder of \(numbers.count.pictures), expected one picture")
        }
        return numbers[0]
    }

    private func numbers(at path: String, _ paths: inout IndexPaths) throws(CLIPError) -> [Int] {
        // An empty path would be the current folder.
        guard !path.isEmpty else { throw CLIPError(.argument, path: path, "is not in the index: no path is named") }
        return try paths.numbers(at: PathBytes(path))
    }

    private func picture(_ data: String, _ index: PictureIndex) throws(CLIPError) -> Embedding {
        // As a data URL has it, too.
        let digits = data.hasPrefix("data:") ? data.drop { $0 != "," }.dropFirst() : data[...]
        guard let bytes = bytesOfBase64(digits.utf8), !bytes.isEmpty else {
            throw CLIPError(.argument, "\"data\" is not base64, expected the bytes of a picture's file in it")
        }
        let picture = try Picture(bytes: bytes, options: index.settings.reading)
        return try model.embed(picture, fit: index.settings.fit)
    }

    /// A small copy of a picture, as a JPEG.
    /// - Throws: when its file is gone, or is not what was indexed: then it may be anything.
    private func thumbnail(_ picture: IndexedPicture, _ index: PictureIndex, edge: Int) throws(CLIPError) -> [UInt8] {
        let bytes = try picture.fileBytes()
        var options = index.settings.reading
        options.leastEdge = edge
        options.threads = model.threads
        do throws(CLIPError) {
            return try Picture(bytes: bytes, options: options).thumbnail(edge: edge).jpeg()
        } catch {
            throw error.at(picture.path)
        }
    }

    private static let smallEdge = 256
    private static let longestText = 20_000
    private static let mostClassified = 1000
}
