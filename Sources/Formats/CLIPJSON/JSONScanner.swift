package import CLIPSystem

/// Where a JSON text stands, for errors.
package struct JSONPlace {
    private let path: String?
    private let kind: CLIPError.Kind
    private let part: String
    private let start: Int
    private let advice: String

    /// - Parameters:
    ///   - path: the file.
    ///   - part: which part of the file, for example "header, ".
    ///   - start: the text's first byte in the file.
    ///   - advice: what to do about an error.
    package init(
        _ path: String?, _ kind: CLIPError.Kind = .model, part: String = "", start: Int = 0, advice: String = ""
    ) {
        (self.path, self.kind, self.part, self.start, self.advice) = (path, kind, part, start, advice)
    }

    fileprivate func fault(_ problem: String, at offset: Int) -> CLIPError {
        CLIPError(kind, path: path, "\(part)byte \(start + offset): \(problem)\(advice)")
    }
}

/// A reader of JSON, one pass over the bytes, no tree, bounded depth.
///
/// A safetensors header is read before every answer, so it must cost microseconds, without loading Foundation.
package struct JSONScanner {
    static let deepest = 64

    private let bytes: [UInt8]
    private let place: JSONPlace
    package private(set) var position = 0

    /// How many bytes haven't been read yet.
    package var remainingCount: Int { bytes.count - position }

    package init(_ bytes: [UInt8], at place: JSONPlace) {
        self.bytes = bytes
        self.place = place
    }

    package mutating func openObject() throws(CLIPError) { try expect(UInt8(ascii: "{"), "an object") }

    package mutating func openArray() throws(CLIPError) { try expect(UInt8(ascii: "["), "a list") }

    /// The next key of the object that was opened, its colon consumed; nil once the object is closed.
    package mutating func nextKey(_ isFirst: inout Bool) throws(CLIPError) -> String? {
        try nextKeyBytes(&isFirst).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The same as UTF-8: a vocabulary has so many keys that making strings of them takes longer than all the rest.
    package mutating func nextKeyBytes(_ isFirst: inout Bool) throws(CLIPError) -> ArraySlice<UInt8>? {
        guard try advance(to: UInt8(ascii: "}"), &isFirst) else { return nil }
        let key = try stringBytes()
        try expect(UInt8(ascii: ":"), "a colon after the key")
        return key
    }

    /// True if the list that was opened has another element; false once it is closed.
    package mutating func nextElement(_ isFirst: inout Bool) throws(CLIPError) -> Bool {
        try advance(to: UInt8(ascii: "]"), &isFirst)
    }

    package mutating func end() throws(CLIPError) {
        skipWhitespace()
        if position < bytes.count { throw fault("expected the end of the JSON text") }
    }

    package mutating func unsignedInteger() throws(CLIPError) -> Int {
        skipWhitespace()
        let start = position
        var value = 0
        while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10 {
            let (scaled, overflow1) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = scaled.addingReportingOverflow(Int(digit))
            if overflow1 || overflow2 { throw fault("the number is too large", at: start) }
            value = sum
            position += 1
        }
        let next = position < bytes.count ? bytes[position] : UInt8(ascii: ",")
        let isFraction = next == UInt8(ascii: ".") || next == UInt8(ascii: "e") || next == UInt8(ascii: "E")
        let hasLeadingZero = position - start > 1 && bytes[start] == UInt8(ascii: "0")
        if position == start || isFraction || hasLeadingZero { throw fault("expected a whole number", at: start) }
        return value
    }

    /// A number, as `value()` reads it; nil if what comes next is something else, which is passed over.
    package mutating func number() throws(CLIPError) -> Double? {
        skipWhitespace()
        let (start, text) = (position, bytes)
        var end = start
        let found = text.withUnsafeBufferPointer { DecimalNumber($0, from: start, to: &end)?.value }
        guard let found else { return try value().double }
        position = end
        return found
    }

    package mutating func string() throws(CLIPError) -> String { String(decoding: try stringBytes(), as: UTF8.self) }

    /// A string as valid UTF-8.
    package mutating func stringBytes() throws(CLIPError) -> ArraySlice<UInt8> {
        skipWhitespace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw fault("expected a string") }
        let start = position + 1
        let (end, isASCII) = endOfPlainText(from: start)
        position = end
        if end < bytes.count, bytes[end] == UInt8(ascii: "\"") {
            position += 1
            return isASCII ? bytes[start..<end] : try validated(bytes[start..<end], at: start)
        }
        return try escapedString(from: start)
    }

    /// Passes over one value of any kind.
    package mutating func skipValue() throws(CLIPError) {
        var closers: [UInt8] = []
        value: while true {
            skipWhitespace()
            let first = position < bytes.count ? bytes[position] : 0
            var isFirst = true
            if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
                if closers.count == JSONScanner.deepest { throw fault("is nested too deep") }
                position += 1
                closers.append(first + 2)
            } else {
                try skipScalar()
                isFirst = false
            }
            while let closer = closers.last {
                if try advance(to: closer, &isFirst) {
                    if closer == UInt8(ascii: "}") {
                        _ = try stringBytes()
                        try expect(UInt8(ascii: ":"), "a colon after the key")
                    }
                    continue value
                }
                closers.removeLast()
            }
            return
        }
    }

    package func fault(_ problem: String, at offset: Int? = nil) -> CLIPError {
        place.fault(problem, at: offset ?? position)
    }
}

