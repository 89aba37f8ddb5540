import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP

@Suite struct ImageTests {
    /// Rows of `pixels` as `format` stores them, `padding` bytes after each.
    private func stored(_ image: Picture, _ format: PixelFormat, padding: Int, alpha: UInt8 = 255) -> [UInt8] {
        let pixels = image.bitmap.pixels
        var bytes: [UInt8] = []
        for y in 0..<image.height {
            for x in 0..<image.width {
                let place = 3 * (y * image.width + x)
                let (red, green, blue) = (pixels[place], pixels[place + 1], pixels[place + 2])
                switch format {
                case .rgb: bytes += [red, green, blue]
                case .rgba: bytes += [red, green, blue, alpha]
                case .bgr: bytes += [blue, green, red]
                case .bgra: bytes += [blue, green, red, alpha]
                case .gray: bytes.append(red)
                }
            }
            bytes += [UInt8](repeating: 0xA5, count: padding)
        }
        return bytes
    }

    @Test(arguments: PixelFormat.allCases, [0, 5])
    func `Raw pixels are those of the decoded file`(format: PixelFormat, padding: Int) throws {
        let file = try Picture(contentsOf: Fixtures.picture(format == .gray ? "ring_grey.png" : "blocks.png"))
        let bytes = stored(file, format, padding: padding)
        let stride = bytes.count / file.height
        let raw = try Picture(
            pixels: bytes, width: file.width, height: file.height, format: format,
            bytesPerRow: padding == 0 ? nil : stride)
        #expect(raw.bitmap == file.bitmap)
        // The padding of the last row need not be there.
        let short = Array(bytes.dropLast(padding))
        let unpadded = try Picture(
            pixels: short, width: file.width, height: file.height, format: format, bytesPerRow: stride)
        #expect(unpadded.bitmap == file.bitmap)
        let message = refusal {
            _ = try Picture(
                pixels: Array(short.dropLast()), width: file.width, height: file.height, format: format,
                bytesPerRow: stride)
        }
        #expect(
            message == "\(short.count - 1) bytes of pixels, expected \(short.count) for "
                + "\(file.width) × \(file.height) with \(stride) bytes per row")
    }

    @Test func `A small copy has the longest edge that is asked for, and its file the same size`() throws {
        let picture = try Picture(contentsOf: Fixtures.example("cat.jpg"))
        let longest = max(picture.width, picture.height)
        for edge in [1, 64, longest - 1] {
            let small = picture.thumbnail(edge: edge)
            #expect(max(small.width, small.height) == edge && small.bitmap.width == small.width)
            #expect(abs(small.width * picture.height - small.height * picture.width) <= longest)
            let file = try Picture(bytes: small.jpeg())
            #expect(file.width == small.width && file.height == small.height)
        }
        #expect(picture.thumbnail(edge: longest).bitmap == picture.bitmap)
        #expect(picture.thumbnail(edge: 0).width == 1)
        let small = picture.thumbnail(edge: 64)
        let fine = try Picture(bytes: small.jpeg(quality: 100))
        let errors = zip(fine.bitmap.pixels, small.bitmap.pixels).map { abs(Int($0) - Int($1)) }
        #expect(errors.reduce(0, +) < 3 * errors.count && small.jpeg(quality: 10).count < small.jpeg().count)
    }

    @Test func `Of a file that is made small while it is decoded the copy has its own size`() throws {
        var options = PictureOptions()
        options.leastEdge = 64
        let picture = try Picture(contentsOf: Fixtures.example("cat.jpg"), options: options)
        for edge in [64, 4000] {
            let small = picture.thumbnail(edge: edge)
            let file = try Picture(bytes: small.jpeg())
            #expect(file.width == small.width && file.height == small.height)
        }
    }

    @Test func `Alpha is composited over white, or dropped`() throws {
        let bytes: [UInt8] = [200, 100, 0, 255, 200, 100, 0, 0, 200, 100, 0, 128]
        let white = try Picture(pixels: bytes, width: 3, height: 1, format: .rgba)
        #expect(white.bitmap.pixels == [200, 100, 0, 255, 255, 255, 227, 177, 127])
        var options = PictureOptions()
        options.compositesAlphaOverWhite = false
        let dropped = try Picture(pixels: bytes, width: 3, height: 1, format: .bgra, options: options)
        #expect(dropped.bitmap.pixels == [0, 100, 200, 0, 100, 200, 0, 100, 200])
    }

    @Test(
        arguments: [
            (0, 1, nil), (1, 0, nil), (-1, 4, nil), (Int.max, 2, nil), (2, Int.max, nil), (2, 2, 5), (2, 2, Int.max),
            (2, 2, -6), (20_000, 20_000, nil),
        ] as [(Int, Int, Int?)])
    func `Sizes that make no sense are errors`(width: Int, height: Int, stride: Int?) {
        let message = refusal {
            _ = try Picture(
                pixels: [UInt8](repeating: 0, count: 12), width: width, height: height, format: .rgb,
                bytesPerRow: stride)
        }
        #expect(message?.contains("expected") == true)
    }

    @Test func `Files that can't be read or decoded name themselves`() throws {
        let scratch = try ScratchFolder()
        let missing = try #require(refusal { _ = try Picture(contentsOf: scratch["no.png"]) })
        #expect(missing.hasPrefix("\(scratch["no.png"].path): can't be opened"))
        #expect(refusal { _ = try Picture(contentsOf: scratch.url) }?.contains("is a folder") == true)
        try Data("GIF".utf8).write(to: scratch["x.png"])
        let unknown = try #require(refusal { _ = try Picture(contentsOf: scratch["x.png"]) })
        #expect(unknown.hasPrefix("\(scratch["x.png"].path): not a picture of a known format"))
        #expect(refusal { _ = try Picture(bytes: []) } == "the file is empty: a picture was expected")
        let remote = try #require(URL(string: "https://example.com/a.png"))
        #expect(refusal { _ = try Picture(contentsOf: remote) }?.contains("download the picture first") == true)
    }

    @Test func `A picture survives PNG`() throws {
        let image = try Picture(contentsOf: Fixtures.picture("blocks.png"))
        #expect(try Picture(bytes: image.png()).bitmap == image.bitmap)
        #expect(Picture.isPictureName("a/b.JPG") && !Picture.isPictureName("a/b.txt"))
    }

    @Test func `Options reach the decoder`() throws {
        var options = PictureOptions()
        options.maximumPixels = 100
        #expect(
            refusal { _ = try Picture(contentsOf: Fixtures.picture("blocks.png"), options: options) }?
                .contains("over the limit of 100 pixels") == true)
        let bytes = [UInt8](try Data(contentsOf: Fixtures.picture("blocks.png")))
        let half = Array(bytes.prefix(bytes.count / 2))
        #expect(refusal { _ = try Picture(bytes: half) }?.contains("truncated PNG") == true)
        options = PictureOptions()
        options.allowsTruncated = true
        #expect(try Picture(bytes: half, options: options).width == Picture(bytes: bytes).width)
    }
}
