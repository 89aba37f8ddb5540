import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPPictures

/// Camera makers' raw files, of which the largest JPEG inside is decoded. The containers are made here, around JPEGs of the fixtures.
@Suite struct RawPreviewTests {
    private static func jpeg(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: Fixtures.folder(of: "CLIPPicturesTests").appending(path: "jpeg/\(name).jpg")))
    }

    /// A TIFF directory of numbers, little-endian, and where it ends.
    private static func directory(_ entries: [(tag: Int, type: Int, value: Int)]) -> [UInt8] {
        func bytes(_ value: Int, _ size: Int) -> [UInt8] {
            (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        return bytes(entries.count, 2)
            + entries.flatMap { bytes($0.tag, 2) + bytes($0.type, 2) + bytes(1, 4) + bytes($0.value, 4) } + bytes(0, 4)
    }

    /// A file of a maker: what it begins with, and behind it small and large JPEGs among noise.
    private static func raw(_ kind: String, small: [UInt8], large: [UInt8], orientation: Int = 1) -> [UInt8] {
        // Directory 0 says how the camera was held, and leads to one with a sensor's mosaic.
        let second = 8 + 2 + 2 * 12 + 4
        let tree =
            directory([(0x0112, 3, orientation), (0x014A, 4, second)]) + directory([(0x0106, 3, 32803)])
        let held = directory([(0x0112, 3, orientation)])
        let tiff = Array("II*\0".utf8)
        let start: [UInt8]
        switch kind {
        case "nef", "arw", "dng": start = tiff + [8, 0, 0, 0] + tree
        case "cr2": start = tiff + [16, 0, 0, 0] + Array("CR".utf8) + [2, 0, 0, 0, 0, 0] + held
        case "orf": start = Array("IIRO".utf8) + [8, 0, 0, 0] + held
        case "rw2": start = Array("IIU\0".utf8) + [8, 0, 0, 0] + held
        case "raf": start = Array("FUJIFILMCCD-RAW 0201".utf8)
        default:
            let kinds: [UInt8] = [0, 0, 0, 24] + Array("ftypcrx ".utf8) + [0, 0, 0, 1] + Array("crx isom".utf8)
            let box: [UInt8] = [0, 0, 0, 60] + Array("CMT1".utf8) + tiff + [8, 0, 0, 0]
            start = kinds + box + held
        }
        var random = SeededGenerator(seed: 5)
        // Noise that begins no JPEG.
        func noise() -> [UInt8] { random.bytes(999).map { $0 == 0xFF ? 0xFE : $0 } }
        return start + noise() + small + noise() + large + noise()
    }

    private static let kinds = ["nef", "arw", "dng", "cr2", "orf", "rw2", "raf", "cr3"]

    @Test(arguments: kinds) func `The largest JPEG inside is decoded, and marked`(_ kind: String) throws {
        let (small, large) = (try Self.jpeg("quality_100"), try Self.jpeg("exif_6"))
        let pictures = try [small, large].map { try decodePicture($0) }
        let larger = pictures.max { $0.width * $0.height < $1.width * $1.height }
        for (a, b) in [(small, large), (large, small)] {
            let bytes = Self.raw(kind, small: a, large: b)
            var picture = try decodePicture(bytes)
            #expect(picture.isPreview)
            picture.isPreview = false
            #expect(picture == larger)
            #expect(PictureFormats.isPictureName("a/B.\(kind.uppercased())".utf8))
            #expect(PictureFormats.isRawName("a/B.\(kind)".utf8) && !PictureFormats.isRawName("raw/b.jpg".utf8))
        }
    }

    @Test(arguments: kinds) func `What says nothing itself is turned as the raw file says`(_ kind: String) throws {
        let plain = try Self.jpeg("comment")
        let picture = try decodePicture(Self.raw(kind, small: [], large: plain, orientation: 6))
        // Fujifilm's previews say it themselves.
        let expected = try decodePicture(plain).upright(orientation: kind == "raf" ? 1 : 6)
        #expect(picture.pixels == expected.pixels && picture.width == expected.width)
        // One that does is not turned twice.
        let turned = try Self.jpeg("exif_6")
        #expect(
            try decodePicture(Self.raw(kind, small: [], large: turned, orientation: 6)).pixels
                == decodePicture(turned).pixels)
    }

    @Test(arguments: kinds) func `Without a JPEG it is refused with what to do`(_ kind: String) throws {
        let error = #expect(throws: CLIPError.self) {
            _ = try decodePicture(Self.raw(kind, small: [0xFF, 0xD8, 0xFF, 0xC3, 0, 11, 14], large: []))
        }
        #expect(error?.message.hasPrefix("camera raw with no JPEG inside is not supported: develop it") == true)
    }

    @Test func `A TIFF file without a sensor's colours is no raw file`() throws {
        let folder = Fixtures.folder(of: "CLIPPicturesTests").appending(path: "tiff")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        let tiffs = files.filter { $0.pathExtension.hasPrefix("tif") }
        #expect(tiffs.count > 8)
        for file in tiffs { #expect(!RawPreviewDecoder.recognises(Array(try Data(contentsOf: file))), "\(file)") }
    }

    @Test func `Damaged ones are refused or decoded`() throws {
        var random = SeededGenerator(seed: 77)
        let (small, large) = (try Self.jpeg("quality_100"), try Self.jpeg("exif_6"))
        for kind in Self.kinds {
            let whole = Self.raw(kind, small: small, large: large)
            for _ in 0..<150 { _ = try? decodePicture(random.damaged(whole)) }
        }
        // As many beginnings as there is room for.
        let many =
            Array("FUJIFILMCCD-RAW ".utf8) + (0..<400_000).flatMap { _ in [0xFF, 0xD8, 0xFF, 0xE0, 0, 2] as [UInt8] }
        #expect(throws: CLIPError.self) { _ = try decodePicture(many) }
    }
}
