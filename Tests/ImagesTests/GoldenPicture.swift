import Foundation
import Testing

@testable import Images

/// A fixture and what Pillow makes of it: one line of a folder's `golden.txt`.
struct GoldenPicture: CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let width: Int
    let height: Int
    /// Hash of the upright RGB pixels over white, and with the opacity dropped.
    let overWhite: UInt64
    let dropped: UInt64

    var testDescription: String { name }

    /// - Parameter folder: below `Fixtures`; its `golden.txt` has a line for each file: name, width, height, two hashes.
    static func all(in folder: String) throws -> [GoldenPicture] {
        let url = Bundle.module.resourceURL!.appending(path: "Fixtures/\(folder)")
        let lines = try String(contentsOf: url.appending(path: "golden.txt"), encoding: .utf8)
        return try lines.split(separator: "\n").map { line in
            let fields = line.split(separator: " ")
            return GoldenPicture(
                name: String(fields[0]), bytes: [UInt8](try Data(contentsOf: url.appending(path: fields[0]))),
                width: try #require(Int(fields[1])), height: try #require(Int(fields[2])),
                overWhite: try #require(UInt64(fields[3], radix: 16)),
                dropped: try #require(UInt64(fields[4], radix: 16)))
        }
    }

    func expectExact(sourceLocation: SourceLocation = #_sourceLocation) throws {
        for (alpha, hash) in [(DecodingOptions.Alpha.white, overWhite), (.drop, dropped)] {
            var options = DecodingOptions()
            options.alpha = alpha
            let bitmap = try decodeImage(bytes, options: options)
            #expect(bitmap.width == width && bitmap.height == height, "\(name)", sourceLocation: sourceLocation)
            #expect(fnv1a(bitmap.pixels) == hash, "\(name), alpha: \(alpha)", sourceLocation: sourceLocation)
        }
    }

    /// Decodes `count` damaged copies, each of which has to come out as a picture or an `ImageError`.
    /// - Returns: how many came out as pictures.
    static func decodeMutations(of pictures: [GoldenPicture], count: Int, seed: UInt64) -> Int {
        var random = SeededBytes(state: seed)
        var decoded = 0
        for round in 0..<count {
            var bytes = pictures[round % pictures.count].bytes
            random.damage(&bytes)
            var options = DecodingOptions()
            options.maximumPixels = 1 << 20
            options.allowTruncated = round % 3 == 0
            if let bitmap = try? decodeImage(bytes, options: options), bitmap.width > 0 { decoded += 1 }
        }
        return decoded
    }
}

/// FNV-1a, 64 bits.
func fnv1a(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

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
