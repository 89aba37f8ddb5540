import CLIPSystem
import CLIPTestSupport
import Testing

@testable import CLIPPictures

@Suite struct NetpbmDecoderTests {
    /// A file, its size, and the red samples or all of them.
    private static let files: [(String, [UInt8], Int, [UInt8])] = [
        ("P1\n# comment\n3 2\n0 1 0\n110", [], 3, [255, 0, 255, 0, 0, 255].flatMap { [$0, $0, $0] }),
        ("P2 2 1 15 0 # dark\n7", [], 2, [0, 0, 0, 119, 119, 119]),
        ("P3\n1 2\n7\n7 0 1\n2 3 4\n", [], 1, [255, 0, 36, 73, 109, 146]),
        (
            "P4 10 1\n", [0b1010_0000, 0b0100_0000], 10,
            [0, 1, 0, 1, 1, 1, 1, 1, 1, 0].flatMap { [$0 * 255, $0 * 255, $0 * 255] }
        ),
        ("P5\r2 1\r100\r", [100, 50], 2, [255, 255, 255, 128, 128, 128]),
        ("P5 2 1 65535\n", [0x12, 0x34, 0xFF, 0], 2, [0x12, 0x12, 0x12, 255, 255, 255]),
        ("P6 1 1 255\n", [1, 2, 3, 99], 1, [1, 2, 3]),
        ("P6 1 1 1000\n", [0, 0, 3, 0xE8, 1, 0xF4], 1, [0, 255, 128]),
        (
            "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\n#\nENDHDR\n", [10, 20, 30, 51], 1,
            [206, 208, 210]
        ),
        ("P7\nDEPTH 2\nMAXVAL 1\nHEIGHT 1\nWIDTH 2\nENDHDR\n", [0, 1, 0, 0], 2, [0, 0, 0, 255, 255, 255]),
    ]

    private static func bytes(_ index: Int) -> [UInt8] { Array(files[index].0.utf8) + files[index].1 }

    @Test(arguments: files.indices) func `Every kind of file is exact`(index: Int) throws {
        let picture = try decodePicture(Self.bytes(index))
        #expect(picture.width == Self.files[index].2)
        #expect(picture.pixels == Self.files[index].3)
    }

    @Test func `Opacity can be dropped, 16-bit grey clipped`() throws {
        var options = DecodingOptions()
        options.alpha = .drop
        options.gray16 = .clip
        #expect(try decodePicture(Self.bytes(8), options: options).pixels == [10, 20, 30])
        #expect(try decodePicture(Self.bytes(5), options: options).pixels == [UInt8](repeating: 255, count: 6))
    }

    @Test func `A cut file is refused, or decoded as far as it goes`() throws {
        var options = DecodingOptions()
        options.allowTruncated = true
        let cut = Array("P6 2 1 255\n".utf8) + [1, 2, 3, 4]
        #expect(throws: CLIPError.self) { try decodePicture(cut) }
        #expect(try decodePicture(cut, options: options).pixels == [1, 2, 3, 0, 0, 0])
        #expect(try decodePicture(Array("P2 2 1 9 9".utf8), options: options).pixels == [255, 255, 255, 0, 0, 0])
    }

    @Test(arguments: [
        ("P5 0 2 255\n", "0 × 2 pixels"), ("P5 2 2 0\n", "largest value is 0"), ("P6 1 1 65536\n", "65536"),
        ("P5 -1 2 255\n", "expected the width"), ("P5 99999 99999 255\n", "over the limit"),
        ("P5 9999999999 9999999999 255\n", "over the limit"), ("P2 1 1 5 6", "over the largest value"),
        ("P1 1 1 2", "digit 0 or 1"), ("P3 1 1 5 1 x 1", "not a digit"), ("P5 5", "expected the height"),
        ("P7\nWIDTH 1\nHEIGHT 1\nDEPTH 5\nMAXVAL 255\nENDHDR\n", "DEPTH is 5"), ("P7\nDEEP 3", "\"DEEP\""),
        ("P7\nABCDEFGHIJKLMNOP", "longer word"), ("P6 9 9 255\n", "at least 243 bytes"),
        ("P5 1 1 255x", "white space after the header"),
    ])
    func `Broken files are refused and the message says where`(text: String, part: String) {
        let error = #expect(throws: CLIPError.self) { try decodePicture(Array(text.utf8)) }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }

    @Test func `Eight thousand damaged files decode or throw`() {
        var random = SeededGenerator(seed: 0x9B3)
        var decoded = 0
        for round in 0..<8000 {
            var bytes = Self.bytes(round % Self.files.count)
            bytes = random.damaged(bytes)
            var options = DecodingOptions()
            options.maximumPixels = 1 << 20
            options.allowTruncated = round % 3 == 0
            if let picture = try? decodePicture(bytes, options: options) {
                decoded += 1
                #expect(picture.pixels.count == picture.width * picture.height * 3)
            }
        }
        #expect((500..<7500).contains(decoded))
    }
}
