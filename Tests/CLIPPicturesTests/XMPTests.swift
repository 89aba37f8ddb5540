import Testing

@testable import CLIPPictures

/// Packets in whole files are among the fixtures of each format (`xmp_…`).
@Suite struct XMPTests {
    @Test(
        arguments: [
            ("<a tiff:Orientation=\"6\"/>", 6),
            ("<tiff:Orientation>8</tiff:Orientation>", 8),
            ("tiff:Orientation=\"3\" tiff:Orientation=\"6\"", 3),
            ("tiff:Orientation=\"x\" tiff:Orientation=\"6\"", 6),
            ("tiff:tiff:Orientation=\"6\"", 6),
            ("tiff:Orientation=\"61\"", 6),
            ("tiff:Orientation=\"0\" tiff:Orientation=\"6\"", 1),
            ("tiff:Orientation=\"9\"", 1),
            ("tiff:Orientation='6'", nil),
            ("tiff:Orientation = \"6\"", nil),
            ("exif:Orientation=\"6\"", nil),
            ("tiff:Orientation=\"", nil),
            ("tiff:Orientation>", nil),
            ("tiff:Orientatio", nil),
            ("", nil),
        ] as [(String, Int?)])
    func `The first place with a digit counts`(_ packet: String, _ orientation: Int?) {
        #expect(xmpOrientation(Array(packet.utf8)[...]) == orientation)
        // A part of a larger file.
        #expect(xmpOrientation(Array(("tiff:" + packet + "\"1\">1").utf8)[5..<5 + packet.utf8.count]) == orientation)
    }

    @Test func `Only announced chunks of WebP count`() throws {
        var bytes = try #require(try GoldenPicture.all(in: "webp").first { $0.name == "xmp_6.webp" }).bytes
        #expect(try WebPDecoder.decode(bytes, options: DecodingOptions()).orientation == 6)
        bytes[20] &= ~0x04
        #expect(try WebPDecoder.decode(bytes, options: DecodingOptions()).orientation == 1)
    }

    @Test func `Broken text chunks are left out`() throws {
        let picture = try #require(try GoldenPicture.all(in: "png").first { $0.name == "xmp_compressed_5.png" })
        var chunks = try splitPNG(picture.bytes)
        // Its checksum, which comes last, is wrong: what was decompressed counts all the same.
        let index = try #require(chunks.firstIndex { $0.0 == "iTXt" })
        chunks[index].1[chunks[index].1.count - 1] ^= 1
        #expect(try PNGDecoder.decode(pngFile(chunks), options: DecodingOptions()).orientation == 5)
        // No method but 0 is known.
        chunks[index].1[19] = 1
        #expect(try PNGDecoder.decode(pngFile(chunks), options: DecodingOptions()).orientation == 1)
        // Cut within its fields.
        for part in [[], [0], Array("XML:com.adobe.xmp".utf8), Array("XML:com.adobe.xmp\0\0\0\0".utf8)] as [[UInt8]] {
            chunks[index].1 = part
            #expect(try PNGDecoder.decode(pngFile(chunks), options: DecodingOptions()).orientation == 1)
        }
    }
}
