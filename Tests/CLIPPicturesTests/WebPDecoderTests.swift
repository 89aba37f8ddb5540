import CLIPSystem
import Testing

@testable import CLIPPictures

@Suite struct WebPDecoderTests {
    @Test func `Lossy, lossless, opacity and animation are exact`() throws {
        let pictures = try GoldenPicture.all(in: "webp")
        #expect(pictures.count >= 35)
        for picture in pictures { try picture.expectExact() }
    }

    private func picture(_ name: String) throws -> [UInt8] {
        try #require(try GoldenPicture.all(in: "webp").first { $0.name == name }).bytes
    }

    @Test func `Opacity counts only where the header says so`() throws {
        var bytes = try picture("lossy_alpha_plain.webp")
        let overWhite = try decodePicture(bytes).pixels
        var options = DecodingOptions()
        options.alpha = .drop
        let dropped = try decodePicture(bytes, options: options).pixels
        #expect(overWhite != dropped)
        bytes[20] &= ~0x10
        #expect(try decodePicture(bytes).pixels == dropped)
    }

    @Test(arguments: ["lossless_noise.webp", "s_64x48_q100.webp"])
    func `A cut file is refused or decodes its beginning`(_ name: String) throws {
        let whole = try picture(name)
        let expected = try decodePicture(whole)
        let cut = Array(whole[..<(whole.count * 2 / 3)])
        #expect(
            throws: CLIPError.truncated(format: "WebP", offset: cut.count, problem: "inside the picture's data")
        ) { try decodePicture(cut) }
        var options = DecodingOptions()
        options.allowTruncated = true
        let beginning = try decodePicture(cut, options: options)
        let rowsAlike = 3 * expected.width * (expected.height / 4)
        #expect(beginning.pixels[..<rowsAlike] == expected.pixels[..<rowsAlike])
        #expect(beginning.pixels != expected.pixels)
    }

    @Test(arguments: ["lossless_noise.webp", "s_64x48_q100.webp", "lossy_alpha_plain.webp"])
    func `A file ends where its header says, and chunks end`(_ name: String) throws {
        let whole = try picture(name)
        let expected = try decodePicture(whole)
        func announcing(_ surplus: Int, _ tail: [UInt8]) -> [UInt8] {
            var bytes = whole + tail
            let size = whole.count - 8 + surplus
            for index in 0..<4 { bytes[4 + index] = UInt8(size >> (8 * index) & 0xFF) }
            return bytes
        }
        // Junk behind the end, and a chunk that nobody knows.
        let unknown: [UInt8] = [0x41, 0x42, 0x43, 0x44, 1, 0, 0, 0, 9, 0]
        for good in [announcing(0, [1, 2, 3]), announcing(10, unknown), announcing(10, unknown + [7])] {
            #expect(try decodePicture(good) == expected)
        }
        let short = [
            announcing(2, []), announcing(10, Array(unknown.prefix(9))), announcing(4, unknown),
            announcing(9, unknown), announcing(1, unknown), Array(whole.dropLast()),
        ]
        var options = DecodingOptions()
        options.allowTruncated = true
        for bytes in short {
            let error = #expect(throws: CLIPError.self) { try decodePicture(bytes) }
            #expect(error?.description.contains("truncated") == true)
            #expect(try decodePicture(bytes, options: options).width == expected.width)
        }
    }

    @Test func `Bad headers are named`() throws {
        var bytes = try picture("s_64x48_q100.webp")
        bytes[23] = 0
        #expect(
            throws: CLIPError.malformed(
                format: "WebP", offset: 20, problem: "the VP8 chunk does not begin with a key frame that is shown")
        ) { try decodePicture(bytes) }
        #expect(
            throws: CLIPError.truncated(format: "WebP", offset: 12, problem: "before a picture (VP8 or VP8L)")
        ) { try decodePicture(Array(bytes[..<12])) }
        var options = DecodingOptions()
        options.maximumPixels = 64 * 48 - 1
        #expect(throws: CLIPError.tooLarge(format: "WebP", width: 64, height: 48, limit: 64 * 48 - 1)) {
            try decodePicture(try picture("s_64x48_z9.webp"), options: options)
        }
    }

    @Test func `Damaged files decode or throw`() throws {
        let small = try GoldenPicture.all(in: "webp").filter { $0.width * $0.height <= 97 * 61 }
        let decoded = GoldenPicture.decodeMutations(of: small, count: 5000, seed: 4)
        #expect(decoded > 500)
    }
}
