import CLIPSystem
import Foundation
import CLIPInstructionSets
import Testing

@testable import CLIPPictures

@Suite struct JPEGDecoderTests {
    @Test(arguments: InstructionSet.available)
    func `Every sampling mode and marker is exact`(_ instructionSet: InstructionSet) throws {
        let pictures = try GoldenPicture.all(in: "jpeg")
        #expect(pictures.count >= 60)
        for picture in pictures { try picture.expectExact(instructionSet: instructionSet) }
    }

    @Test(arguments: InstructionSet.available)
    func `Scaled pictures are those of the reference decoder`(_ instructionSet: InstructionSet) throws {
        let url = try #require(Bundle.module.resourceURL).appending(path: "Fixtures/jpeg/golden_reduced.txt")
        let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 172)
        for line in lines {
            let fields = line.split(separator: " ")
            let numbers = fields[1...3].compactMap { Int($0) }
            var options = DecodingOptions()
            options.leastEdge = min(numbers[1], numbers[2])
            options.appliesOrientation = false
            options.kernels = instructionSet.kernels.pictures
            let picture = try fixture(String(fields[0].dropLast(4)))
            let scaled = try decodePicture(picture.bytes, options: options)
            #expect([scaled.reduction, scaled.width, scaled.height] == numbers, "\(line)")
            #expect(scaled.fullWidth == picture.width && scaled.fullHeight == picture.height)
            #expect(fnv1a(scaled.pixels) == UInt64(fields[4], radix: 16), "\(line)")
        }
    }

    @Test func `Scaling keeps the edge asked for and the size in the file`() throws {
        let picture = try fixture("exif_6")
        let edge = min(picture.width, picture.height)
        var options = DecodingOptions()
        for (least, reduction) in [(edge, 1), (edge / 2 + 2, 1), ((edge + 1) / 2, 2), ((edge + 7) / 8, 8), (1, 8)] {
            options.leastEdge = least
            let scaled = try decodePicture(picture.bytes, options: options)
            #expect(scaled.reduction == reduction)
            #expect(min(scaled.width, scaled.height) >= least)
            #expect(scaled.fullWidth == picture.width && scaled.fullHeight == picture.height)
        }
    }

    @Test func `Orientation is read and can be left`() throws {
        let picture = try fixture("exif_6")
        let stored = try JPEGDecoder.decode(picture.bytes, options: DecodingOptions())
        #expect(stored.orientation == 6)
        #expect(stored.bitmap.width == picture.height && stored.bitmap.height == picture.width)
        #expect(stored.bitmap.upright(orientation: 6) == (try decodePicture(picture.bytes)))
    }

    @Test func `Other codings are refused by name`() throws {
        let bytes = try fixture("sampling_420").bytes
        let marker = try #require(startOfFrame(in: bytes))
        let names: [(UInt8, String)] = [
            (0xC3, "lossless coding (SOF3)"), (0xC5, "hierarchical coding (SOF5)"),
            (0xCB, "lossless arithmetic coding (SOF11)"), (0xF7, "JPEG-LS coding"),
        ]
        for (code, feature) in names {
            var changed = bytes
            changed[marker + 1] = code
            #expect(throws: CLIPError.unsupportedJPEG(feature)) { try decodePicture(changed) }
        }
        var twelveBit = bytes
        twelveBit[marker + 4] = 12
        #expect(throws: CLIPError.unsupportedJPEG("12-bit samples")) { try decodePicture(twelveBit) }
    }

    @Test func `Impossible headers are named`() throws {
        let bytes = try fixture("sampling_420").bytes
        let marker = try #require(startOfFrame(in: bytes))
        let contents = marker + 4
        let cases: [(offset: Int, value: UInt8, error: CLIPError)] = [
            (4, 7, .brokenJPEG(at: contents, "a sample precision of 7 bits: 8 was expected")),
            (8, 0, .brokenJPEG(at: contents, "a picture of 0 × 37 pixels")),
            (9, 2, .brokenJPEG(at: contents, "2 colour components: 1, 3 or 4 were expected")),
            (9, 4, .brokenJPEG(at: contents, "the frame header's length does not fit its 4 components")),
            (11, 0x52, .brokenJPEG(at: marker + 11, "sampling factors 5 × 2: 1 to 4 were expected")),
        ]
        for (offset, value, error) in cases {
            var changed = bytes
            changed[marker + offset] = value
            #expect(throws: error) { try decodePicture(changed) }
        }

        var tableless = bytes
        tableless[marker + 12] = 9
        let error = #expect(throws: CLIPError.self) { try decodePicture(tableless) }
        #expect(
            error?.description.hasSuffix("component 1 wants quantisation table 9, which is not defined") == true)

        var fractional = bytes
        fractional[marker + 11] = 0x31
        fractional[marker + 14] = 0x21
        #expect(throws: CLIPError.unsupportedJPEG("fractional sampling (2 × 1 of 3 × 1)")) {
            try decodePicture(fractional)
        }
        #expect(throws: CLIPError.tooLarge(format: "JPEG", width: 45, height: 37, limit: 1664)) {
            var options = DecodingOptions()
            options.maximumPixels = 45 * 37 - 1
            return try decodePicture(bytes, options: options)
        }
    }

    @Test func `Cut files are refused unless allowed`() throws {
        var options = DecodingOptions()
        options.allowTruncated = true
        for name in ["sampling_420", "sampling_420_progressive", "scans_noninterleaved", "grey", "arithmetic"] {
            let picture = try fixture(name)
            let whole = try decodePicture(picture.bytes)
            // Down to the middle of the first scan's data.
            let scan = try #require(picture.bytes.indices.first { picture.bytes[$0...].starts(with: [0xFF, 0xDA]) })
            for kept in stride(from: scan + 40, to: picture.bytes.count - 20, by: 37) {
                let cut = Array(picture.bytes[..<kept])
                let error = #expect(throws: CLIPError.self) { try decodePicture(cut) }
                guard error?.advice == .allowTruncated else {
                    Issue.record("\(name) cut to \(kept) bytes: \(String(describing: error))")
                    continue
                }
                let part = try decodePicture(cut, options: options)
                #expect(part.width == whole.width && part.height == whole.height)
                #expect(part != whole)
            }
        }
        let headersOnly = Array(try fixture("grey").bytes.prefix(100))
        #expect(throws: CLIPError.self) { try decodePicture(headersOnly, options: options) }
    }

    @Test func `The upper rows of a cut picture are exact`() throws {
        var options = DecodingOptions()
        options.allowTruncated = true
        let bytes = try fixture("sampling_444").bytes
        let part = try decodePicture(Array(bytes.dropLast(bytes.count / 4)), options: options)
        let whole = try decodePicture(bytes)
        let rows = 8 * 3 * whole.width
        #expect(part.pixels[..<rows] == whole.pixels[..<rows])
        #expect(part.pixels.suffix(3) == [128, 128, 128])
    }

    @Test func `A few bytes cannot ask for endless scans`() throws {
        let picture = try fixture("sampling_444_progressive").bytes
        let marker = try #require(startOfFrame(in: picture))
        var bytes = Array(picture.dropLast(2))
        bytes.replaceSubrange(marker + 5..<marker + 9, with: [0x10, 0, 0x10, 0])
        let tooLittle = #expect(throws: CLIPError.self) { try decodePicture(bytes + [0xFF, 0xD9]) }
        #expect(tooLittle?.description.hasSuffix("far too few for a picture of 4096 × 4096 pixels") == true)
        // An AC scan whose every block is left out: nothing but zeros to the decoder.
        for _ in 0..<3000 { bytes += [0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 63, 0] }
        bytes += [0xFF, 0xD9]
        let error = #expect(throws: CLIPError.self) { try decodePicture(bytes) }
        #expect(error?.description.hasSuffix("far more scans than a picture of this size can use") == true)
    }

    @Test func `Damaged files decode or throw`() throws {
        let pictures = try GoldenPicture.all(in: "jpeg")
        #expect(GoldenPicture.decodeMutations(of: pictures, count: 7000, seed: 3) > 1000)
    }

    @Test func `Damaged entropy data decodes or throws`() throws {
        var state: UInt64 = 11
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var decoded = 0
        let pictures = try GoldenPicture.all(in: "jpeg")
        for round in 0..<3000 {
            var bytes = pictures[round % pictures.count].bytes
            for _ in 0...random(4) {
                // Behind the picture's size, so that most of the time goes where the data is read.
                let place = bytes.count / 4 + random(bytes.count - bytes.count / 4)
                bytes[place] = random(3) == 0 ? 0xFF : UInt8(random(256))
            }
            var options = DecodingOptions()
            options.maximumPixels = 1 << 20
            if (try? decodePicture(bytes, options: options)) != nil { decoded += 1 }
        }
        #expect(decoded > 1000)
    }

    private func fixture(_ name: String) throws -> GoldenPicture {
        try #require(try GoldenPicture.all(in: "jpeg").first { $0.name == name + ".jpg" })
    }

    private func startOfFrame(in bytes: [UInt8]) -> Int? {
        bytes.indices.dropLast().first { bytes[$0] == 0xFF && (0xC0...0xC2).contains(bytes[$0 + 1]) }
    }
}
