internal import CLIPJSON

/// One entry of a safetensors header. Offsets count from the first byte after the header.
struct SafetensorsEntry: Sendable {
    let name: String
    /// As the file spells it: a type this program doesn't know matters only when the tensor is asked for.
    let typeName: String
    let shape: [Int]
    let start: Int
    let end: Int
}

/// The JSON header of a safetensors file, read but not yet compared with the file's size.
///
/// Layout (huggingface/safetensors, README): an 8-byte little-endian length, that many bytes of JSON
/// `{"__metadata__": {string: string}, name: {"dtype", "shape", "data_offsets": [start, end]}}`, then the data.
struct SafetensorsHeader {
    /// The format's own limit.
    static let largest = 100_000_000

    var metadata: [String: String] = [:]
    /// In the order of the header.
    var entries: [SafetensorsEntry] = []

    init(json: [UInt8]) throws(JSONFault) {
        var scanner = JSONScanner(json)
        var isFirst = true
        try scanner.openObject()
        while let name = try scanner.nextKey(&isFirst) {
            if name.utf8.elementsEqual("__metadata__".utf8) {
                try readMetadata(&scanner)
            } else {
                entries.append(try SafetensorsHeader.readEntry(name, &scanner))
            }
        }
        try scanner.end()
    }

    private mutating func readMetadata(_ scanner: inout JSONScanner) throws(JSONFault) {
        // The format's own reader takes null for an empty object.
        if try scanner.peek() == UInt8(ascii: "n") { return try scanner.skipValue() }
        var isFirst = true
        try scanner.openObject()
        while let key = try scanner.nextKey(&isFirst) {
            guard metadata.updateValue(try scanner.string(), forKey: key) == nil else {
                throw scanner.fault("__metadata__ has \"\(key)\" twice")
            }
        }
    }

    private static func readEntry(_ name: String, _ scanner: inout JSONScanner) throws(JSONFault) -> SafetensorsEntry {
        var typeName: String?
        var shape: [Int]?
        var offsets: [Int]?
        var isFirst = true
        try scanner.openObject()
        while let field = try scanner.nextKey(&isFirst) {
            switch field {
            case "dtype" where typeName == nil: typeName = try scanner.string()
            case "shape" where shape == nil: shape = try integers(&scanner)
            case "data_offsets" where offsets == nil: offsets = try integers(&scanner)
            case "dtype", "shape", "data_offsets":
                throw scanner.fault("tensor \(quoted(name)) has \"\(field)\" twice")
            default: try scanner.skipValue()
            }
        }
        guard let typeName, let shape, let offsets else {
            throw scanner.fault("tensor \(quoted(name)) lacks one of dtype, shape and data_offsets")
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw scanner.fault("tensor \(quoted(name)) has data_offsets that are not a start and an end")
        }
        return SafetensorsEntry(name: name, typeName: typeName, shape: shape, start: offsets[0], end: offsets[1])
    }

    private static func integers(_ scanner: inout JSONScanner) throws(JSONFault) -> [Int] {
        var values: [Int] = []
        var isFirst = true
        try scanner.openArray()
        while try scanner.nextElement(&isFirst) { values.append(try scanner.unsignedInteger()) }
        return values
    }
}

/// `name` between quotation marks for a one-line message: control characters escaped, long names cut.
package func quoted(_ name: String) -> String {
    var text = "\""
    for (count, scalar) in name.unicodeScalars.enumerated() {
        if count == 200 {
            text += "…"
            break
        }
        text += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return text + "\""
}

/// The number of bytes of a tensor, nil if it doesn't fit an `Int`.
func byteCount(of type: ElementType, shape: [Int]) -> Int? {
    var total = type.byteCount
    for extent in shape {
        let (product, overflow) = total.multipliedReportingOverflow(by: extent)
        if overflow || extent < 0 { return nil }
        total = product
    }
    return total
}
