package import CLIPSystem

/// PBM, PGM, PPM (P1…P6) and PAM (P7); the first picture of a file with several.
package enum NetpbmDecoder: PictureDecoder {
    package static let formatName = "Netpbm"
    package static let fileExtensions = ["ppm", "pgm", "pbm", "pnm", "pam"]

    package static func recognises(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 3, bytes[0] == UInt8(ascii: "P"), (0x31...0x37).contains(bytes[1]) else { return false }
        return NetpbmScanner.isSpace(bytes[2]) || bytes[2] == UInt8(ascii: "#")
    }

    package static func recognises(unnamed firstBytes: [UInt8]) -> Bool {
        guard recognises(firstBytes) else { return false }
        // A comment, a size, or the first word of a PAM header comes next.
        let next = firstBytes.dropFirst(2).drop { NetpbmScanner.isSpace($0) }
        if firstBytes[1] == UInt8(ascii: "7") {
            return next.starts(with: "WIDTH".utf8) || next.first == UInt8(ascii: "#")
        }
        return next.first.map { $0 == UInt8(ascii: "#") || (0x31...0x39).contains($0) } ?? false
    }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> DecodedPicture {
        let header = try NetpbmHeader(bytes, format: formatName)
        _ = try options.checkedPixelCount(format: formatName, width: header.width, height: header.height)
        try checkLength(bytes, header, options)
        let table = sampleTable(header, options)
        let pixels =
            switch header.encoding {
            case .plain: try plainPixels(bytes, header, table, options)
            case .binary: binaryPixels(bytes, header, table, options)
            case .packedBits: packedPixels(bytes, header)
            }
        return DecodedPicture(bitmap: Bitmap(width: header.width, height: header.height, pixels: pixels))
    }

    /// Refuses sizes that the file can't hold, before memory is taken for them.
    private static func checkLength(
        _ bytes: [UInt8], _ header: NetpbmHeader, _ options: DecodingOptions
    ) throws(CLIPError) {
        let samples = header.width * header.height * header.channels
        let needed =
            switch header.encoding {
            // Digits of P1 may touch; other numbers have a space between them.
            case .plain: header.isInverted ? samples : 2 * samples - 1
            case .binary: header.maximum > 255 ? 2 * samples : samples
            case .packedBits: (header.width + 7) / 8 * header.height
            }
        guard bytes.count - header.dataStart >= needed || options.allowTruncated else {
            throw .truncated(
                format: formatName, offset: bytes.count,
                problem: "\(header.width) × \(header.height) pixels need at least \(needed) bytes of samples,"
                    + " found \(bytes.count - header.dataStart)")
        }
    }

    /// 8-bit value of each sample value 0…`maximum`. Grey over 255 is 16-bit grey, which `gray16` reads; colour over
    /// 255 is scaled, as Pillow does both.
    private static func sampleTable(_ header: NetpbmHeader, _ options: DecodingOptions) -> [UInt8] {
        let maximum = Double(header.maximum)
        return (0...header.maximum).map { value in
            guard header.channels <= 2, header.maximum > 255 else {
                let light = header.isInverted ? header.maximum - value : value
                return UInt8((Double(light) / maximum * 255).rounded(.toNearestOrEven))
            }
            let wide = Int((Double(value) / maximum * 65535).rounded(.toNearestOrEven))
            return options.gray16 == .high ? UInt8(wide >> 8) : UInt8(min(wide, 255))
        }
    }

    private static func packedPixels(_ bytes: [UInt8], _ header: NetpbmHeader) -> [UInt8] {
        let rowBytes = (header.width + 7) / 8
        var pixels: [UInt8] = []
        pixels.reserveCapacity(header.width * header.height * 3)
        for y in 0..<header.height {
            for x in 0..<header.width {
                let offset = header.dataStart + y * rowBytes + x / 8
                let isBlack = offset >= bytes.count || bytes[offset] >> UInt8(7 - x % 8) & 1 == 1
                let value: UInt8 = isBlack ? 0 : 255
                pixels.append(value)
                pixels.append(value)
                pixels.append(value)
            }
        }
        return pixels
    }

    private static func binaryPixels(
        _ bytes: [UInt8], _ header: NetpbmHeader, _ table: [UInt8], _ options: DecodingOptions
    ) -> [UInt8] {
        let count = header.width * header.height
        if header.channels == 3, header.maximum == 255, bytes.count - header.dataStart >= count * 3 {
            return Array(bytes[header.dataStart..<header.dataStart + count * 3])
        }
        var pixels = pictureMemory(count * 3)
        let sampleBytes = header.maximum > 255 ? 2 : 1
        let pixelBytes = sampleBytes * header.channels
        let present = min(count, (bytes.count - header.dataStart) / pixelBytes)
        if pixelBytes == 1 {
            let lights = PaletteTable(rgb: (0..<768).map { table[min($0 / 3, header.maximum)] })
            bytes[header.dataStart..<header.dataStart + present].withUnsafeBufferPointer { samples in
                pixels.withUnsafeMutableBufferPointer { pixels in
                    lights.expand(samples, to: UnsafeMutableBufferPointer(rebasing: pixels[..<(3 * present)]))
                }
            }
            return pixels
        }
        var offset = header.dataStart
        for pixel in 0..<present {
            func sample(_ channel: Int) -> UInt8 {
                let at = offset + channel * sampleBytes
                let value = sampleBytes == 1 ? Int(bytes[at]) : Int(bytes[at]) << 8 | Int(bytes[at + 1])
                return table[min(value, header.maximum)]
            }
            let isGray = header.channels <= 2
            var (red, green, blue) = (sample(0), sample(isGray ? 0 : 1), sample(isGray ? 0 : 2))
            if header.channels % 2 == 0, options.alpha == .white {
                let alpha = sample(header.channels - 1)
                red = overWhite(red, alpha)
                green = overWhite(green, alpha)
                blue = overWhite(blue, alpha)
            }
            pixels[3 * pixel] = red
            pixels[3 * pixel + 1] = green
            pixels[3 * pixel + 2] = blue
            offset += pixelBytes
        }
        return pixels
    }

    private static func plainPixels(
        _ bytes: [UInt8], _ header: NetpbmHeader, _ table: [UInt8], _ options: DecodingOptions
    ) throws(CLIPError) -> [UInt8] {
        var scanner = NetpbmScanner(bytes, format: formatName)
        scanner.position = header.dataStart
        var pixels = pictureMemory(header.width * header.height * 3)
        let copies = 3 / header.channels
        for index in 0..<header.width * header.height * header.channels {
            scanner.skipSpace()
            if scanner.position == bytes.count {
                if options.allowTruncated { break }
                throw .truncated(format: formatName, offset: bytes.count, problem: "in the samples")
            }
            let value: Int
            if header.isInverted {
                value = Int(bytes[scanner.position]) - 0x30
                guard value == 0 || value == 1 else { throw scanner.malformed("expected the digit 0 or 1") }
                scanner.position += 1
            } else {
                value = try scanner.number("a sample")
                guard value <= header.maximum else {
                    throw scanner.malformed("sample \(value) is over the largest value, \(header.maximum)")
                }
            }
            for copy in 0..<copies { pixels[index * copies + copy] = table[value] }
        }
        return pixels
    }
}

