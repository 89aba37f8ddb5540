/// The extents of a picture in pixels.
package struct PixelSize: Sendable, Hashable {
    package var width: Int
    package var height: Int

    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    /// A square.
    package init(side: Int) { self.init(width: side, height: side) }

    /// The values of three channels.
    package var valueCount: Int { 3 * width * height }
}
