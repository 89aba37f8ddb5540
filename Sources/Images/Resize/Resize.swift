package import Kernels

/// A rectangle of pixels inside a picture.
package struct PixelWindow: Sendable, Equatable {
    package var left: Int
    package var top: Int
    package var width: Int
    package var height: Int

    package init(left: Int, top: Int, width: Int, height: Int) {
        self.left = left
        self.top = top
        self.width = width
        self.height = height
    }

    var columns: Range<Int> { left..<left + width }
    var rows: Range<Int> { top..<top + height }
}

extension Bitmap {
    /// The picture resized to `width` × `height`, or the part of that which `window` names.
    ///
    /// The samples are Pillow's, to the bit: a horizontal pass, rounded to 8 bits, then a vertical one. Only the source
    /// pixels that the window needs are read, and memory is bounded by the window.
    /// - Parameter window: not empty, inside the resized picture.
    package func resized(
        width newWidth: Int, height newHeight: Int, filter: ResampleFilter, window: PixelWindow? = nil,
        kernels: PictureKernels = .best
    ) -> Bitmap {
        let window = window ?? PixelWindow(left: 0, top: 0, width: newWidth, height: newHeight)
        precondition(width > 0 && height > 0, "an empty picture can't be resized")
        precondition(
            window.width > 0 && window.height > 0 && window.left >= 0 && window.top >= 0
                && window.left <= newWidth - window.width && window.top <= newHeight - window.height,
            "the window lies inside the resized picture")
        // A ribbon that is made wide and short: its rows go first, else they would all be widened. Pillow 12.2 and later
        // have the same exception; where one column is all there is, the order doesn't show.
        if filter != .nearest, reduction == 1, newWidth > width, newHeight < height, height / 100 > width {
            return resized(
                width: width, height: newHeight, filter: filter,
                window: PixelWindow(left: 0, top: window.top, width: width, height: window.height), kernels: kernels
            ).resized(
                width: newWidth, height: window.height, filter: filter,
                window: PixelWindow(left: window.left, top: 0, width: window.width, height: window.height),
                kernels: kernels)
        }
        let pixels = [UInt8](unsafeUninitializedCapacity: window.width * window.height * 3) { output, count in
            count = window.width * window.height * 3
            if filter == .nearest {
                pickNearest(newWidth, newHeight, window, output)
            } else {
                resample(
                    ResampleAxis(source: width, extent: exactWidth, target: newWidth, filter: filter),
                    ResampleAxis(source: height, extent: exactHeight, target: newHeight, filter: filter), window,
                    kernels, output)
            }
        }
        return Bitmap(width: window.width, height: window.height, pixels: pixels)
    }

    /// Sizes in pixels of this bitmap, of which the last may be the picture's only in part.
    private var exactWidth: Double { Double(fullWidth) / Double(reduction) }
    private var exactHeight: Double { Double(fullHeight) / Double(reduction) }

    /// The part of the picture that `window` names.
    package func cropped(to window: PixelWindow) -> Bitmap {
        resized(width: width, height: height, filter: .bicubic, window: window)
    }

    private func pickNearest(
        _ newWidth: Int, _ newHeight: Int, _ window: PixelWindow, _ output: UnsafeMutableBufferPointer<UInt8>
    ) {
        let columns = nearestSources(source: width, extent: exactWidth, target: newWidth, window.columns)
        let rows = nearestSources(source: height, extent: exactHeight, target: newHeight, window.rows)
        var target = 0
        for row in rows {
            for column in columns {
                let source = 3 * (row * width + column)
                for channel in 0..<3 { output[target + channel] = pixels[source + channel] }
                target += 3
            }
        }
    }

    private func resample(
        _ horizontal: ResampleAxis, _ vertical: ResampleAxis, _ window: PixelWindow, _ kernels: PictureKernels,
        _ output: UnsafeMutableBufferPointer<UInt8>
    ) {
        let strip = max(1, Bitmap.tapLimit / horizontal.largestTapCount)
        if !horizontal.isIdentity, strip < window.width {
            resampleStrips(horizontal, vertical, window, kernels, columns: strip, output)
            return
        }
        let rowBytes = 3 * window.width
        let horizontalPass =
            horizontal.isIdentity ? nil : ResampleRows(horizontal, targets: window.columns, kernels: kernels)
        var verticalPass =
            vertical.isIdentity
            ? nil : ResampleColumns(vertical, targets: window.rows, rowBytes: rowBytes, kernels: kernels)
        let rows = verticalPass?.rows ?? window.rows
        // Vectors of samples are read and written whole.
        let stride = (rowBytes + 7) & ~7
        pixels.withUnsafeBufferPointer { pixels in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: RowBatch.capacity * stride) { passed in
                passed.initialize(repeating: 0)
                let passed = passed.baseAddress!
                for y in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: RowBatch.capacity) {
                    let source = RowBatch(
                        samples: pixels.baseAddress! + 3 * y * width, stride: 3 * width,
                        count: min(RowBatch.capacity, rows.upperBound - y))
                    if let horizontalPass {
                        horizontalPass.resample(source, into: passed, stride: stride)
                    } else {
                        for row in 0..<source.count {
                            (passed + row * stride).update(from: source.row(row) + 3 * window.left, count: rowBytes)
                        }
                    }
                    if verticalPass != nil {
                        verticalPass!.add(
                            RowBatch(samples: passed, stride: stride, count: source.count),
                            into: output.baseAddress!)
                    } else {
                        for row in 0..<source.count {
                            (output.baseAddress! + (y - rows.lowerBound + row) * rowBytes).update(
                                from: passed + row * stride, count: rowBytes)
                        }
                    }
                }
            }
        }
    }

    /// The most taps of a horizontal pass whose weights are kept, some megabytes. Only ribbons have more, which are so
    /// low that going over them several times costs nothing.
    private static let tapLimit = 1 << 20

    private func resampleStrips(
        _ horizontal: ResampleAxis, _ vertical: ResampleAxis, _ window: PixelWindow, _ kernels: PictureKernels,
        columns: Int,
        _ output: UnsafeMutableBufferPointer<UInt8>
    ) {
        for left in stride(from: 0, to: window.width, by: columns) {
            let part = PixelWindow(
                left: window.left + left, top: window.top, width: min(columns, window.width - left),
                height: window.height)
            let rowBytes = 3 * part.width
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: rowBytes * part.height) { strip in
                resample(horizontal, vertical, part, kernels, strip)
                for y in 0..<part.height {
                    (output.baseAddress! + 3 * (y * window.width + left)).update(
                        from: strip.baseAddress! + y * rowBytes, count: rowBytes)
                }
            }
        }
    }
}

/// The source pixel under the centre of each of `targets`.
private func nearestSources(source: Int, extent: Double, target: Int, _ targets: Range<Int>) -> [Int] {
    let scale = extent / Double(target)
    // Pillow adds up the steps, rounding each time: multiplying would differ in the last bit.
    var position = scale * 0.5
    var sources: [Int] = []
    for index in 0..<targets.upperBound {
        if index >= targets.lowerBound { sources.append(min(Int(position), source - 1)) }
        position += scale
    }
    return sources
}
