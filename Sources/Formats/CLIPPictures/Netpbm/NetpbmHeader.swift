/// The head of a PBM, PGM, PPM or PAM file, and where its samples begin.
struct NetpbmHeader {
    /// How the samples are written.
    enum Encoding {
        /// Decimal numbers.
        case plain
        /// Bytes, or big-endian pairs of them when `maximum` is over 255.
        case binary
        /// Eight pixels a byte, 1 is black.
        case packedBits
    }

    var encoding: Encoding
    var width: Int
    var height: Int
    /// Samples a pixel: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
    var channels: Int
    /// The sample value of full light, 1…65535.
    var maximum: Int
    /// PBM: 1 is black.
    var isInverted = false
    /// Offset of the first sample.
    var dataStart: Int
}

extension NetpbmHeader {
    init(_ bytes: [UInt8], format: String) throws(PictureError) {
        var scanner = NetpbmScanner(bytes, format: format)
        if bytes[1] == UInt8(ascii: "7") {
            self = try NetpbmHeader.arbitraryMap(&scanner)
            return
        }
        let kind = bytes[1] - UInt8(ascii: "0")
        let isBitmap = kind == 1 || kind == 4
        scanner.position = 2
        width = try scanner.number("the width")
        height = try scanner.number("the height")
        maximum = isBitmap ? 1 : try scanner.number("the largest value")
        try scanner.skipOneSpace()
        encoding = kind <= 3 ? .plain : kind == 4 ? .packedBits : .binary
        channels = kind == 3 || kind == 6 ? 3 : 1
        isInverted = isBitmap
        dataStart = scanner.position
        try validate(scanner)
    }

    /// P7: lines of a name and a value up to `ENDHDR`.
    private static func arbitraryMap(_ scanner: inout NetpbmScanner) throws(PictureError) -> NetpbmHeader {
        var header = NetpbmHeader(encoding: .binary, width: 0, height: 0, channels: 0, maximum: 0, dataStart: 0)
        scanner.position = 2
        while true {
            switch try scanner.word("a header line") {
            case "WIDTH": header.width = try scanner.number("the width")
            case "HEIGHT": header.height = try scanner.number("the height")
            case "DEPTH": header.channels = try scanner.number("the depth")
            case "MAXVAL": header.maximum = try scanner.number("the largest value")
            case "TUPLTYPE": scanner.skipLine()
            case "ENDHDR":
                scanner.skipLine()
                header.dataStart = scanner.position
                guard (1...4).contains(header.channels) else {
                    throw scanner.malformed("DEPTH is \(header.channels), expected 1 to 4")
                }
                try header.validate(scanner)
                return header
            case let other: throw scanner.malformed("unknown header line \"\(other)\"")
            }
        }
    }

    private func validate(_ scanner: NetpbmScanner) throws(PictureError) {
        guard width > 0, height > 0 else {
            throw scanner.malformed("the picture is \(width) × \(height) pixels, expected at least 1 × 1")
        }
        guard (1...65535).contains(maximum) else {
            throw scanner.malformed("the largest value is \(maximum), expected 1 to 65535")
        }
    }
}

/// Reads the words and numbers of a Netpbm header, stepping over white space and `#` comments.
struct NetpbmScanner {
    let bytes: [UInt8]
    let format: String
    var position = 0

    init(_ bytes: [UInt8], format: String) {
        self.bytes = bytes
        self.format = format
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    func malformed(_ problem: String) -> PictureError {
        .malformed(format: format, offset: min(position, bytes.count), problem: problem)
    }

    mutating func skipSpace() {
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "#") {
                skipLine()
            } else if NetpbmScanner.isSpace(bytes[position]) {
                position += 1
            } else {
                return
            }
        }
    }

    mutating func skipLine() {
        while position < bytes.count {
            position += 1
            if bytes[position - 1] == 0x0A || bytes[position - 1] == 0x0D { return }
        }
    }

    /// The one byte of white space between the header and the samples.
    mutating func skipOneSpace() throws(PictureError) {
        guard position < bytes.count else {
            throw .truncated(format: format, offset: position, problem: "before the first sample")
        }
        guard NetpbmScanner.isSpace(bytes[position]) else { throw malformed("expected white space after the header") }
        position += 1
    }

    mutating func word(_ what: String) throws(PictureError) -> String {
        skipSpace()
        let start = position
        while position < bytes.count, !NetpbmScanner.isSpace(bytes[position]), position - start <= 10 { position += 1 }
        guard position > start else {
            throw .truncated(format: format, offset: position, problem: "expected \(what)")
        }
        guard position - start <= 10 else {
            position = start
            throw malformed("expected \(what), found a longer word")
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// An unsigned decimal number of at most ten digits.
    mutating func number(_ what: String) throws(PictureError) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, (0x30...0x39).contains(bytes[position]), position - start < 10 {
            value = value * 10 + Int(bytes[position] - 0x30)
            position += 1
        }
        guard position > start else {
            guard position < bytes.count else {
                throw .truncated(format: format, offset: position, problem: "expected \(what)")
            }
            throw malformed("expected \(what), found a character that is not a digit")
        }
        return value
    }
}
