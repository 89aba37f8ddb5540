/// `text` on one line of a terminal: control characters and what turns the writing direction are escaped, so that a
/// file's name can neither move the cursor nor pretend to be another.
func displayed(_ text: String) -> String {
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
func decimal(_ number: Double, places: Int) -> String {
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
func fileSize(_ byteCount: Int) -> String {
    byteCount < 999_500
        ? decimal(Double(byteCount) / 1e3, places: 0) + " kB" : decimal(Double(byteCount) / 1e6, places: 1) + " MB"
}

/// The columns that `text` takes on a terminal: East Asian wide characters and emoji take two.
func columnCount(_ text: String) -> Int {
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
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - columnCount(self)))
    }

    /// Filled up with spaces in front.
    func rightAligned(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - columnCount(self))) + self
    }
}
