import Testing

@testable import CLIPPictures

@Suite struct JPEGEncoderTests {
    private func picture(width: Int, height: Int) -> Bitmap {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                pixels += [
                    UInt8(x * 255 / max(1, width - 1)), UInt8(y * 255 / max(1, height - 1)), UInt8((x + y) % 40 + 90),
                ]
            }
        }
        return Bitmap(width: width, height: height, pixels: pixels)
    }

    @Test(arguments: [(1, 1), (8, 8), (7, 9), (64, 33), (161, 40)])
    func `What is encoded decodes to nearly the same`(width: Int, height: Int) throws {
        let bitmap = picture(width: width, height: height)
        let decoded = try decodePicture(encodeJPEG(bitmap, quality: 95), options: DecodingOptions())
        #expect(decoded.width == width && decoded.height == height)
        let errors = zip(decoded.pixels, bitmap.pixels).map { abs(Int($0) - Int($1)) }
        #expect(errors.max() ?? 0 <= 24 && errors.reduce(0, +) <= 3 * errors.count, "\(errors.max() ?? 0)")
    }

    @Test func `A better quality takes more bytes and errs less`() throws {
        let bitmap = picture(width: 96, height: 96)
        var last = (bytes: 0, error: Int.max)
        for quality in [10, 50, 90] {
            let file = encodeJPEG(bitmap, quality: quality)
            let decoded = try decodePicture(file, options: DecodingOptions())
            let error = zip(decoded.pixels, bitmap.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
            #expect(file.count > last.bytes && error < last.error)
            last = (file.count, error)
        }
    }
}
