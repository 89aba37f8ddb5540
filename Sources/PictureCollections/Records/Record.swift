import CLIP
import CLIPJSON
import CLIPSystem

/// One result in whatever form a format wants it.
package protocol Record {
    /// Names and values in the order of reading. Whose numbers they are is added by the stream, after them.
    var fields: Fields { get }
    /// For CSV: the lines, each with a value per column, in the same columns for every record of a command line.
    var rows: [Fields] { get }
    /// For people: whole lines.
    var text: String { get }
    /// For NumPy: what a row of the array belongs to, and the values of one row or several.
    var vectors: (name: RecordName, values: [Float])? { get }
    /// For lists of paths: the pictures that it is about, as far as their files are there.
    var paths: [RecordName] { get }
}

extension Record {
    package var rows: [Fields] { [fields] }
    package var vectors: (name: RecordName, values: [Float])? { nil }
    package var paths: [RecordName] { [] }
}

/// Names and values, written as a dictionary whose order counts.
package struct Fields: ExpressibleByDictionaryLiteral {
    package private(set) var list: [(name: String, value: FieldValue)] = []

    package init(dictionaryLiteral elements: (String, (any FieldConvertible)?)...) {
        list = elements.map { ($0, $1?.fieldValue ?? .null) }
    }

    /// Adds a value behind the others.
    package mutating func add(_ name: String, _ value: (any FieldConvertible)?) {
        list.append((name, value?.fieldValue ?? .null))
    }

    package static func += (fields: inout Fields, more: Fields) { fields.list += more.list }

    /// What is written: these, whose numbers they are, and what the text of a name can't say.
    func completed(model: String? = nil) -> [(name: String, value: FieldValue)] {
        var completed = list
        if let model { completed.append(("model", .text(model))) }
        for (name, value) in list {
            switch value {
            case .name(let input): completed.append((name + "_bytes", .nameBytes(input.bytes)))
            case .names(let inputs):
                let places = inputs.indices.filter { inputs[$0].base64 != nil }
                guard !places.isEmpty else { continue }
                var bytes: Fields = [:]
                for place in places { bytes.list.append(("\(place)", .nameBytes(inputs[place].bytes))) }
                completed.append((name + "_bytes", .object(bytes)))
            default: continue
            }
        }
        return completed
    }
}

/// A value in a record.
package enum FieldValue {
    case null
    case truth(Bool)
    case integer(Int)
    case number(Float)
    case text(String)
    /// Of a file or a text: as text, with its bytes beside where they are no UTF-8.
    case name(RecordName)
    case names([RecordName])
    /// What a name's text can't say: in base64 where the name is not UTF-8, else nothing in JSON, and an empty cell.
    case nameBytes([UInt8])
    case integers([Int])
    case numbers([Float])
    case list([FieldValue])
    case object(Fields)
}

/// What a record calls a file or text: as text, and as the bytes that a file's name is where they are no UTF-8.
package struct RecordName {
    package let bytes: [UInt8]

    package init(_ text: String) { bytes = Array(text.utf8) }

    package init(bytes: [UInt8]) { self.bytes = bytes }

    package init(_ input: PictureInput) {
        if case .path(let path) = input.source { bytes = path.bytes } else { bytes = Array(input.name.utf8) }
    }

    package init(_ picture: IndexedPicture) { bytes = picture.pathBytes }

    /// What is not UTF-8 is replaced.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The bytes in base64; nil where the text says it all.
    var base64: String? {
        String(validating: bytes, as: UTF8.self) == nil ? base64OfBytes(bytes) : nil
    }
}

/// What can stand in a record.
package protocol FieldConvertible {
    var fieldValue: FieldValue { get }
}

extension FieldValue: FieldConvertible { package var fieldValue: FieldValue { self } }
extension Bool: FieldConvertible { package var fieldValue: FieldValue { .truth(self) } }
extension Int: FieldConvertible { package var fieldValue: FieldValue { .integer(self) } }
extension Float: FieldConvertible { package var fieldValue: FieldValue { .number(self) } }
extension Double: FieldConvertible { package var fieldValue: FieldValue { .number(Float(self)) } }
extension String: FieldConvertible { package var fieldValue: FieldValue { .text(self) } }
extension RecordName: FieldConvertible { package var fieldValue: FieldValue { .name(self) } }
extension Fields: FieldConvertible { package var fieldValue: FieldValue { .object(self) } }
extension Array: FieldConvertible where Element: FieldConvertible {
    package var fieldValue: FieldValue {
        // An empty list is of every type to a cast alone.
        if Element.self == Float.self, let numbers = self as? [Float] { return .numbers(numbers) }
        if Element.self == Int.self, let integers = self as? [Int] { return .integers(integers) }
        if Element.self == RecordName.self, let names = self as? [RecordName] { return .names(names) }
        return .list(map(\.fieldValue))
    }
}

/// What was left out of folders, by kind.
extension SkippedFiles: FieldConvertible {
    package var fieldValue: FieldValue {
        .object(["kind": kind, "count": count, "example": example, "advice": advice])
    }
}

extension Fields {
    /// An input that has no result, and why.
    package static func failure(_ input: RecordName, _ message: String) -> Fields {
        ["input": input, "error": message]
    }
}

extension FieldValue {
    /// This value as JSON without spaces.
    package var json: String {
        var text = ""
        appendJSON(to: &text)
        return text
    }

    /// Appends this value as JSON without spaces.
    func appendJSON(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .truth(let value): text += value ? "true" : "false"
        case .integer(let value): text += "\(value)"
        case .number(let value): text += FieldValue.json(value)
        case .text(let value): text += jsonString(value)
        case .name(let name): text += jsonString(name.text)
        case .nameBytes(let bytes): text += RecordName(bytes: bytes).base64.map { jsonString($0) } ?? "null"
        case .names(let names): text.appendList(names) { $0 += jsonString($1.text) }
        case .integers(let values): text.appendList(values) { $0 += "\($1)" }
        case .numbers(let values): text.appendList(values) { $0 += FieldValue.json($1) }
        case .list(let values): text.appendList(values) { $1.appendJSON(to: &$0) }
        case .object(let fields): FieldValue.appendObject(fields.completed(), to: &text)
        }
    }

    static func appendObject(_ fields: [(name: String, value: FieldValue)], to text: inout String) {
        text += "{"
        var isFirst = true
        for (name, value) in fields {
            if case .nameBytes(let bytes) = value, RecordName(bytes: bytes).base64 == nil { continue }
            text += (isFirst ? "" : ",") + jsonString(name) + ":"
            value.appendJSON(to: &text)
            isFirst = false
        }
        text += "}"
    }

    /// The shortest digits that read back to the same `Float`. JSON has no infinities.
    static func json(_ number: Float) -> String { number.isFinite ? number.description : "null" }
}

extension String {
    fileprivate mutating func appendList<Element>(
        _ elements: [Element], _ append: (inout String, Element) -> Void
    ) {
        self += "["
        for (index, element) in elements.enumerated() {
            if index > 0 { self += "," }
            append(&self, element)
        }
        self += "]"
    }
}
