import CLIPSystem
import Testing

@testable import CLIPPictures

@Suite struct TGADecoderTests {
    @Test func `Kinds, run lengths and directions are exact`() throws {
        let pictures = try GoldenPicture.all(in: "tga")
        #expect(pictures.count == 15)
        for picture in pictures { try picture.expectExact() }
    }

    private func file(kind: UInt8, bits: UInt8, flags: UInt8 = 0x20, _ data: [UInt8]) -> [UInt8] {
        [0, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, bits, flags] + data
    }

    @Test func `Sixteen bits are five for each colour`() throws {
        let bytes = file(kind: 2, bits: 16, [0x1F, 0x7C, 0xE0, 0x83])
        #expect(try decodePicture(bytes).pixels == [255, 0, 255, 255, 255, 255])
        var options = DecodingOptions()
        options.alpha = .drop
        #expect(try decodePicture(bytes, options: options).pixels == [255, 0, 255, 0, 255, 0])
    }

    @Test func `Rows may run from the right`() throws {
        #expect(try decodePicture(file(kind: 3, bits: 8, flags: 0x30, [1, 2])).pixels == [2, 2, 2, 1, 1, 1])
    }

    @Test func `Only headers that make sense are taken`() {
        #expect(TGADecoder.recognises(file(kind: 2, bits: 24, [])) == false)
        #expect(TGADecoder.recognises(file(kind: 2, bits: 24, [0])))
        #expect(TGADecoder.recognises(file(kind: 4, bits: 24, [0])) == false)
        #expect(TGADecoder.recognises(file(kind: 2, bits: 25, [0])) == false)
        #expect(TGADecoder.recognises(file(kind: 1, bits: 8, [0])) == false)
        #expect(TGADecoder.recognises(Array("BMW and other words".utf8)) == false)
    }

    @Test func `Missing pixels are refused or black`() throws {
        let bytes = file(kind: 10, bits: 24, [0, 1, 2, 3])
        #expect(
            throws: CLIPError.truncated(format: "TGA", offset: 22, problem: "2 × 1 pixels need 6 bytes, found 3")
        ) { try decodePicture(bytes) }
        var options = DecodingOptions()
        options.allowTruncated = true
        #expect(try decodePicture(bytes, options: options).pixels == [3, 2, 1, 0, 0, 0])
    }

    @Test func `Damaged files decode or throw`() throws {
        let decoded = GoldenPicture.decodeMutations(of: try GoldenPicture.all(in: "tga"), count: 4000, seed: 7)
        #expect(decoded > 500)
    }
}