/// The head of a PBM, PGM, PPM or PAM file, and where its samples begin.
private struct NetpbmHeader {
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
    init(_ bytes: [UInt8], format: String) throws(CLIPError) {
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
    private static func arbitraryMap(_ scanner: inout NetpbmScanner) throws(CLIPError) -> NetpbmHeader {
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

    private func validate(_ scanner: NetpbmScanner) throws(CLIPError) {
        guard width > 0, height > 0 else {
            throw scanner.malformed("the picture is \(width) × \(height) pixels, expected at least 1 × 1")
        }
        guard (1...65535).contains(maximum) else {
            throw scanner.malformed("the largest value is \(maximum), expected 1 to 65535")
        }
    }
}

/// Reads the words and numbers of a Netpbm header, stepping over white space and `#` comments.
private struct NetpbmScanner {
    let bytes: [UInt8]
    let format: String
    var position = 0

    init(_ bytes: [UInt8], format: String) {
        self.bytes = bytes
        self.format = format
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    func malformed(_ problem: String) -> CLIPError {
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
    mutating func skipOneSpace() throws(CLIPError) {
        guard position < bytes.count else {
            throw .truncated(format: format, offset: position, problem: "before the first sample")
        }
        guard NetpbmScanner.isSpace(bytes[position]) else { throw malformed("expected white space after the header") }
        position += 1
    }

    mutating func word(_ what: String) throws(CLIPError) -> String {
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
    mutating func number(_ what: String) throws(CLIPError) -> Int {
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
