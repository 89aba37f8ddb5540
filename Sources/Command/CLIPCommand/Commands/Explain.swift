import CLIP
import CLIPSystem
import PictureCollections

struct Explain: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json]
    private static let cells = Option(
        "cells", .integer("count", 1...64),
        help: "Cells per side of the map: n cells take (n + 1)² embeddings. (default: 8)")
    private static let output = Option(
        "output", short: "o", .target("file"), group: .output, replaces: [.drawing],
        help: "Draw the map over the picture, as a png. (default: no drawing)")

    static let table = CommandTable(
        "explain",
        abstract: "Show which parts of a picture carry its similarity to a text.",
        discussion: [
            """
            Parts of the picture are covered one after another, and the picture is embedded each time: how much the \
            cosine drops says how much it hung on what was covered (occlusion sensitivity; Zeiler and Fergus, 2014). \
            Words are left out one after another alike. One record: {"image", "text", "similarity", "cells", "drops", \
            "words", "model"}, where drops is a list of rows from the top.
            """,
            """
            In the drawing orange carries the similarity and blue speaks against it; the strongest cell always has \
            the full colour, so look at the numbers too. Such a map can't say why, nor whether the text is true, and \
            where two parts stand for each other covering one changes little.
            """,
        ],
        positionals: [
            Positional("image", count: 1...1, isPath: true, help: "A picture, or - for standard input."),
            Positional("text", count: 1...1, help: "A text."),
        ],
        options: [cells] + Option.modelOptions + [.longText] + Option.pictureOptions
            + [.format(formats), output, .overwrite, .quiet],
        examples: [
            .init(#"clip explain photo.jpg "a dog" -o map.png"#, "Where is the dog?"),
            .init(#"clip explain photo.jpg "a dog on a beach" --cells 14"#, "In more detail, and slower."),
        ])

    private let path: PathBytes
    private let text: String
    private let model: ModelChoice
    private let pictures: PictureChoice
    private let longText: LongText
    private let side: Int
    private let results: OutputOptions
    private let map: OutputOptions

    init(_ arguments: Arguments) throws(UsageError) {
        path = PathBytes(arguments.positionals[0])
        text = arguments.texts[1]
        model = ModelChoice(arguments)
        pictures = PictureChoice(arguments)
        longText = arguments.longText
        side = arguments.integer(Explain.cells) ?? OcclusionMap.defaultSide
        map = OutputOptions(format: nil, path: arguments.text(Explain.output), isQuiet: arguments.flag(.quiet))
        if let path = map.path { try OutputName(path).check(["png"], of: Explain.output) }
        if map.path == "-" { throw UsageError("The drawing goes to a file, the numbers to standard output.") }
        results = OutputOptions(
            format: arguments.choice(.format(Explain.formats)), path: nil, isQuiet: arguments.flag(.quiet))
        if arguments.text(.fit) == PictureFit.multicrop.rawValue {
            throw UsageError("A map has one square, '--fit multicrop' makes several: choose another.")
        }
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: results.isQuiet)
        let model = try model.load(console)
        let options = pictures.options(for: model)
        let image: Picture
        do throws(CLIPError) {
            image =
                path.text == "-"
                ? try Picture(readingStandardInput: options.reading)
                : try Picture(reading: path, options: options.reading)
        } catch {
            throw InputError(described(error, name: path.text))
        }
        try console.warnOfDroppedText(in: text, longText: longText, model: model)
        let embedding = try model.embed(text, longText: longText)
        if console.showsProgress { console.progress = ProgressBar(total: (side + 1) * (side + 1), unit: "embeddings") }
        var done = 0
        let occlusion = try OcclusionMap(model: model, image: image, text: embedding, side: side, fit: options.fit) {
            console.progress?.advance(by: $0 - done)
            console.progress?.refresh()
            done = $0
        }
        console.progress?.clear()
        console.progress = nil
        let words = try WordDrop.drops(model: model, image: occlusion.embedding, text: text, longText: longText)
        if map.path != nil {
            let file = try Output(path: map.path)
            try file.write(occlusion.drawn(over: model.view(of: image, fit: options.fit)).png())
            try file.finish()
        }
        let stream = try ResultStream(results, console: console, note: ExplanationRecord.note, isSingle: true)
        try stream.write(
            ExplanationRecord(
                image: RecordName(bytes: path.bytes), text: text, map: occlusion, words: words,
                fingerprint: model.fingerprint))
        try stream.finish()
        return !console.hasFailed
    }
}
