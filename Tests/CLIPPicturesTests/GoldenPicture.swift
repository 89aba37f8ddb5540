import CLIPSystem
import CLIPTestSupport
import Foundation
import CLIPInstructionSets
import Testing

@testable import CLIPPictures

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

    func expectExact(
        instructionSet: InstructionSet = .best, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for (alpha, hash) in [(DecodingOptions.Alpha.white, overWhite), (.drop, dropped)] {
            var options = DecodingOptions()
            options.alpha = alpha
            options.kernels = instructionSet.kernels.pictures
            let bitmap = try decodePicture(bytes, options: options)
            #expect(bitmap.width == width && bitmap.height == height, "\(name)", sourceLocation: sourceLocation)
            #expect(fnv1a(bitmap.pixels) == hash, "\(name), alpha: \(alpha)", sourceLocation: sourceLocation)
        }
    }

    /// Decodes `count` damaged copies, each of which has to come out as a picture or an `CLIPError`.
    /// - Returns: how many came out as pictures.
    static func decodeMutations(of pictures: [GoldenPicture], count: Int, seed: UInt64) -> Int {
        var random = SeededGenerator(seed: seed)
        var decoded = 0
        for round in 0..<count {
            var bytes = pictures[round % pictures.count].bytes
            bytes = random.damaged(bytes)
            var options = DecodingOptions()
            options.maximumPixels = 1 << 20
            options.allowTruncated = round % 3 == 0
            if let bitmap = try? decodePicture(bytes, options: options), bitmap.width > 0 { decoded += 1 }
        }
        return decoded
    }
}

/// FNV-1a, 64 bits.
func fnv1a(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
