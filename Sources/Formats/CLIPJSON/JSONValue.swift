package import CLIPSystem

/// A JSON text as a tree: for configuration files, where any field may be absent or of an unexpected kind.
package enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// Of a key that is there twice the last value counts, as in Python.
    case object([String: JSONValue])

    /// Parses a whole text.
    /// - Throws: when it is not JSON, or nested deeper than 64 levels.
    package init(parsing bytes: [UInt8], at place: JSONPlace = JSONPlace(nil)) throws(CLIPError) {
        var scanner = JSONScanner(bytes, at: place)
        self = try scanner.value()
        try scanner.end()
    }

    /// The value of `key`; nil when this is not an object or has no such key.
    package subscript(key: String) -> JSONValue? {
        if case .object(let fields) = self { fields[key] } else { nil }
    }

    package var isNull: Bool { self == .null }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var double: Double? { if case .number(let value) = self { value } else { nil } }
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    package var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }

    /// The number, if it is whole and an `Int` holds it exactly.
    package var int: Int? { double.flatMap(Int.init(exactly:)) }

    /// What kind of value this is, for error messages: `a string`, `a list`.
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

extension JSONScanner {
    /// The next value, of any kind, as a tree.
    package mutating func value(depth: Int = 0) throws(CLIPError) -> JSONValue {
        guard depth <= JSONScanner.deepest else { throw fault("is nested too deep") }
        var isFirst = true
        switch try peek() {
        case UInt8(ascii: "{"):
            try openObject()
            var fields: [String: JSONValue] = [:]
            while let key = try nextKey(&isFirst) { fields[key] = try value(depth: depth + 1) }
            return .object(fields)
        case UInt8(ascii: "["):
            try openArray()
            var elements: [JSONValue] = []
            while try nextElement(&isFirst) { elements.append(try value(depth: depth + 1)) }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try string())
        default: return try scalar()
        }
    }
}

/// `text` as a JSON string.
package func jsonString(_ text: String) -> String {
    var result: [UInt8] = [UInt8(ascii: "\"")]
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), byte]
        case 0..<0x20:
            let digits = String(byte, radix: 16)
            result += Array("\\u00\(digits.count == 1 ? "0" : "")\(digits)".utf8)
        default: result.append(byte)
        }
    }
    return String(decoding: result, as: UTF8.self) + "\""
}
