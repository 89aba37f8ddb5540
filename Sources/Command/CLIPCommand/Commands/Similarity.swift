import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

struct Similarity: Command {
    private static let results = ResultOptions.table

    static let table = CommandTable(
        "similarity",
        abstract: "Compare a picture or a text with others.",
        discussion: [
            """
            The first is compared with each of the others: {"a", "b", "similarity", "model"}, where similarity is the \
            cosine of their embeddings, from -1 to 1. Each is a picture if such a file exists (or - for standard \
            input), else a text; image: or text: in front settles doubt.
            """
        ],
        positionals: [
            Positional(
                "a", count: 1...1, isPath: true, pathPrefix: Comparand.picturePrefix, help: "A picture or a text."),
            Positional(
                "b", count: 1...Int.max, isPath: true, pathPrefix: Comparand.picturePrefix,
                help: "Pictures or texts to compare it with."),
        ],
        options: ModelChoice.options, [TextChoice.longText, ModelChoice.language], PictureChoice.options, results.all,
        examples: [
            .init(#"clip similarity photo.jpg "a dog" "a cat""#, "Which text is nearer to the picture?"),
            .init("clip similarity photo.jpg *.png", "Which picture is nearest to this one?"),
            .init("clip similarity text:dog image:dog", "The word dog, and the picture in the file dog."),
        ])

    private let output: ResultChoice
    private let model: ModelChoice
    private let things: [Comparand]
    private let pictures: PictureChoice
    private let longText: LongText

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        model = ModelChoice(&arguments)
        things = arguments.positionals.map(Comparand.init)
        if !things.contains(where: \.isPicture) {
            try arguments.refuse(PictureChoice.options, "where nothing is a picture")
        }
        if !things.contains(where: \.isText) {
            try arguments.refuse([TextChoice.longText, ModelChoice.language], "where nothing is a text")
        }
        pictures = PictureChoice(&arguments)
        longText = arguments.take(TextChoice.longText)
    }

    func run(_ console: Console) throws {
        let model = try model.load(console)
        let pictures = pictures.options(for: model)
        let first: Embedding
        do throws(CLIPError) {
            first = try things[0].embedding(by: model, pictures: pictures, longText: longText, console)
        } catch {
            throw CLIPError(.storage, described(error, name: things[0].name.text))
        }
        let kinds = things.count { $0.isText }
        let note = "cosines from -1 to 1; a picture and a text usually score lower than two of a kind"
        let results = try ResultStream(
            output, console, model: model.fingerprint, heading: displayed(things[0].name.text),
            note: kinds > 0 && kinds < things.count ? note : "cosines from -1 to 1",
            columns: ["a", "b", "similarity", "model", "a_bytes", "b_bytes"])
        if console.showsProgress { console.progress = ProgressBar(total: things.count - 1, unit: "comparisons") }
        for thing in things.dropFirst() {
            console.progress?.refresh()
            let similarity = Result { () throws(CLIPError) in
                try first.similarity(
                    to: thing.embedding(by: model, pictures: pictures, longText: longText, console))
            }
            switch similarity {
            case .success(let similarity):
                try results.write(SimilarityRecord(a: things[0].name, b: thing.name, similarity: similarity))
            case .failure(let error) where error.kind == .model: throw error
            case .failure(let error): try results.fail(thing.name, described(error, name: thing.name.text))
            }
        }
        try results.finish()
    }
}

/// A cosine.
private struct SimilarityRecord: Record {
    let a: RecordName
    let b: RecordName
    let similarity: Float

    var fields: Fields { ["a": a, "b": b, "similarity": similarity] }

    var text: String { "  \(decimal(Double(similarity), places: 3).rightAligned(to: 6))  \(displayed(b.text))\n" }
}

/// Something to compare: a picture if such a file exists, else a text; a prefix settles doubt.
private struct Comparand {
    /// What says that a picture is meant.
    static let picturePrefix = "image:"

    private enum Kind: Equatable {
        case picture(PathBytes)
        case standardInput
        case text(String)
        case folder
    }

    /// As it was written, without its prefix.
    let name: RecordName
    private let kind: Kind
    /// Whether it looks like a path, and might be misspelt.
    private let isDoubtful: Bool

    init(_ argument: [UInt8]) {
        func rest(after prefix: String) -> [UInt8]? {
            argument.starts(with: prefix.utf8) ? Array(argument.dropFirst(prefix.utf8.count)) : nil
        }
        if let text = rest(after: "text:") {
            name = RecordName(bytes: text)
            (kind, isDoubtful) = (.text(name.text), false)
            return
        }
        let asPicture = rest(after: Comparand.picturePrefix)
        let path = PathBytes(asPicture ?? argument)
        let isStandardInput = path.text == "-"
        name = isStandardInput ? RecordName("standard input") : RecordName(bytes: path.bytes)
        if isStandardInput {
            (kind, isDoubtful) = (.standardInput, false)
        } else if asPicture != nil {
            (kind, isDoubtful) = (.picture(path), false)
        } else {
            switch path.kind {
            case .file, .other: (kind, isDoubtful) = (.picture(path), false)
            case .folder: (kind, isDoubtful) = (.folder, false)
            case .missing:
                let text = path.text
                (kind, isDoubtful) = (.text(text), Picture.isPictureName(text) && !text.contains(" "))
            }
        }
    }

    var isText: Bool { if case .text = kind { true } else { false } }
    var isPicture: Bool { kind != .folder && !isText }

    /// - Parameters:
    ///   - pictures: how a picture is read and fitted.
    ///   - longText: what becomes of a text that is too long.
    func embedding(
        by model: CLIPModel, pictures: PictureOptionList, longText: LongText, _ console: Console
    ) throws(CLIPError) -> Embedding {
        switch kind {
        case .text(let text):
            if isDoubtful {
                console.warn("\(text): no such file, taken as a text: write text:\(text) if that is meant")
            }
            try console.warnOfDroppedText(in: text, longText: longText, model: model)
            return try model.embed(text, longText: longText)
        case .folder:
            throw CLIPError(
                .argument, path: name.text,
                "is a folder: name a picture in it, or write text:\(name.text) if the words are meant"
            )
        case .picture(let path):
            return try model.embed(Picture(reading: path, options: pictures.reading), fit: pictures.fit)
        case .standardInput:
            return try model.embed(Picture(readingStandardInput: pictures.reading), fit: pictures.fit)
        }
    }
}
