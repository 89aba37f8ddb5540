import Foundation
import Testing

@testable import CLIPPictures

/// Files whose names say nothing, by their first bytes.
@Suite struct UnnamedPictureTests {
    private func found(_ bytes: [UInt8], as name: String = "x") -> PictureFormats.Unnamed {
        PictureFormats.unnamed(name.utf8, firstBytes: Array(bytes.prefix(PictureFormats.signatureLength)))
    }

    @Test func `Every fixture that decodes is known by its first bytes`() throws {
        let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var kinds: Set<String> = []
        for case let file as URL in files where PictureFormats.isPictureName(file.path.utf8) {
            let bytes = Array(try Data(contentsOf: file))
            guard (try? decodePicture(bytes)) != nil else { continue }
            #expect(found(bytes) == .picture, "\(file.lastPathComponent)")
            kinds.insert(file.pathExtension.lowercased())
        }
        #expect(kinds.count >= 8)
    }

    @Test(arguments: [
        "BMW is no bitmap", "P1 is a road", "P5\n\nno number", "II* is no TIFF", "GIF is a format", "\0\0\u{1}\0text",
    ])
    func `Words that begin as a picture does are none`(_ text: String) {
        #expect(found(Array(text.utf8) + [UInt8](repeating: 0x20, count: 64)) != .picture)
    }

    @Test func `What isn't read has a name, and raw files are no TIFF`() {
        func kind(_ found: PictureFormats.Unnamed) -> String? {
            if case .other(let kind, _) = found { kind } else { nil }
        }
        let heic = [0, 0, 0, 24] + Array("ftypheic".utf8) + [UInt8](repeating: 0, count: 52)
        #expect(kind(found(heic)) == "HEIC" && kind(found(heic, as: "a/b.heif")) == "HEIC")
        let tiff: [UInt8] = [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0] + [UInt8](repeating: 0, count: 56)
        #expect(found(tiff) == .picture && found(tiff, as: "x.lsm") == .picture)
        #expect(kind(found(tiff, as: "a.NEF")) == "NEF" && kind(found(tiff, as: "b.dng")) == "DNG")
        #expect(found([0xFF, 0xD8, 0xFF, 0xE0], as: "really_a_jpeg.nef") == .picture)
        #expect(found([], as: "x.mp4") == .other(kind: "MP4", advice: nil))
        #expect(found([], as: ".mp4") == .other(kind: "of no known kind", advice: nil))
        #expect(found([], as: "a.b/c") == .other(kind: "of no known kind", advice: nil))
    }
}
