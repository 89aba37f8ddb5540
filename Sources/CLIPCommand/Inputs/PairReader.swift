import CLIP
import JSON

/// A picture, a caption of it, and what people wrote of it.
struct CaptionPair {
    let image: String
    let text: String
    let references: [String]
}

/// Pictures with captions, one pair a line: JSON objects, or fields between tabs.
struct PairReader {
    /// What a line holds, or why it holds no pair.
    typealias Line = Result<CaptionPair, InputError>

    private let reader: EntryReader

    /// - Throws: when the file can't be opened.
    init(path: String) throws(InputError) {
        reader = try EntryReader(path: path, isNULSeparated: false)
    }

    /// Up to `count` lines that are not blank; fewer at the end, or when more would have to be waited for.
    func batch(_ count: Int) throws(InputError) -> [Line] {
        var lines: [Line] = []
        while lines.count < count, lines.isEmpty || reader.isReady, let bytes = try reader.next() {
            if !bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) {
                lines.append(pair(bytes))
            }
        }
        return lines
    }

    private func pair(_ bytes: [UInt8]) -> Line {
        let place = "\(reader.name): line \(reader.number)"
        guard let text = String(validating: bytes, as: UTF8.self) else { return .failure(.notUTF8(place)) }
        if bytes.first(where: { $0 != UInt8(ascii: " ") }) == UInt8(ascii: "{") {
            return jsonPair(bytes, place)
        }
        let fields = text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard fields.count > 1, !fields[0].isEmpty else {
            return .failure(
                InputError(
                    "\(place): expected a picture's path, a tab and a caption, or {\"image\": ..., \"text\": ...}"))
        }
        return .success(CaptionPair(image: fields[0], text: fields[1], references: Array(fields[2...])))
    }

    private func jsonPair(_ bytes: [UInt8], _ place: String) -> Line {
        let object: JSONValue
        do throws(JSONFault) {
            object = try JSONValue(parsing: bytes)
        } catch {
            return .failure(InputError("\(place): is no JSON object: \(error)"))
        }
        guard let image = object["image"]?.string, let text = (object["text"] ?? object["caption"])?.string else {
            return .failure(InputError("\(place): expected \"image\", a path, and \"text\", a caption"))
        }
        let references = object["references"]?.array ?? []
        let texts = references.compactMap(\.string)
        guard texts.count == references.count, object["references"]?.array != nil || object["references"] == nil else {
            return .failure(InputError("\(place): expected \"references\" to be a list of texts"))
        }
        return .success(CaptionPair(image: image, text: text, references: texts))
    }
}
