/// The arithmetic decoder of VP8 (RFC 6386, section 7).
struct VP8BoolDecoder {
    private let input: UnsafeBufferPointer<UInt8>
    private var position = 0
    /// Bits read but not used; the highest eight of the `8 + bits` lowest are compared with the split.
    private var value: UInt64 = 0
    private var bits = -8
    /// One less than the range of RFC 6386: 127…254.
    private var range: UInt32 = 254
    /// Whether bits past the end were asked for. They are zeros.
    private(set) var isPastEnd = false

    init(_ input: UnsafeBufferPointer<UInt8>) {
        self.input = input
        load()
    }

    @inline(__always)
    private mutating func load() {
        if position &+ 8 <= input.count {
            let word = UnsafeRawPointer(input.baseAddress!).loadUnaligned(fromByteOffset: position, as: UInt64.self)
            value = value &<< 56 | UInt64(bigEndian: word) &>> 8
            bits = bits &+ 56
            position &+= 7
        } else if position < input.count {
            value = value &<< 8 | UInt64(input[position])
            bits = bits &+ 8
            position &+= 1
        } else {
            value = value &<< 8
            bits = isPastEnd ? 0 : bits &+ 8
            isPastEnd = true
        }
    }

    /// Reads a bit that is 0 with a probability of `probability` / 256.
    @inline(__always)
    mutating func bit(_ probability: UInt8) -> Bool {
        if bits < 0 { load() }
        let split = (range &* UInt32(probability)) &>> 8
        let place = UInt64(truncatingIfNeeded: bits)
        let isOne = UInt32(truncatingIfNeeded: value &>> place) > split
        let newRange: UInt32
        if isOne {
            newRange = range &- split
            value = value &- UInt64(split &+ 1) &<< place
        } else {
            newRange = split &+ 1
        }
        // Scaled up until the highest of the eight bits is set.
        let shift = (newRange | 1).leadingZeroBitCount &- 24
        range = newRange &<< UInt32(truncatingIfNeeded: shift) &- 1
        bits = bits &- shift
        return isOne
    }

    /// An unsigned number, most significant bit first.
    mutating func number(_ count: Int) -> Int {
        (0..<count).reduce(0) { value, _ in value << 1 | (bit(128) ? 1 : 0) }
    }

    /// A number and its sign, if a flag says that there is one; else 0.
    mutating func optionalSigned(_ count: Int) -> Int {
        guard flag() else { return 0 }
        let magnitude = number(count)
        return flag() ? -magnitude : magnitude
    }

    mutating func flag() -> Bool { bit(128) }
}
