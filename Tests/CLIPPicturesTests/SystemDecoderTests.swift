import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPPictures

/// HEIC, AVIF and JPEG XL: refused with what to do, or decoded by the libraries of the system where those are there.
@Suite struct SystemDecoderTests {
    private func bytes(_ name: String) throws -> [UInt8] {
        Array(
            try Data(
                contentsOf: Fixtures.folder(of: "CLIPPicturesTests").appending(path: "system").appending(path: name)))
    }

    private func options(_ decoding: SystemDecoding, _ change: (inout DecodingOptions) -> Void = { _ in })
        -> DecodingOptions
    {
        var options = DecodingOptions()
        options.systemDecoding = decoding
        change(&options)
        return options
    }

    private static let names = ["scene.heic", "scene.avif", "scene.jxl"]

    private func format(_ name: String) -> String {
        name.hasSuffix("jxl") ? "JPEG XL" : name.hasSuffix("heic") ? "HEIC" : "AVIF"
    }

    @Test(arguments: names) func `Unless they are wanted such pictures are refused by name`(_ name: String) throws {
        let error = #expect(throws: CLIPError.self) {
            _ = try decodePicture(bytes(name), options: options(.never))
        }
        #expect(error?.message.hasPrefix("\(format(name)) is not supported: convert it") == true)
        #expect(PictureFormats.isPictureName("a/\(name)".utf8, systemDecoding: .never) == false)
    }

    #if !canImport(ImageIO)
    private func library(_ name: String) -> SystemLibrary { name.hasSuffix("jxl") ? .jxl : .heif }

    @Test(arguments: names) func `Where the library is they are decoded, and else it is said what installs it`(
        _ name: String
    ) throws {
        let library = library(name)
        #expect((library.version == nil) == library.formats.isEmpty || library == .heif)
        let first = Array(try bytes(name).prefix(PictureFormats.signatureLength))
        let found = PictureFormats.unnamed("x".utf8, firstBytes: first, systemDecoding: .here)
        guard library.formats.contains(format(name)) else {
            let error = #expect(throws: CLIPError.self) {
                _ = try decodePicture(bytes(name), options: options(.here))
            }
            #expect(error?.message.contains("`apt install lib") == true)
            guard case .other(let kind, let advice) = found else { throw Missing() }
            #expect(kind == format(name) && advice?.contains("install") == true)
            return
        }
        #expect(found == .picture)
        let picture = try decodePicture(bytes(name), options: options(.here))
        let original = try decodePicture(bytes("scene.png"))
        #expect(picture.width == 48 && picture.height == 32)
        let differences = zip(picture.pixels, original.pixels).map { abs(Int($0) - Int($1)) }
        if name.hasSuffix("heic") {
            #expect(differences.reduce(0, +) < 12 * differences.count)
        } else {
            #expect(picture == original)
        }
        let limit = options(.here) { $0.maximumPixels = 48 * 32 - 1 }
        let error = #expect(throws: CLIPError.self) { _ = try decodePicture(bytes(name), options: limit) }
        #expect(error?.advice == .raisePixelLimit)
    }

    @Test func `A picture is turned once, and laid over white`() throws {
        guard SystemLibrary.heif.formats.contains("AVIF") else { return }
        let original = try decodePicture(bytes("scene.png"))
        let turned = try decodePicture(bytes("turned.avif"), options: options(.here))
        // A quarter anticlockwise, which is orientation 8.
        #expect(turned == original.upright(orientation: 8))
        let stored = try decodePicture(
            bytes("turned.avif"), options: options(.here) { $0.appliesOrientation = false })
        #expect(stored == original)
    }

    @Test(arguments: ["alpha.avif", "alpha.jxl"]) func `What shines through is treated as in other formats`(
        _ name: String
    ) throws {
        guard library(name).formats.contains(format(name)) else { return }
        for alpha in DecodingOptions.Alpha.allCases {
            let picture = try decodePicture(bytes(name), options: options(.here) { $0.alpha = alpha })
            #expect(
                picture == (try decodePicture(bytes("scene_alpha.png"), options: options(.never) { $0.alpha = alpha })))
        }
    }

    @Test func `A program that doesn't answer costs the picture and says so`() throws {
        for (program, words) in [
            ("/bin/false", "ended without an answer"), ("/nonexistent", "can't be handed"),
            ("/bin/true", "ended without an answer"),
        ] {
            guard SystemLibrary.jxl.version != nil else { return }
            let error = #expect(throws: CLIPError.self) {
                _ = try decodePicture(
                    bytes("scene.jxl"), options: options(.apart(program: program, arguments: [])))
            }
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
    }
    #endif

    private struct Missing: Error {}
}
