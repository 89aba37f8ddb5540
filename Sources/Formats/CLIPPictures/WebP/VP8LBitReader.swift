/// Bits of a lossless WebP stream, least significant first. Past the end come zeros, and `isPastEnd` turns true.
struct VP8LBitReader {
    private let input: UnsafeBufferPointer<UInt8>
    /// Where the next byte to be taken into `buffer` stands.
    private(set) var position = 0
    private var buffer: UInt64 = 0
    /// Bits in `buffer` that are not used; negative when more were used than there are.
    private var count = 0

    init(_ input: UnsafeBufferPointer<UInt8>) { self.input = input }

    @inline(__always) var isPastEnd: Bool { count < 0 }

    /// Takes in whole bytes until at least 56 bits are there, or the input ends.
    @inline(__always)
    mutating func refill() {
        if position &+ 8 <= input.count {
            let word = UnsafeRawPointer(input.baseAddress!).loadUnaligned(fromByteOffset: position, as: UInt64.self)
            buffer |= UInt64(littleEndian: word) &<< UInt64(truncatingIfNeeded: count)
            position &+= (63 &- count) &>> 3
            count |= 56
        } else {
            refillNearEnd()
        }
    }

    @inline(never)
    private mutating func refillNearEnd() {
        guard count >= 0 else { return }
        buffer &= count >= 64 ? .max : 1 << UInt64(count) - 1
        while count <= 56, position < input.count {
            buffer |= UInt64(input[position]) << UInt64(count)
            position += 1
            count += 8
        }
    }

    /// The next bits, of which the lowest 32 may count. Not refilled.
    @inline(__always) var next: Int { Int(truncatingIfNeeded: buffer & 0xFFFF_FFFF) }

    @inline(__always)
    mutating func consume(_ bits: Int) {
        buffer = buffer &>> UInt64(truncatingIfNeeded: bits)
        count = count &- bits
    }

    /// At most 24 bits as a number.
    @inline(__always)
    mutating func read(_ bits: Int) -> Int {
        refill()
        let value = next & (1 &<< bits &- 1)
        consume(bits)
        return value
    }
}
