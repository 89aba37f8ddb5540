/// `text` on one line of a terminal: control characters and what turns the writing direction are escaped, so that a
/// file's name can neither move the cursor nor pretend to be another.
package func displayed(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isUnprintable) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case _ where isUnprintable(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

private func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
}

/// `number` with so many decimal places.
package func decimal(_ number: Double, places: Int) -> String {
    if number.isInfinite { return number < 0 ? "-∞" : "∞" }
    guard abs(number) < 1e12 else { return "\(number)" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let rounded = (abs(number) * scale).rounded()
    let sign = number < 0 && rounded > 0 ? "-" : ""
    guard places > 0 else { return sign + "\(Int(rounded))" }
    let fraction = "\(Int(rounded.truncatingRemainder(dividingBy: scale)))"
    let zeros = String(repeating: "0", count: places - fraction.utf8.count)
    return "\(sign)\(Int(rounded / scale)).\(zeros)\(fraction)"
}

/// The size of a file for people, in thousands or millions of bytes.
package func fileSize(_ byteCount: Int) -> String {
    byteCount < 999_500
        ? decimal(Double(byteCount) / 1e3, places: 0) + " kB" : decimal(Double(byteCount) / 1e6, places: 1) + " MB"
}

/// The columns that `text` takes on a terminal: East Asian wide characters and emoji take two.
package func columnCount(_ text: String) -> Int {
    text.reduce(0) { sum, character in
        switch character.unicodeScalars.first?.value ?? 0 {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            sum + 2
        default: sum + 1
        }
    }
}

extension String {
    /// Filled up with spaces to so many columns.
    package func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - columnCount(self)))
    }

    /// The text, without its middle where it takes more columns.
    package func shortened(to width: Int) -> String {
        guard columnCount(self) > width else { return self }
        func part(_ characters: some Sequence<Character>, _ width: Int) -> [Character] {
            var (part, columns): ([Character], Int) = ([], 0)
            for character in characters {
                columns += columnCount(String(character))
                guard columns <= width else { break }
                part.append(character)
            }
            return part
        }
        let end = (width - 1) / 3
        return String(part(self, width - 1 - end)) + "…" + String(part(reversed(), end).reversed())
    }

    /// Filled up with spaces in front.
    package func rightAligned(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - columnCount(self))) + self
    }
}

/// What a text says, in quotes, shortened in its middle when it is long.
package func excerpt(_ text: String, atMost limit: Int = 60) -> String {
    guard text.count > limit else { return "\"\(text)\"" }
    return "\"\(text.prefix(limit * 2 / 3)) … \(text.suffix(limit / 3))\""
}

extension Int {
    /// "1 picture", "2 pictures".
    package var pictures: String { self == 1 ? "1 picture" : "\(self) pictures" }
}
