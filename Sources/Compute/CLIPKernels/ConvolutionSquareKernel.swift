/// The square around a place of a map, all channels of it: a row of what a convolution multiplies with its weights.
@usableFromInline package struct ConvolutionSquare {
    /// The places of the map, row after row.
    @usableFromInline package var input: Rows<Float>
    /// Places along a side of the map.
    @usableFromInline package var side: Int
    @usableFromInline package var channels: Int
    /// The side of the square.
    @usableFromInline package var kernel: Int
    /// Where the square begins, which may be outside of the map.
    @usableFromInline package var top: Int
    @usableFromInline package var left: Int
    /// `[kernel · kernel, channels]`.
    @usableFromInline package var target: UnsafeMutablePointer<Float>

    @inlinable
    package init(
        _ input: Rows<Float>, side: Int, channels: Int, kernel: Int, top: Int, left: Int,
        target: UnsafeMutablePointer<Float>
    ) {
        self.input = input
        self.side = side
        self.channels = channels
        self.kernel = kernel
        self.top = top
        self.left = left
        self.target = target
    }
}

extension VectorUnit {
    /// Copies the places of a square, one behind the other; those outside of the map are zeros.
    @inlinable @inline(__always)
    package static func layOut(_ square: ConvolutionSquare) {
        let whole = square.channels / width * width
        var target = square.target
        for line in square.top..<square.top + square.kernel {
            for column in square.left..<square.left + square.kernel {
                if line < 0 || line >= square.side || column < 0 || column >= square.side {
                    target.update(repeating: 0, count: square.channels)
                } else {
                    let source = square.input[line * square.side + column]
                    for channel in stride(from: 0, to: whole, by: width) {
                        store(load(source + channel), target + channel)
                    }
                    for channel in whole..<square.channels { target[channel] = source[channel] }
                }
                target += square.channels
            }
        }
    }
}
