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
