import CLIP

/// The embedding of a picture or a text.
struct EmbeddingRecord: Record {
    let input: RecordName
    let embedding: Embedding
    let fingerprint: String

    static let note = "--format jsonl shows all values"

    /// The shape of a row, and what the file beside an array says of the model.
    static func row(of model: CLIPModel) -> (shape: [Int], fields: [(name: String, value: FieldValue)]) {
        ([model.embeddingDimension], [("model", .text(model.fingerprint)), ("model_path", .text(model.path))])
    }

    var fields: [(name: String, value: FieldValue)] {
        [
            ("input", .text(input.text)), ("embedding", .numbers(embedding.values)), ("model", .text(fingerprint)),
            ("input_bytes", .nameBytes(input.bytes)),
        ]
    }

    var columns: [String] { ["input"] + embedding.values.indices.map { "e\($0)" } + ["model", "input_bytes"] }

    var rows: [[FieldValue]] {
        [
            [.text(input.text)] + embedding.values.map { .number($0) }
                + [.text(fingerprint), .nameBytes(input.bytes)]
        ]
    }

    var text: String {
        let first = embedding.values.prefix(5).map { decimal(Double($0), places: 4).rightAligned(to: 7) }
        let rest = embedding.values.count > 5 ? " …" : ""
        let length = decimal(Double(embedding.length), places: 4)
        return "\(displayed(input.text))\n  \(first.joined(separator: " "))\(rest)"
            + "  \(embedding.values.count) values, length \(length)\n"
    }

    var vectors: (name: RecordName, values: [Float])? { (input, embedding.values) }
}
