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
    /// Whether it is what a camera made of what the sensor saw, from inside a raw file.
    package var isPreview = false

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

extension Bitmap {
    /// The picture turned upright, given its EXIF orientation (1…8, anything else leaves it as it is).
    /// Orientations 5 to 8 swap width and height.
    package func upright(orientation: Int) -> Bitmap {
        // Where the upright picture's first pixel lies in the stored one, and the steps to its right and lower neighbours.
        let (right, down) = (1, width)
        let (lastColumn, lastRow) = (width - 1, (height - 1) * width)
        switch orientation {
        case 2: return gathered(width, height, start: lastColumn, stepX: -right, stepY: down)
        case 3: return gathered(width, height, start: lastRow + lastColumn, stepX: -right, stepY: -down)
        case 4: return gathered(width, height, start: lastRow, stepX: right, stepY: -down)
        case 5: return gathered(height, width, start: 0, stepX: down, stepY: right)
        case 6: return gathered(height, width, start: lastRow, stepX: -down, stepY: right)
        case 7: return gathered(height, width, start: lastRow + lastColumn, stepX: -down, stepY: -right)
        case 8: return gathered(height, width, start: lastColumn, stepX: down, stepY: -right)
        default: return self
        }
    }

    private func gathered(_ newWidth: Int, _ newHeight: Int, start: Int, stepX: Int, stepY: Int) -> Bitmap {
        // Square tiles keep both the rows read and the rows written in the cache when the picture is turned.
        let tile = 32
        let turned = [UInt8](unsafeUninitializedCapacity: pixels.count) { output, count in
            preferLargePages(output)
            pixels.withUnsafeBufferPointer { input in
                for top in stride(from: 0, to: newHeight, by: tile) {
                    for left in stride(from: 0, to: newWidth, by: tile) {
                        for y in top..<min(top + tile, newHeight) {
                            var source = 3 * (start + y * stepY + left * stepX)
                            var target = 3 * (y * newWidth + left)
                            for _ in left..<min(left + tile, newWidth) {
                                output[target] = input[source]
                                output[target + 1] = input[source + 1]
                                output[target + 2] = input[source + 2]
                                source += 3 * stepX
                                target += 3
                            }
                        }
                    }
                }
            }
            count = pixels.count
        }
        let isTurned = newWidth != width
        return Bitmap(
            width: newWidth, height: newHeight, pixels: turned, reduction: reduction,
            fullWidth: isTurned ? fullHeight : fullWidth, fullHeight: isTurned ? fullWidth : fullHeight)
    }
}

/// One colour sample of opacity `alpha` over white, as Pillow's `alpha_composite` rounds it.
@inline(__always)
package func overWhite(_ sample: UInt8, _ alpha: UInt8) -> UInt8 {
    let (colour, opacity) = (UInt32(sample), UInt32(alpha))
    return UInt8((colour * opacity + 255 * (255 - opacity) + 127) / 255)
}
