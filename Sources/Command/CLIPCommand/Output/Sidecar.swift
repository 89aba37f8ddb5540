import CLIP
import CLIPJSON

/// The file `x.npy.json` beside `x.npy`: which model made the rows, and which input is which.
final class Sidecar {
    private let output: Output
    /// Failed inputs wait here, outside memory: a list of names can be long and all of it wrong.
    private let failures: Spool
    private var inputCount = 0
    /// Inputs whose names are no text, by their rows.
    private var nameBytes: [(name: String, value: FieldValue)] = []
    /// What was left out of folders.
    var skipped: [SkippedFiles] = []

    /// - Parameters:
    ///   - path: of the array.
    ///   - fields: what is said of the model.
    init(beside path: String, fields: [(name: String, value: FieldValue)]) throws(OutputError) {
        output = try Output(path: path + ".json")
        failures = try Spool()
        var text = "{\n"
        for field in fields {
            text += jsonString(field.name) + ":"
            field.value.appendJSON(to: &text)
            text += ",\n"
        }
        try output.write(text + "\"inputs\":[")
    }

    /// The input that the next row belongs to.
    func add(_ input: RecordName) throws(OutputError) {
        try output.write((inputCount > 0 ? ",\n" : "\n") + jsonString(input.text))
        if FieldValue.base64OfName(input.bytes) != nil { nameBytes.append(("\(inputCount)", .nameBytes(input.bytes))) }
        inputCount += 1
    }

    /// An input that has no row, and why.
    func addFailure(_ input: RecordName, _ message: String) throws(OutputError) {
        var text = failures.byteCount > 0 ? ",\n" : "\n"
        FieldValue.failure(input, message).appendJSON(to: &text)
        try failures.write(Array(text.utf8))
    }

    /// Writes the end; the file appears with `commit`.
    func finish(shape: [Int]) throws(OutputError) {
        try output.write("\n],\n\"failed\":[")
        try failures.replay { part throws(OutputError) in try output.write(part) }
        var more = "\"skipped\":"
        FieldValue.skipped(skipped).appendJSON(to: &more)
        if !nameBytes.isEmpty {
            more += ",\n\"input_bytes\":"
            FieldValue.object(nameBytes).appendJSON(to: &more)
        }
        try output.write(
            "\n],\n\(more),\n\"shape\":[\(shape.map(String.init).joined(separator: ","))],\n\"dtype\":\"float32\"\n}\n"
        )
    }

    func commit() throws(OutputError) { try output.finish() }
}