extension JSONScanner {
    private mutating func skipWhitespace() {
        while position < bytes.count, case let byte = bytes[position],
            byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
        {
            position += 1
        }
    }

    private mutating func expect(_ byte: UInt8, _ what: @autoclosure () -> String) throws(CLIPError) {
        skipWhitespace()
        guard position < bytes.count, bytes[position] == byte else { throw fault("expected \(what())") }
        position += 1
    }

    /// False, past `closer`, if that comes next; else true, past the comma that all but the first element need.
    private mutating func advance(to closer: UInt8, _ isFirst: inout Bool) throws(CLIPError) -> Bool {
        skipWhitespace()
        if position < bytes.count, bytes[position] == closer {
            position += 1
            isFirst = false
            return false
        }
        if !isFirst { try expect(UInt8(ascii: ","), "a comma or \"\(Character(UnicodeScalar(closer)))\"") }
        isFirst = false
        return true
    }

    private mutating func skipScalar() throws(CLIPError) {
        if try peek() == UInt8(ascii: "\"") { _ = try stringBytes() } else { _ = try scalar() }
    }

    /// The first byte of what comes next, which stays unread.
    package mutating func peek() throws(CLIPError) -> UInt8 {
        skipWhitespace()
        guard position < bytes.count else { throw fault("expected a value") }
        return bytes[position]
    }

    /// A number, `true`, `false` or `null`. `NaN` and `Infinity`, which Python writes, are numbers too, and one that is too
    /// large for a `Double` is infinite, as in Python.
    mutating func scalar() throws(CLIPError) -> JSONValue {
        skipWhitespace()
        let start = position
        while position < bytes.count, case let byte = bytes[position],
            (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
                || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".")
                || byte == UInt8(ascii: "E") || byte == UInt8(ascii: "I") || byte == UInt8(ascii: "N")
        {
            position += 1
        }
        switch String(decoding: bytes[start..<position], as: UTF8.self) {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        case "NaN": return .number(.nan)
        case "Infinity": return .number(.infinity)
        case "-Infinity": return .number(-.infinity)
        case let word:
            // Swift reads "nan" and "inf" too: a number begins with a digit.
            let first = word.utf8.first { $0 != UInt8(ascii: "-") } ?? 0
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first), let number = Double(word) else {
                throw fault("expected a value", at: start)
            }
            return .number(number)
        }
    }

    /// Where a string ends or needs care that begins at `start`, and whether all up to there is ASCII.
    private func endOfPlainText(from start: Int) -> (end: Int, isASCII: Bool) {
        bytes.withUnsafeBufferPointer { bytes in
            var (end, all) = (start, UInt8(0))
            while end < bytes.count, case let byte = bytes[end], byte != UInt8(ascii: "\""),
                byte != UInt8(ascii: "\\"), byte >= 0x20
            {
                all |= byte
                end += 1
            }
            return (end, all < 0x80)
        }
    }

    private func validated(_ slice: ArraySlice<UInt8>, at offset: Int) throws(CLIPError) -> ArraySlice<UInt8> {
        guard slice.withUnsafeBufferPointer({ isUTF8($0[...]) }) else {
            throw fault("the string is not valid UTF-8", at: offset)
        }
        return slice
    }

    private mutating func escapedString(from start: Int) throws(CLIPError) -> ArraySlice<UInt8> {
        var result = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try validated(result[...], at: start)
            case UInt8(ascii: "\\"): try appendEscape(to: &result)
            case 0..<0x20: throw fault("a control character in a string", at: position - 1)
            default: result.append(byte)
            }
        }
        throw fault("the string has no end", at: start)
    }

    private mutating func appendEscape(to result: inout [UInt8]) throws(CLIPError) {
        guard position < bytes.count else { throw fault("the string has no end") }
        let escape = bytes[position]
        position += 1
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(escape)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "u"):
            let start = position
            var units = [try hexadecimalUnit()]
            if units[0] & 0xFC00 == 0xD800, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                units.append(try hexadecimalUnit())
            }
            guard let scalars = String(validating: units, as: UTF16.self) else {
                throw fault("half of a surrogate pair", at: start)
            }
            result.append(contentsOf: scalars.utf8)
        default: throw fault("an unknown escape", at: position - 1)
        }
    }

    private mutating func hexadecimalUnit() throws(CLIPError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Character(UnicodeScalar(bytes[position])).hexDigitValue else {
                throw fault("expected four hexadecimal digits")
            }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }
}
