import CLIPSystem
import Testing

@testable import CLIPPictures

@Suite struct TIFFDecoderTests {
    @Test func `Layouts, compressions and colours are exact`() throws {
        let pictures = try GoldenPicture.all(in: "tiff")
        #expect(pictures.count >= 25)
        for picture in pictures { try picture.expectExact() }
    }

    /// A little-endian file with one strip, `data`, of a picture two pixels wide and one high.
    private func file(_ tags: [(Int, Int)], _ data: [UInt8]) -> [UInt8] {
        let all = ([(256, 2), (257, 1), (273, 8), (279, data.count)] + tags).sorted { $0.0 < $1.0 }
        func bytes(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let directory =
            bytes(all.count, 2) + all.flatMap { bytes($0.0, 2) + bytes(4, 2) + bytes(1, 4) + bytes($0.1, 4) }
        return [0x49, 0x49, 0x2A, 0] + bytes(8 + data.count, 4) + data + directory + bytes(0, 4)
    }

    @Test func `16-bit grey is read as asked`() throws {
        let bytes = file([(258, 16), (262, 1)], [0x34, 0x12, 0xC8, 0x00])
        #expect(try decodePicture(bytes).pixels == [0x12, 0x12, 0x12, 0, 0, 0])
        var options = DecodingOptions()
        options.gray16 = .clip
        #expect(try decodePicture(bytes, options: options).pixels == [255, 255, 255, 200, 200, 200])
    }

    @Test func `Orientation can be left`() throws {
        let bytes = file([(258, 8), (262, 1), (274, 3)], [7, 9])
        #expect(try decodePicture(bytes).pixels == [9, 9, 9, 7, 7, 7])
        var options = DecodingOptions()
        options.appliesOrientation = false
        #expect(try decodePicture(bytes, options: options).pixels == [7, 7, 7, 9, 9, 9])
    }

    @Test func `Floats are clipped even where they are no numbers`() throws {
        let bytes = file([(258, 32), (262, 1), (339, 3)], [0, 0, 0xC0, 0x7F, 0, 0, 0x80, 0x7F])
        #expect(try decodePicture(bytes).pixels == [0, 0, 0, 255, 255, 255])
    }

    @Test func `Colour multiplied by opacity is divided again`() throws {
        let bytes = file([(258, 8), (262, 2), (277, 4), (338, 1)], [50, 100, 20, 100, 9, 9, 9, 0])
        var options = DecodingOptions()
        options.alpha = .drop
        #expect(try decodePicture(bytes, options: options).pixels == [127, 255, 51, 0, 0, 0])
    }

    @Test func `What is not read is named`() {
        let advice = "convert it to PNG first, for example with `magick in.tif out.png`"
        #expect(
            throws: CLIPError.unsupported(
                format: "TIFF", feature: "LZMA compression", advice: advice)
        ) { try decodePicture(file([(259, 34925)], [0])) }
        #expect(throws: CLIPError.unsupported(format: "TIFF", feature: "CIELAB colours", advice: advice)) {
            try decodePicture(file([(258, 8), (262, 8), (277, 3)], [0, 0, 0, 0, 0, 0]))
        }
    }

    @Test func `Camera raw is not mistaken for its preview`() {
        #expect(
            throws: CLIPError.unsupported(
                format: "camera raw", feature: nil,
                advice: "develop it to JPEG or TIFF first, for example with `darktable-cli in.nef out.jpg`")
        ) { try decodePicture(file([(254, 1), (258, 8), (262, 1), (330, 8)], [1, 2])) }
        let canon: [UInt8] = [0x49, 0x49, 0x2A, 0, 16, 0, 0, 0, 0x43, 0x52, 2, 0]
        #expect(
            throws: CLIPError.unsupported(
                format: "camera raw", feature: "no JPEG inside",
                advice: "develop it to JPEG or TIFF first, for example with `darktable-cli in.raw out.jpg`")
        ) { try decodePicture(canon) }
    }

    @Test func `A strip that ends early is refused or black`() throws {
        let bytes = file([(258, 8), (259, 32773), (262, 2), (277, 3)], [2, 7, 8, 9])
        #expect(
            throws: CLIPError.truncated(
                format: "TIFF", offset: bytes.count, problem: "strip or tile 0 has 3 bytes of 6")
        ) { try decodePicture(bytes) }
        var options = DecodingOptions()
        options.allowTruncated = true
        #expect(try decodePicture(bytes, options: options).pixels == [7, 8, 9, 0, 0, 0])
    }

    @Test func `A tile over the limit takes no memory`() {
        let bytes = file([(258, 8), (262, 1), (322, 1 << 20), (323, 1 << 20), (324, 8), (325, 2)], [1, 2])
        #expect(throws: CLIPError.tooLarge(format: "TIFF", width: 1 << 20, height: 1 << 20, limit: 200_000_000)) {
            try decodePicture(bytes)
        }
    }

    @Test func `Damaged files decode or throw`() throws {
        let decoded = GoldenPicture.decodeMutations(of: try GoldenPicture.all(in: "tiff"), count: 4000, seed: 5)
        #expect(decoded > 500)
    }
}
