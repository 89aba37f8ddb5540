import CLIPSystem
import Testing

@testable import CLIPPictures

@Suite struct ICODecoderTests {
    @Test func `The largest picture is exact`() throws {
        let pictures = try GoldenPicture.all(in: "ico")
        #expect(pictures.count == 6)
        for picture in pictures { try picture.expectExact() }
    }

    @Test func `An entry past the end is named`() {
        let entry: [UInt8] = [16, 16, 0, 0, 1, 0, 32, 0, 100, 0, 0, 0, 0xFF, 0xFF, 0, 0]
        #expect(
            throws: CLIPError.truncated(
                format: "ICO", offset: 22, problem: "its largest picture begins at byte 65535")
        ) { try decodePicture([0, 0, 1, 0, 1, 0] + entry) }
    }

    @Test func `Damaged files decode or throw`() throws {
        let decoded = GoldenPicture.decodeMutations(of: try GoldenPicture.all(in: "ico"), count: 4000, seed: 6)
        #expect(decoded > 500)
    }
}
