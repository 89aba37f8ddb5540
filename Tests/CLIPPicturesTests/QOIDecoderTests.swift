import CLIPSystem
import Testing

@testable import CLIPPictures

@Suite struct QOIDecoderTests {
    @Test func `Three and four channels are exact`() throws {
        let pictures = try GoldenPicture.all(in: "qoi")
        #expect(pictures.count == 4)
        for picture in pictures { try picture.expectExact() }
    }

    private func file(width: UInt8, channels: UInt8, _ data: [UInt8]) -> [UInt8] {
        Array("qoif".utf8) + [0, 0, 0, width, 0, 0, 0, 1, channels, 0] + data
    }

    @Test func `Every operation follows the specification`() throws {
        let data: [UInt8] = [
            0xFE, 10, 20, 30,  // RGB
            0b01_11_01_00,  // red + 1, green - 1, blue - 2
            0b10_100011, 0b1001_0111,  // green + 3, red + 3 + 1, blue + 3 - 1
            0b11_000001,  // the same twice
            9,  // the first again: (10 * 3 + 20 * 5 + 30 * 7 + 255 * 11) % 64
            0xFF, 0, 0, 0, 51,  // RGBA
        ]
        let expected: [UInt8] = [10, 20, 30, 11, 19, 28, 15, 22, 30, 15, 22, 30, 15, 22, 30, 10, 20, 30]
        #expect(try decodePicture(file(width: 7, channels: 4, data)).pixels == expected + [204, 204, 204])
        #expect(try decodePicture(file(width: 7, channels: 3, data)).pixels == expected + [0, 0, 0])
    }

    @Test func `Missing pixels are counted`() throws {
        let bytes = file(width: 3, channels: 3, [0xFE, 1, 2, 3])
        #expect(
            throws: CLIPError.truncated(format: "QOI", offset: 18, problem: "the picture's data has 1 pixels of 3")
        ) { try decodePicture(bytes) }
        var options = DecodingOptions()
        options.allowTruncated = true
        #expect(try decodePicture(bytes, options: options).pixels == [1, 2, 3, 0, 0, 0, 0, 0, 0])
    }

    @Test func `A size that the data cannot hold takes no memory`() {
        var bytes = file(width: 0, channels: 3, [0xFF])
        bytes.replaceSubrange(4..<12, with: [0, 0, 0x20, 0, 0, 0, 0x20, 0])
        #expect(
            throws: CLIPError.truncated(
                format: "QOI", offset: 15, problem: "1 bytes of data can't hold 8192 × 8192 pixels")
        ) { try decodePicture(bytes) }
    }

    @Test func `Damaged files decode or throw`() throws {
        let decoded = GoldenPicture.decodeMutations(of: try GoldenPicture.all(in: "qoi"), count: 4000, seed: 3)
        #expect(decoded > 500)
    }
}
