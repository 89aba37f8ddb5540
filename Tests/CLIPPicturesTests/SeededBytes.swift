/// xorshift64*: the same damage on every machine and run.
struct SeededBytes: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    /// Flips, replaces, cuts, removes or repeats bytes, half the time close to the beginning, where headers are.
    mutating func damage(_ bytes: inout [UInt8]) {
        for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
            let range = Bool.random(using: &self) ? min(bytes.count, 64) : bytes.count
            let place = Int.random(in: 0..<range, using: &self)
            let end = min(place + Int.random(in: 1...16, using: &self), bytes.count)
            switch Int.random(in: 0..<8, using: &self) {
            case 0...2: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 3...4: bytes[place] = UInt8.random(in: 0...255, using: &self)
            case 5: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &self)!
            case 6: bytes.removeSubrange(Bool.random(using: &self) ? place..<end : place..<bytes.count)
            default: bytes.insert(contentsOf: bytes[place..<end], at: place)
            }
        }
    }
}
