/// A decoded picture: 8-bit RGB samples, row by row from the top, without padding.
package struct Bitmap: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// `[height, width, 3]`, `width * height * 3` bytes.
    package var pixels: [UInt8]
    /// How many pixels of the picture one of these stands for, each way: 1, or more if it was scaled down while it was
    /// decoded.
    package let reduction: Int
    /// The picture's size before it was scaled down: up to `reduction` times this one's.
    package let fullWidth: Int
    package let fullHeight: Int

    package init(width: Int, height: Int, pixels: [UInt8]) {
        self.init(width: width, height: height, pixels: pixels, reduction: 1, fullWidth: width, fullHeight: height)
    }

    init(width: Int, height: Int, pixels: [UInt8], reduction: Int, fullWidth: Int, fullHeight: Int) {
        precondition(pixels.count == width * height * 3, "a bitmap holds three bytes a pixel")
        self.width = width
        self.height = height
        self.pixels = pixels
        self.reduction = reduction
        self.fullWidth = fullWidth
        self.fullHeight = fullHeight
    }
}
