import CLIPSystem
import Testing

@testable import CLIPPictures

@Suite struct GIFDecoderTests {
    @Test func `Palettes, interlacing and transparency are exact`() throws {
        let pictures = try GoldenPicture.all(in: "gif")
        #expect(pictures.count >= 13)
        for picture in pictures { try picture.expectExact() }
    }

    /// A 2 × 2 picture of two colours, (10, 20, 30) and (40, 50, 60), whose codes have three bits each.
    private func file(_ codes: [Int], extension block: [UInt8] = [], canvas: UInt8 = 2) -> [UInt8] {
        let bits = codes.reversed().reduce(0) { $0 << 3 | $1 }
        let data = (0..<(codes.count * 3 + 7) / 8).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
        let header: [UInt8] = Array("GIF89a".utf8) + [canvas, 0, canvas, 0, 0x80, 0, 0, 10, 20, 30, 40, 50, 60]
        return header + block + [0x2C, 0, 0, 0, 0, 2, 0, 2, 0, 0, 2, UInt8(data.count)] + data + [0, 0x3B]
    }

    @Test func `The clear code may be left out`() throws {
        let pixels = try decodePicture(file([1, 0, 1])).pixels
        #expect(pixels.prefix(9) == [40, 50, 60, 10, 20, 30, 40, 50, 60])
    }

    @Test func `The canvas around the frame is transparent or the first colour`() throws {
        let plain = try decodePicture(file([4, 1, 0, 1, 0], canvas: 3)).pixels
        #expect(plain[6..<9] == [10, 20, 30])
        let control: [UInt8] = [0x21, 0xF9, 4, 1, 0, 0, 1, 0]
        let transparent = try decodePicture(file([4, 1, 0, 1, 0], extension: control, canvas: 3)).pixels
        #expect(transparent[..<9] == [255, 255, 255, 10, 20, 30, 255, 255, 255])
    }

    @Test func `Data that ends early is named`() throws {
        let cut = file([4, 1, 0, 5])
        #expect(
            throws: CLIPError.truncated(
                format: "GIF", offset: cut.count, problem: "the picture's data has 2 pixels of 4")
        ) { try decodePicture(cut) }
        var options = DecodingOptions()
        options.allowTruncated = true
        #expect(try decodePicture(cut, options: options).pixels.prefix(6) == [40, 50, 60, 10, 20, 30])
    }

    @Test func `Codes that are not defined are named`() {
        #expect(
            throws: CLIPError.malformed(
                format: "GIF", offset: 32, problem: "the compressed data uses a code that it has not defined")
        ) { try decodePicture(file([4, 7, 0, 5])) }
    }

    @Test func `A size that the data cannot hold takes no memory`() {
        var bytes = file([4, 1, 0, 5])
        bytes.replaceSubrange(24..<28, with: [0x10, 0x27, 0x10, 0x27])
        #expect(
            throws: CLIPError.truncated(
                format: "GIF", offset: bytes.count, problem: "2 bytes of data can't hold 10000 × 10000 pixels")
        ) { try decodePicture(bytes) }
    }

    @Test func `Damaged files decode or throw`() throws {
        let decoded = GoldenPicture.decodeMutations(of: try GoldenPicture.all(in: "gif"), count: 4000, seed: 2)
        #expect(decoded > 500)
    }
}
