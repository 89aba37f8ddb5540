/// A decimal number of at most nineteen digits, the nearest `Double` of which takes one division.
struct DecimalNumber {
    private var digits: UInt64 = 0
    private var isNegative = false
    /// How many of the digits stand behind the point.
    private var fractionCount = 0

    /// Reads a number that begins at `start` of `bytes` as JSON writes it.
    /// - Returns: nil for one with an exponent or more digits, and for what is no number.
    init?(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int, to end: inout Int) {
        var position = start
        func digit() -> UInt64? {
            guard position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10 else {
                return nil
            }
            return UInt64(digit)
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") {
            isNegative = true
            position += 1
        }
        let first = position
        while let next = digit() {
            guard position - first < 19 else { return nil }
            digits = digits * 10 + next
            position += 1
        }
        let wholeCount = position - first
        guard wholeCount > 0, wholeCount == 1 || bytes[first] != UInt8(ascii: "0") else { return nil }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            let firstOfFraction = position
            while let next = digit() {
                guard wholeCount + position - firstOfFraction < 19 else { return nil }
                digits = digits * 10 + next
                position += 1
            }
            fractionCount = position - firstOfFraction
            guard fractionCount > 0 else { return nil }
        }
        // Whatever goes on with a word is another's to judge.
        if position < bytes.count, case let byte = bytes[position] | 0x20,
            byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") || byte == UInt8(ascii: ".") | 0x20
                || byte == UInt8(ascii: "-") | 0x20 || byte == UInt8(ascii: "+") | 0x20
        {
            return nil
        }
        end = position
    }

    /// The nearest number, of two as near the even one.
    var value: Double {
        let magnitude = digits == 0 ? 0 : DecimalNumber.quotient(digits, DecimalNumber.powers[fractionCount])
        return isNegative ? -magnitude : magnitude
    }

    /// Both with their highest bit set, so that the quotient has 63 or 64 bits; the last stands for the remainder too, which
    /// rounding to 53 bits takes for what it is.
    private static func quotient(_ dividend: UInt64, _ divisor: UInt64) -> Double {
        let (up, down) = (dividend.leadingZeroBitCount, divisor.leadingZeroBitCount)
        let (high, low) = (dividend << UInt64(up), divisor << UInt64(down))
        let (quotient, remainder) = low.dividingFullWidth((high >> 1, high << 63))
        let rounded = Double(quotient | (remainder == 0 ? 0 : 1))
        return rounded * Double(sign: .plus, exponent: down - up - 63, significand: 1)
    }

    private static let powers: [UInt64] = (0...19).map { (0..<$0).reduce(1) { power, _ in power * 10 } }
}
