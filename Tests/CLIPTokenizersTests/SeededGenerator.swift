/// xorshift64*: the same numbers on every machine and run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    /// One or two bit flips, replaced bytes, cuts, splices, repeats or swapped digits.
    mutating func mutate(_ original: [UInt8]) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...2, using: &self) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &self)
            let length = Int.random(in: 1...32, using: &self)
            let end = min(place + length, bytes.count)
            switch Int.random(in: 0..<7, using: &self) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &self)
            case 2: bytes.removeSubrange(place...)
            case 3: bytes.removeSubrange(place..<end)
            case 4: bytes.insert(contentsOf: bytes[place..<end], at: place)
            case 5:
                let source = Int.random(in: 0..<original.count, using: &self)
                bytes.replaceSubrange(place..<end, with: original[source..<min(source + length, original.count)])
            default:
                let digit = UInt8(ascii: "0")...UInt8(ascii: "9")
                if let number = bytes[place...].firstIndex(where: digit.contains) {
                    bytes[number] = UInt8.random(in: digit, using: &self)
                }
            }
        }
        return bytes
    }
}
