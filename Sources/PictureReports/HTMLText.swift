import CLIPSystem

/// `text` as it may stand in HTML, between tags or in a quoted attribute. Control characters, and those that turn the
/// writing direction, become visible.
func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&#39;"
        case "\n": result += "↵"
        case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value): result += "\u{FFFD}"
        case _ where (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value):
            result += "\u{FFFD}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// A JSON text in ASCII alone, which no escaping for HTML changes.
func asciiJSON(_ json: String) -> String {
    var result = ""
    for unit in json.utf16 {
        if unit < 0x7F {
            result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
        } else {
            let digits = String(unit, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
    }
    return result
}

/// A path as a relative URL: what has a meaning in URLs is escaped, slashes stay.
func relativeAddress(_ path: some Collection<UInt8>) -> String {
    // A colon before the first slash would be taken for a scheme's.
    let isUnmistakable = [UInt8(ascii: "/"), UInt8(ascii: ".")].contains(path.first)
    return (isUnmistakable ? "" : "./") + percentEncoded(path, keepsSlashes: true)
}
