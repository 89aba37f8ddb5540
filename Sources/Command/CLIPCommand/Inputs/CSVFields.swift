/// The values of a line of CSV (RFC 4180). A quoted value may hold commas, doubled quotes, and line ends if the line does.
func csvFields(_ line: [UInt8]) -> [String] {
    var fields: [[UInt8]] = [[]]
    var isQuoted = false
    var position = 0
    while position < line.count {
        let byte = line[position]
        position += 1
        if byte == UInt8(ascii: "\"") {
            if isQuoted, position < line.count, line[position] == byte {
                fields[fields.count - 1].append(byte)
                position += 1
            } else {
                isQuoted.toggle()
            }
        } else if byte == UInt8(ascii: ","), !isQuoted {
            fields.append([])
        } else {
            fields[fields.count - 1].append(byte)
        }
    }
    return fields.map { String(decoding: $0, as: UTF8.self) }
}
