/// xorshift64* (Vigna, 2016): the same numbers on every machine and run.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    /// - Parameter seed: of 0 nothing but 0 would come, so that it stands for another.
    package init(seed: UInt64) { state = seed == 0 ? 0x9E37_79B9_7F4A_7C15 : seed }

    package mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }

    /// A damaged copy: one to three flipped bits, replaced bytes, cuts, splices, repeats, swapped digits or runs of ones, half
    /// of them close to the beginning, where headers are.
    /// - Parameter limit: how many of the first bytes may be hit.
    package mutating func damaged(_ original: [UInt8], within limit: Int = .max) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &self) where !bytes.isEmpty {
            let reach = min(bytes.count, limit)
            let place = Int.random(in: 0..<(Bool.random(using: &self) ? min(reach, 64) : reach), using: &self)
            let length = Int.random(in: 1...24, using: &self)
            let end = min(place + length, bytes.count)
            switch Int.random(in: 0..<10, using: &self) {
            case 0...1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 2: bytes[place] = UInt8.random(in: 0...255, using: &self)
            case 3: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &self) ?? 0
            case 4: bytes.removeSubrange(place...)
            case 5: bytes.removeSubrange(place..<end)
            case 6: bytes.insert(contentsOf: bytes[place..<end], at: place)
            case 7: for index in place..<end { bytes[index] = 0xFF }
            case 8:
                let source = Int.random(in: 0..<original.count, using: &self)
                bytes.replaceSubrange(place..<end, with: original[source..<min(source + length, original.count)])
            default:
                let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
                if let digit = bytes[place...].prefix(4096).firstIndex(where: digits.contains) {
                    bytes[digit] = UInt8.random(in: digits, using: &self)
                }
            }
        }
        return bytes
    }
}

/// Numbers from −1 to 1 that are the same on every machine and run.
package struct SeededNumbers {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
    }

    package mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in next() } }
}
