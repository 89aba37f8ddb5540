import CLIP
import CLIPOptions

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import PictureCollections

struct Pack: Command {
    private static let results = ResultOptions.records
    private static let weightType = Option(
        "dtype", .choice("type"), default: WeightType.float16,
        help:
            "How weights are stored: f32 exactly, f16 in half the size, int16 in half and computed with faster, int8 in a "
            + "quarter and fastest, less exact. (default: f16)")
    private static let imagesOnly = Option("images-only", help: "Write the image encoder alone.")
    private static let textsOnly = Option("texts-only", help: "Write the text encoder and its tokenizer alone.")
    private static let textModel = Option(
        "text-model", .model,
        help: """
            Take the text encoder of another model, which was trained for the source's space: \
            sentence-transformers/clip-ViT-B-32-multilingual-v1 for OpenAI's ViT-B/32, M-CLIP's for the model in their names.
            """)
    private static let target = Option(
        "output", short: "o", .target("file"),
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
            """,
            """
            Which type: int16 to compute up to twice as fast as f32 and f16 at a cosine of 0.9999993 and more, int8 for up to \
            four times at 0.9995, f32 to compare with a reference, f16 for a file that export writes back as it came. \
            Embeddings of int16 and int8 are the same to the bit on every processor.
            """,
        ],
        positionals: [
            Positional(
                "source", count: 1...1, isPath: true, isModel: true, help: "The model to pack, as for --model.")
        ],
        options: [
            target, weightType, textModel, imagesOnly, textsOnly, ModelChoice.threads, results.format,
            OutputFiles.overwrite,
        ], ResultOptions.messages,
        replaces: [.model],
        examples: [
            .init("clip pack models/clip-vit-base-patch32 -o b32.clip", "Half precision, half the size."),
            .init("clip pack openai/clip-vit-base-patch32 -o b32.clip --dtype f32", "From the hub's cache, exact."),
            .init("clip pack openai/clip-vit-base-patch32 -o b32.clip --dtype int16", "Fast, and nearly exact."),
            .init(
                "clip pack ViT-B-32 --text-model clip-ViT-B-32-multilingual-v1 -o b32.clip",
                "Two models of one space as one: texts in fifty languages."),
            .init("clip pack b32.clip -o fast.clip --dtype int8 --images-only", "Pictures alone, small and fastest."),
        ])

    private let source: String
    private let textModel: String?
    private let threads: Int?
    private let type: WeightType
    private let outputs: OutputFiles
    private let path: String
    private let parts: ModelParts
    private let output: ResultChoice

    init(_ arguments: inout Arguments) throws(UsageError) {
        source = arguments.texts[0]
        textModel = arguments.take(Self.textModel)
        threads = arguments.take(ModelChoice.threads)
        type = arguments.take(Self.weightType)
        outputs = arguments.outputs
        let signature = Self.target.form.signature
        guard let path = arguments.take(Self.target) else {
            throw UsageError("Missing expected option '\(signature)'.")
        }
        guard path != "-" else { throw UsageError("A model needs a file: '\(signature)' can't be '-'.") }
        try OutputName(path).check(["clip", "safetensors"], of: Self.target)
        self.path = path
        switch (arguments.take(Self.imagesOnly), arguments.take(Self.textsOnly)) {
        case (true, true): throw UsageError("'--images-only' and '--texts-only' exclude each other.")
        case (true, false): parts = .images
        case (false, true): parts = .texts
        case (false, false): parts = .all
        }
        if parts != .all { try arguments.refuse([Self.textModel], "where one encoder is written") }
        output = ResultChoice(formatOf: &arguments, Self.results)
    }

    func run(_ console: Console) throws {
        var model = try ModelChoice.model(named: source, threads: threads)
        try outputs.check(model: model.info.path)
        if let textModel {
            let texts = try ModelChoice.model(named: textModel, threads: threads)
            try outputs.check(model: texts.info.path)
            model = try CLIPModel(images: model, texts: texts)
        }
        warnOfWidening(model, console)
        console.warn(of: model)
        let packed = try model.pack(to: URL(filePath: path), weights: type, parts: parts)
        try ResultStream.write(
            PackRecord(path: path, type: type, packed: packed), output, console, model: packed.fingerprint)
    }

    /// Weights that were rounded once gain nothing from more room.
    private func warnOfWidening(_ model: CLIPModel, _ console: Console) {
        guard let widening = model.info.widening(to: type) else { return }
        console.warn(
            "\(model.info.path): \(widening.isOfAll ? "its weights are" : "some weights are") stored as "
                + "\(widening.types.joined(separator: ", ")): \(type.rawValue) takes more room and is no more exact"
                + (widening.isOfAll ? "; '--dtype \(widening.widest.rawValue)' keeps them small" : ""))
    }
}

/// The file that was written.
private struct PackRecord: Record {
    let path: String
    let type: WeightType
    let packed: PackedFile

    var fields: Fields {
        var fields: Fields = ["path": path, "bytes": packed.byteCount, "dtype": type.rawValue]
        for (name, least) in cosines { fields.add("\(name)_cosine", least) }
        return fields
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
