import CLIP
import CLIPOptions

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import PictureCollections

struct Export: Command {
    private enum Layout: String, CaseIterable {
        case safetensors
    }

    private static let layout = Option(
        "format", .choice("layout"), default: Layout.safetensors,
        help: "How the folder is laid out: safetensors, as Hugging Face's transformers read it. (default: safetensors)")
    private static let target = Option(
        "output", short: "o", .target("folder"),
        help: "The folder to write, which must be new or empty. (default: the source's name without its ending)")

    static let table = CommandTable(
        "export",
        abstract: "Write a model as a Hugging Face folder.",
        discussion: [
            """
            The folder holds model.safetensors, config.json, preprocessor_config.json, the tokenizer's files and the \
            card; of a model that holds one encoder, that one. It appears complete or not at all. Weights keep their values \
            to the bit, and transformers prepares pictures to the same pixels. Where it can't, the model is refused: so are \
            those that crop pictures as open_clip and OpenAI do, a pixel off where halves are rounded to even. Texts keep their tokens, \
            added and special ones too; what no tokenizer.json can say of models of OpenAI and open_clip (HTML un-escaped, \
            wrong encodings) is named. Prints the folder and the weights' size.
            """
        ],
        positionals: [
            Positional(
                "source", count: 1...1, isPath: true, isModel: true, help: "The model to export, as for --model.")
        ],
        options: [target, layout, ModelChoice.threads], ResultOptions.messages,
        examples: [
            .init("clip export b32.clip -o b32", "A packed model back as a folder."),
            .init("clip export texts.clip -o texts", "A text encoder alone, for CLIPTextModelWithProjection."),
        ])

    private let source: String
    private let path: String
    private let threads: Int?

    init(_ arguments: inout Arguments) throws(UsageError) {
        source = arguments.texts[0]
        threads = arguments.take(ModelChoice.threads)
        _ = arguments.take(Self.layout)
        let name = String(source.split(separator: "/").last ?? "model")
        let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? "\(name)-export"
        path = arguments.take(Self.target) ?? (stem.isEmpty ? "model" : stem)
        guard path != "-" else {
            throw UsageError("A model needs a folder: '\(Self.target.form.signature)' can't be '-'.")
        }
    }

    func run(_ console: Console) throws {
        let model = try ModelChoice.model(named: source, threads: threads)
        console.warn(of: model)
        if let texts = try model.textsReadOtherwiseWhenExported() {
            console.warn(
                "\(model.info.path): read otherwise in transformers, which can't do what this model does: \(texts)")
        }
        let byteCount = try model.export(to: URL(filePath: path))
        try ResultStream.write(
            ExportRecord(path: path, byteCount: byteCount), ResultChoice(format: nil, path: nil), console)
    }
}

/// The folder that was written.
private struct ExportRecord: Record {
    let path: String
    let byteCount: Int

    var fields: Fields { ["path": path, "bytes": byteCount] }

    var text: String {
        "\(displayed(path))\n  model.safetensors of \(decimal(Double(byteCount) / 1e6, places: 1)) MB\n"
    }
}
