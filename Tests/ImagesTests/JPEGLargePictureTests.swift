import Testing

@testable import Images

/// Pictures large enough for what is done with memory and threads only then.
@Suite struct JPEGLargePictureTests {
    /// Coefficients of several megabytes go back to the system while the picture is made of them.
    @Test(arguments: [[(1, 1), (1, 1), (1, 1)], [(2, 2), (1, 1), (1, 1)], [(1, 1)]])
    func severalScansGiveTheSamePictureAsOne(_ sampling: [(Int, Int)]) throws {
        let builder = JPEGBuilder(width: 2047, height: 1801, sampling: sampling)
        let one = try decodeImage(builder.file(.interleaved))
        #expect(one.width == 2047 && one.height == 1801)
        #expect(Set(one.pixels.prefix(1 << 16)).count > 200)
        #expect(try decodeImage(builder.file(.separate)) == one)
        #expect(try decodeImage(builder.file(.progressive)) == one)
    }
}
