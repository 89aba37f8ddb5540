/// A decoded picture: 8-bit RGB samples, row by row from the top, without padding.
package struct Bitmap: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// `[height, width, 3]`, `width * height * 3` bytes.
    package var pixels: [UInt8]

    package init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(pixels.count == width * height * 3, "a bitmap holds three bytes a pixel")
        self.width = width
        self.height = height
        self.pixels = pixels
    }
}
