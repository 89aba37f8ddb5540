import CLIP
import CLIPSystem

struct Preprocess: Command {
    private static let format = Option(
        "format", .choice("format", ["npy", "png"]), group: .output,
        help: """
            npy: the numbers that the model sees; png: the fitted picture. (default: by the name after -o, else npy)
            """)

    private static let output = Option(
        "output", short: "o", Option.output.value, group: .output, replaces: [.drawing], help: Option.output.help)

    static let table = CommandTable(
        "preprocess",
        abstract: "Show what a model sees of pictures: fitted, cropped, normalised.",
        discussion: [
            """
            npy is a float32 array [pictures, 3, height, width], normalised as the model wants it; several pictures \
            and the windows of --fit multicrop stand one after another, and FILE.npy.json beside it names the picture \
            of each. png is the fitted 8-bit picture itself, to look at, and takes one picture.
            """
        ],
        positionals: [.pictures],
        options: Option.modelOptions + [.filesFrom, .nulSeparated] + Option.pictureOptions
            + [format, output, .overwrite, .quiet],
        examples: [
            .init("clip preprocess photo.jpg -o seen.png", "Look at what is left of a photo."),
            .init("clip preprocess photo.jpg -o pixels.npy", "The numbers, for NumPy."),
        ])

    private let output: OutputOptions
    private let model: ModelChoice
    private let sources: PictureSources
    private let pictures: PictureChoice
    private let asPicture: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        model = ModelChoice(arguments)
        sources = PictureSources(arguments)
        pictures = PictureChoice(arguments)
        let path = arguments.text(.output)
        let named = path.flatMap { OutputName($0).ending }
        let format = arguments.text(Preprocess.format)
        if let path, format == nil { try OutputName(path).check(["npy", "png"], of: Preprocess.format) }
        asPicture = (format ?? named) == "png"
        output = OutputOptions(format: .npy, path: path, isQuiet: arguments.flag(.quiet))
        try output.checkBinary()
        if asPicture, sources.paths.count != 1 || !sources.lists.isEmpty {
            throw UsageError("A png holds one picture: name one, or use '--format npy'.")
        }
        if asPicture, arguments.text(.fit) == PictureFit.multicrop.rawValue {
            throw UsageError("A png holds one picture, '--fit multicrop' makes several: use '--format npy'.")
        }
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let model = try model.load(console, answers: false)
        try model.checkHasImageEncoder()
        return try asPicture ? writePicture(model) : writeArray(model, console)
    }

    private func writePicture(_ model: CLIPModel) throws -> Bool {
        let options = pictures.options(for: model)
        let path = PathBytes(sources.paths[0])
        do {
            let image =
                path.text == "-"
                ? try Picture(readingStandardInput: options.reading)
                : try Picture(reading: path, options: options.reading)
            guard let fitted = try model.fittedPictures(of: image, fit: options.fit).first else { return false }
            let bytes = fitted.png()
            let output = try Output(path: self.output.path)
            try output.write(bytes)
            try output.finish()
        } catch let error as CLIPError {
            throw InputError(described(error, name: path.text))
        }
        return true
    }

    private func writeArray(_ model: CLIPModel, _ console: Console) throws -> Bool {
        let options = pictures.options(for: model)
        let side = model.preprocessing.cropSize
        let results = try ResultStream(
            output, console: console, row: ([3, side, side], EmbeddingRecord.row(of: model).fields))
        let inputs = try PictureInputs(sources, console: console)
        for input in inputs {
            do {
                let image =
                    switch input {
                    case .file(let path): try Picture(reading: PathBytes(path), options: options.reading)
                    case .filePath(let bytes): try Picture(reading: PathBytes(bytes), options: options.reading)
                    case .bytes(let bytes, _): try Picture(bytes: bytes, options: options.reading)
                    }
                let pixels = try model.preprocess(image, fit: options.fit)
                try results.write(PixelRecord(input: RecordName(input), pixels: pixels))
            } catch let error as CLIPError {
                try results.fail(RecordName(input), described(error, name: input.name))
            }
        }
        results.setSkipped(inputs.skipped)
        try inputs.checkEnd()
        try results.finish()
        return !console.hasFailed
    }
}

/// The pixels of a picture, which only NumPy wants.
private struct PixelRecord: Record {
    let input: RecordName
    let pixels: PixelTensor

    var fields: [(name: String, value: FieldValue)] {
        [("input", .text(input.text)), ("input_bytes", .nameBytes(input.bytes))]
    }
    var text: String { displayed(input.text) + "\n" }
    var vectors: (name: RecordName, values: [Float])? { (input, pixels.values) }
}
