/// What follows the last dot of the last name in `path`, lower-case; nil where nothing does, or what is no word.
func fileExtension(of path: some Collection<UInt8>) -> String? {
    let name = Array(path.suffix(64))
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0, name[dot - 1] != UInt8(ascii: "/") else {
        return nil
    }
    let letters = name[(dot + 1)...]
    guard (1...12).contains(letters.count), letters.allSatisfy({ isWordByte($0) }) else { return nil }
    return String(decoding: letters, as: UTF8.self).lowercased()
}

private func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"):
        true
    default: false
    }
}
