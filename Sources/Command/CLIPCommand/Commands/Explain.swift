import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

struct Explain: Command {
    private static let results = ResultOptions.records
    private static let cells = Option(
        "cells", .integer("count", 1...64), default: OcclusionMap.defaultSide,
        help: "Cells per side of the map: n cells take (n + 1)² embeddings. (default: 8)")
    private static let output = Option(
        "output", short: "o", .target("file"), group: .output,
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
        options: [cells], ModelChoice.options, [TextChoice.longText], PictureChoice.options,
        [results.format, output, OutputFiles.overwrite], ResultOptions.messages,
        replaces: [.drawing],
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
    private let output: ResultChoice
    private let drawing: String?

    init(_ arguments: inout Arguments) throws(UsageError) {
        path = PathBytes(arguments.positionals[0])
        text = arguments.texts[1]
        model = ModelChoice(&arguments)
        pictures = PictureChoice(&arguments)
        longText = arguments.take(TextChoice.longText)
        side = arguments.take(Self.cells)
        drawing = arguments.take(Self.output)
        if let drawing { try OutputName(drawing).check(["png"], of: Self.output) }
        if drawing == "-" { throw UsageError("The drawing goes to a file, the numbers to standard output.") }
        output = ResultChoice(formatOf: &arguments, Self.results)
        if pictures.fit == .multicrop {
            throw UsageError("A map has one square, '--fit multicrop' makes several: choose another.")
        }
    }

    func run(_ console: Console) throws {
        let model = try model.load(console)
        let options = pictures.options(for: model)
        let picture = try Picture(named: path, options: options.reading)
        try console.warnOfDroppedText(in: text, longText: longText, model: model)
        let embedding = try model.embed(text, longText: longText)
        let progress = console.counting("embeddings")
        let count = (side + 1) * (side + 1)
        progress(0, count)
        let occlusion = try OcclusionMap(
            model: model, image: picture, text: embedding, side: side, fit: options.fit
        ) { progress($0, count) }
        console.endProgress()
        let words = try WordDrop.drops(model: model, image: occlusion.embedding, text: text, longText: longText)
        if let drawing {
            let file = try Output(path: drawing)
            try file.write(occlusion.drawn(over: model.view(of: picture, fit: options.fit)).png())
            try file.finish()
        }
        try ResultStream.write(
            ExplanationRecord(image: RecordName(bytes: path.bytes), caption: text, map: occlusion, words: words),
            output, console, model: model.fingerprint, note: ExplanationRecord.note)
    }
}

/// What carries the similarity of a picture and a text.
private struct ExplanationRecord: Record {
    static let note = """
          drops of the cosine when a cell is covered or a word left out; they say what the model looked at, not why, and \
        not whether the text is true
        """

    let image: RecordName
    let caption: String
    let map: OcclusionMap
    let words: [WordDrop]

    private var mapRows: [ArraySlice<Float>] {
        (0..<map.side).map { map.drops[$0 * map.side..<($0 + 1) * map.side] }
    }

    var fields: Fields {
        [
            "image": image, "text": caption, "similarity": map.similarity, "cells": map.side,
            "drops": mapRows.map { Array($0) },
            "words": words.map { ["word": $0.word, "drop": $0.drop] as Fields },
        ]
    }

    var text: String {
        let number = { (value: Float) in decimal(Double(value), places: 3) }
        let strongest = map.drops.reduce(0) { max($0, $1) }
        var text = "\(displayed(image.text)): \(displayed(caption))\n  cosine \(number(map.similarity))\n"
        for row in mapRows {
            text += "  " + row.map { ExplanationRecord.shade($0, strongest: strongest) }.joined() + "\n"
        }
        text += "  ██ lowers the cosine by \(number(strongest)) when it is covered\n"
        for word in words {
            let change = "\(number(abs(word.drop))) \(word.drop < 0 ? "higher" : "lower")"
            text += "  without \"\(displayed(word.word))\"  cosine \(number(map.similarity - word.drop))  (\(change))\n"
        }
        return text
    }

    /// Two columns of a terminal, which are about as wide as a line is high.
    private static func shade(_ drop: Float, strongest: Float) -> String {
        guard strongest > 0, drop > 0 else { return "  " }
        let shades = ["  ", "░░", "▒▒", "▓▓", "██"]
        return shades[min(4, Int((drop / strongest * 4).rounded()))]
    }
}
