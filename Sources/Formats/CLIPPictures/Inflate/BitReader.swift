/// Bits of a byte stream, least significant first.
struct BitReader {
    /// Where the next byte to be taken into `buffer` stands.
    var position: Int
    /// Unread bits, the next one lowest. Bits above `count` are either zero or what `position` holds.
    var buffer: UInt64 = 0
    var count: UInt64 = 0

    init(position: Int) { self.position = position }

    /// Takes in whole bytes until at least 56 bits are there, or the input ends.
    @inline(__always)
    mutating func refill(_ input: UnsafeBufferPointer<UInt8>) {
        if position &+ 8 <= input.count {
            let word = UnsafeRawPointer(input.baseAddress!).loadUnaligned(fromByteOffset: position, as: UInt64.self)
            buffer |= UInt64(littleEndian: word) &<< count
            position &+= Int(truncatingIfNeeded: (63 &- count) &>> 3)
            count |= 56
        } else {
            refillNearEnd(input)
        }
    }

    @inline(never)
    private mutating func refillNearEnd(_ input: UnsafeBufferPointer<UInt8>) {
        buffer &= count >= 64 ? .max : 1 << count - 1
        while count <= 56, position < input.count {
            buffer |= UInt64(input[position]) << count
            position += 1
            count += 8
        }
    }

    /// The lowest `bits` bits, which the caller knows to be there. At most 32.
    @inline(__always)
    func peek(_ bits: UInt64) -> UInt64 { buffer & (1 &<< bits &- 1) }

    @inline(__always)
    mutating func consume(_ bits: UInt64) {
        buffer = buffer &>> bits
        count = count &- bits
    }

    /// Goes to the next whole byte and gives back the bytes taken in but not read.
    mutating func alignToByte() {
        position -= Int(count / 8)
        buffer = 0
        count = 0
    }
}
