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
            "How weights are stored: f32 exactly, f16 in half the size; arithmetic is always in 32 bits. (default: f16)"
    )
    private static let target = Option(
        "output", short: "o", .target("file"), help: "The .clip file to write: it appears complete or not at all.")

    static let table = CommandTable(
        "pack",
        abstract: "Write a model as one .clip file, which loads at once.",
        discussion: [
            """
            The file holds weights, tokenizer, preprocessing, card, and probes for verify; it is a valid safetensors \
            file. Prints {"path", "bytes", "dtype", "model"}.
            """
        ],
        positionals: [Positional("source", count: 1...1, isPath: true, help: "The model to pack, as for --model.")],
        options: [target, weightType, .threads, .format(formats), .quiet],
        examples: [
            .init("clip pack models/clip-vit-base-patch32 -o b32.clip", "Half precision, half the size."),
            .init("clip pack openai/clip-vit-base-patch32 -o b32.clip --dtype f32", "From the hub's cache, exact."),
        ])

    private let arguments: Arguments
    private let path: String
    private let output: OutputOptions

    init(_ arguments: Arguments) throws(UsageError) {
        self.arguments = arguments
        guard let path = arguments.text(Pack.target) else {
            throw UsageError("Missing expected option '\(Pack.target.signature)'.")
        }
        guard path != "-" else { throw UsageError("A model needs a file: '\(Pack.target.signature)' can't be '-'.") }
        self.path = path
        output = OutputOptions(
            format: arguments.choice(.format(Pack.formats)), path: nil, isQuiet: arguments.flag(.quiet))
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let model = try CLIPModel(named: arguments.texts[0], threads: arguments.integer(.threads))
        let type = arguments.choice(Pack.weightType, as: WeightType.self) ?? .float16
        for setting in model.settings {
            if let warning = setting.warning { console.warn("\(model.path): \(setting.name): \(warning)") }
        }
        let byteCount = try model.pack(to: URL(filePath: path), weights: type)
        let results = try ResultStream(output, console: console, isSingle: true)
        let packed = try CLIPModel(named: path)
        try results.write(
            PackRecord(path: path, byteCount: byteCount, type: type, fingerprint: packed.fingerprint))
        try results.finish()
        return !console.hasFailed
    }
}

/// The file that was written.
private struct PackRecord: Record {
    let path: String
    let byteCount: Int
    let type: WeightType
    let fingerprint: String

    var fields: [(name: String, value: FieldValue)] {
        [
            ("path", .text(path)), ("bytes", .integer(byteCount)), ("dtype", .text(type.rawValue)),
            ("model", .text(fingerprint)),
        ]
    }

    var text: String {
        "\(displayed(path))\n  \(decimal(Double(byteCount) / 1e6, places: 1)) MB, weights in \(type.rawValue)"
            + ", fingerprint \(fingerprint)\n"
    }
}
