import CLIP

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

struct Pack: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json]
    private static let weightType = Option(
        "dtype", .choice("type", WeightType.allCases.map(\.rawValue)),
        help:
            "How weights are stored: f32 exactly, f16 in half the size, int8 in a quarter and computed with faster. "
            + "(default: f16)")
    private static let imagesOnly = Option("images-only", help: "Write the image encoder alone.")
    private static let textsOnly = Option("texts-only", help: "Write the text encoder and its tokenizer alone.")
    private static let target = Option(
        "output", short: "o", .target("file"), replaces: [.model],
        help: "The .clip file to write: it appears complete or not at all.")

    static let table = CommandTable(
        "pack",
        abstract: "Write a model as one .clip file, which loads at once.",
        discussion: [
            """
            The file holds weights, tokenizer, preprocessing, card, and probes for verify; it is a valid safetensors \
            file. Before it appears its probes are embedded by it and by the original weights: where they differ more \
            than the type explains, nothing is written. Prints {"path", "bytes", "dtype", "image_cosine", "text_cosine", \
            "model"}: the cosines are the least between the two.
            """
        ],
        positionals: [Positional("source", count: 1...1, isPath: true, help: "The model to pack, as for --model.")],
        options: [target, weightType, imagesOnly, textsOnly, .threads, .format(formats), .overwrite, .quiet],
        examples: [
            .init("clip pack models/clip-vit-base-patch32 -o b32.clip", "Half precision, half the size."),
            .init("clip pack openai/clip-vit-base-patch32 -o b32.clip --dtype f32", "From the hub's cache, exact."),
            .init("clip pack b32.clip -o fast.clip --dtype int8 --images-only", "Pictures alone, small and fast."),
        ])

    private let source: String
    private let threads: Int?
    private let type: WeightType
    private let outputs: OutputFiles
    private let path: String
    private let parts: ModelParts
    private let output: OutputOptions

    init(_ arguments: Arguments) throws(UsageError) {
        source = arguments.texts[0]
        threads = arguments.integer(.threads)
        type = arguments.choice(Pack.weightType) ?? .float16
        outputs = arguments.outputs
        guard let path = arguments.text(Pack.target) else {
            throw UsageError("Missing expected option '\(Pack.target.signature)'.")
        }
        guard path != "-" else { throw UsageError("A model needs a file: '\(Pack.target.signature)' can't be '-'.") }
        try OutputName(path).check(["clip", "safetensors"], of: Pack.target)
        self.path = path
        switch (arguments.has(Pack.imagesOnly), arguments.has(Pack.textsOnly)) {
        case (true, true): throw UsageError("'--images-only' and '--texts-only' exclude each other.")
        case (true, false): parts = .images
        case (false, true): parts = .texts
        case (false, false): parts = .all
        }
        output = OutputOptions(
            format: arguments.choice(.format(Pack.formats)), path: nil, isQuiet: arguments.flag(.quiet))
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let model = try ModelChoice.model(named: source, threads: threads)
        try outputs.check(model: model.path)
        warnOfWidening(model, console)
        for setting in model.settings {
            if let warning = setting.warning { console.warn("\(model.path): \(setting.name): \(warning)") }
        }
        let packed = try model.pack(to: URL(filePath: path), weights: type, parts: parts)
        let results = try ResultStream(output, console: console, isSingle: true)
        try results.write(PackRecord(path: path, type: type, packed: packed))
        try results.finish()
        return !console.hasFailed
    }
}

extension Pack {
    /// Weights that were rounded once gain nothing from more room.
    fileprivate func warnOfWidening(_ model: CLIPModel, _ console: Console) {
        let narrow = model.weightTypes.filter { width(of: $0) < width(of: type.rawValue) }
        guard !narrow.isEmpty, let widest = model.weightTypes.max(by: { width(of: $0) < width(of: $1) }) else { return }
        let isMixed = width(of: widest) >= width(of: type.rawValue)
        console.warn(
            "\(model.path): \(isMixed ? "some weights are" : "its weights are") stored as "
                + "\(narrow.joined(separator: ", ")): \(type.rawValue) takes more room and is no more exact"
                + (isMixed ? "" : "; '--dtype \(WeightType(rawValue: widest)?.rawValue ?? "int8")' keeps them small"))
    }

    /// Bits that a stored weight takes.
    private func width(of type: String) -> Int {
        switch type {
        case "f32": 32
        case "f16", "bf16": 16
        case "int8", "q8_0": 8
        default: 4
        }
    }
}

/// The file that was written.
private struct PackRecord: Record {
    let path: String
    let type: WeightType
    let packed: PackedFile

    var fields: [(name: String, value: FieldValue)] {
        [
            ("path", .text(path)), ("bytes", .integer(packed.byteCount)), ("dtype", .text(type.rawValue)),
        ] + cosines.map { ("\($0.name)_cosine", .number($0.least)) } + [("model", .text(packed.fingerprint))]
    }

    /// The least cosine of pictures and of texts, as far as there are any.
    private var cosines: [(name: String, least: Float)] {
        [("image", true), ("text", false)].compactMap { name, isPicture in
            packed.probes.filter { $0.isPicture == isPicture }.map(\.cosine).min().map { (name, $0) }
        }
    }

    var text: String {
        "\(displayed(path))\n  \(decimal(Double(packed.byteCount) / 1e6, places: 1)) MB, weights in \(type.rawValue)"
            + ", fingerprint \(packed.fingerprint)\n  cosine to the original: at least "
            + cosines.map { "\(decimal(Double($0.least), places: 6)) (\($0.name)s)" }.joined(separator: ", ") + "\n"
    }
}
