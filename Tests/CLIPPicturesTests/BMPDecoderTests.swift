import CLIPSystem
import Testing

@testable import CLIPPictures

@Suite struct BMPDecoderTests {
    @Test func `Every header and depth is exact`() throws {
        let pictures = try GoldenPicture.all(in: "bmp")
        #expect(pictures.count >= 20)
        for picture in pictures { try picture.expectExact() }
    }

    /// A header of 40 bytes for a 1 × 1 picture, then `rest`.
    private func file(bits: UInt8, compression: UInt8, rest: [UInt8], width: UInt8 = 1) -> [UInt8] {
        [0x42, 0x4D, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0, width, 0, 0, 0, 1, 0, 0, 0, 1, 0, bits, 0]
            + [compression, 0, 0, 0] + [UInt8](repeating: 0, count: 20) + rest
    }

    @Test func `Masks of any width are scaled`() throws {
        // Four bits each, opacity highest: Pillow has no such layout.
        let masks: [UInt8] = [0, 0xF, 0, 0, 0xF0, 0, 0, 0, 0xF, 0, 0, 0, 0, 0xF0, 0, 0]
        let bytes = file(bits: 16, compression: 6, rest: masks + [0x8F, 0xF3])
        #expect(try decodePicture(bytes).pixels == [51, 136, 255])
        let halfOpaque = file(bits: 16, compression: 6, rest: masks + [0x8F, 0x73])
        #expect(try decodePicture(halfOpaque).pixels == [160, 199, 255])
    }

    @Test func `The file header may be left out`() throws {
        for picture in try GoldenPicture.all(in: "bmp") where [40, 108, 124].contains(picture.bytes[14]) {
            let start = Int(picture.bytes[10]) | Int(picture.bytes[11]) << 8
            let header = try BMPHeader(picture.bytes, at: 14, format: "BMP")
            guard header.end == start else { continue }
            let bare = try decodePicture(Array(picture.bytes[14...]))
            #expect(bare == (try decodePicture(picture.bytes)), "\(picture.name)")
        }
    }

    @Test func `Bad headers are named`() {
        #expect(
            throws: CLIPError.malformed(
                format: "BMP", offset: 28, problem: "7 bits a pixel, expected 1, 2, 4, 8, 16, 24 or 32")
        ) {
            try decodePicture(file(bits: 7, compression: 0, rest: []))
        }
        #expect(
            throws: CLIPError.malformed(
                format: "BMP", offset: 54, problem: "the colour masks overlap or lie outside the pixel")
        ) {
            try decodePicture(file(bits: 16, compression: 3, rest: [0xF, 0, 0, 0, 0xF, 0, 0, 0, 0xF0, 0, 0, 0]))
        }
        #expect(
            throws: CLIPError.truncated(
                format: "BMP", offset: 56, problem: "1 × 1 pixels need 3 bytes from byte 54 on")
        ) {
            try decodePicture(file(bits: 24, compression: 0, rest: [1, 2]))
        }
        #expect(throws: CLIPError.tooLarge(format: "BMP", width: 200, height: 1, limit: 199)) {
            var options = DecodingOptions()
            options.maximumPixels = 199
            return try decodePicture(file(bits: 24, compression: 0, rest: [], width: 200), options: options)
        }
    }

    @Test func `A cut picture decodes when allowed`() throws {
        var options = DecodingOptions()
        options.allowTruncated = true
        let pixels = try decodePicture(file(bits: 8, compression: 1, rest: [], width: 2), options: options).pixels
        #expect(pixels == [0, 0, 0, 0, 0, 0])
    }

    @Test func `Damaged files decode or throw`() throws {
        let decoded = GoldenPicture.decodeMutations(of: try GoldenPicture.all(in: "bmp"), count: 4000, seed: 1)
        #expect(decoded > 500)
    }
}
