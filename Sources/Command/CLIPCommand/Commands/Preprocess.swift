import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

struct Preprocess: Command {
    private enum Format: String, CaseIterable {
        case npy, png
    }

    private static let format: Option<Format?> = Option(
        "format", .choice("format"), group: .output,
        help: """
            npy: the numbers that the model sees; png: the fitted picture. (default: by the name after -o, else npy)
            """)

    private static let output = Option(
        "output", short: "o", .target("file"), group: .output,
        help: ResultOptions.output.form.help)

    static let table = CommandTable(
        "preprocess",
        abstract: "Show what a model sees of pictures: fitted, cropped, normalised.",
        discussion: [
            """
            npy is a float32 array [pictures, 3, height, width], normalised as the model wants it; several pictures \
            and the windows of --fit multicrop stand one after another, and FILE.npy.json beside it names the picture \
            of each. A model that keeps the shape of pictures needs them all of one shape, or a --fit. png is the fitted \
            8-bit picture itself, to look at, and takes one picture.
            """
        ],
        positionals: [PictureSources.positional],
        options: ModelChoice.options, [PictureSources.filesFrom, TextSources.nulSeparated], PictureChoice.options,
        [format, output, OutputFiles.overwrite], ResultOptions.messages,
        replaces: [.drawing],
        examples: [
            .init("clip preprocess photo.jpg -o seen.png", "Look at what is left of a photo."),
            .init("clip preprocess photo.jpg -o pixels.npy", "The numbers, for NumPy."),
        ])

    private let output: ResultChoice
    private let model: ModelChoice
    private let sources: PictureSources
    private let pictures: PictureChoice
    private let isDrawing: Bool

    init(_ arguments: inout Arguments) throws(UsageError) {
        model = ModelChoice(&arguments)
        sources = PictureSources(&arguments)
        pictures = PictureChoice(&arguments)
        let path = arguments.take(Self.output)
        let format = arguments.take(Self.format)
        if let path, format == nil { try OutputName(path).check(["npy", "png"], of: Self.format) }
        isDrawing = format.map { $0 == .png } ?? (path.flatMap { OutputName($0).ending } == "png")
        output = ResultChoice(format: .npy, path: path)
        try output.checkBinary()
        if isDrawing, sources.paths.count != 1 || !sources.lists.isEmpty {
            throw UsageError("A png holds one picture: name one, or use '--format npy'.")
        }
        if isDrawing, pictures.fit == .multicrop {
            throw UsageError("A png holds one picture, '--fit multicrop' makes several: use '--format npy'.")
        }
    }

    func run(_ console: Console) throws {
        let model = try model.load(console, answers: false)
        try model.checkHasImageEncoder()
        if isDrawing { try draw(model) } else { try writeArray(model, console) }
    }

    private func draw(_ model: CLIPModel) throws {
        let options = pictures.options(for: model)
        let path = PathBytes(sources.paths[0])
        let picture = try Picture(named: path, options: options.reading)
        let bytes: [UInt8]
        do throws(CLIPError) {
            guard let fitted = try model.fittedPictures(of: picture, fit: options.fit).first else { return }
            bytes = fitted.png()
        } catch {
            throw error.named(path.text)
        }
        let output = try Output(path: self.output.path)
        try output.write(bytes)
        try output.finish()
    }

    private func writeArray(_ model: CLIPModel, _ console: Console) throws {
        let options = pictures.options(for: model)
        let fields: Fields = ["model": model.fingerprint, "model_path": model.info.path]
        // The shape of the first picture is that of all.
        var row: [Int]?
        var failures: [(input: RecordName, message: String)] = []
        var opened: ResultStream?
        func results() throws -> ResultStream {
            let side = model.info.imageSize
            let results = try opened ?? ResultStream(output, console, row: (row ?? [3, side, side], fields))
            for failure in failures { try results.fail(failure.input, failure.message) }
            (opened, failures) = (results, [])
            return results
        }
        let inputs = try sources.pictures(console)
        for input in inputs {
            let pixels = Result { () throws(CLIPError) in
                let pixels = try model.preprocess(try input.picture(options.reading), fit: options.fit)
                let shape = Array(pixels.shape.dropFirst())
                if let row, row != shape { throw Preprocess.otherShape(shape, than: row) }
                row = shape
                return pixels
            }
            switch pixels {
            case .success(let pixels):
                try results().write(PixelRecord(input: RecordName(input), pixels: pixels))
            case .failure(let error): failures.append((RecordName(input), described(error, name: input.name)))
            }
        }
        let results = try results()
        results.setSkipped(inputs.skipped)
        try inputs.checkEnd(console)
        try results.finish()
    }

    private static func otherShape(_ shape: [Int], than first: [Int]) -> CLIPError {
        CLIPError(
            .picture,
            "becomes \(shape[2]) × \(shape[1]) pixels, the pictures before it \(first[2]) × \(first[1]), and an array has one "
                + "shape: write it to a file of its own, or choose a fit")
    }
}

/// The pixels of a picture, which only NumPy wants.
private struct PixelRecord: Record {
    let input: RecordName
    let pixels: PixelTensor

    var fields: Fields { ["input": input] }
    var text: String { displayed(input.text) + "\n" }
    var vectors: (name: RecordName, values: [Float])? { (input, pixels.values) }
}
