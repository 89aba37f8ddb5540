package import CLIPKernels

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
    /// The samples are those of Pillow 13, to the bit: two passes, each rounded to 8 bits, in the order that the sizes
    /// say. Only the source pixels that the window needs are read, and memory is bounded by the window, or by a source
    /// row for each of its rows.
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
        return Bitmap(width: window.width, height: window.height) { output in
            if filter == .nearest {
                pickNearest(newWidth, newHeight, window, output)
            } else {
                resample(
                    ResampleAxis(source: width, extent: exactWidth, target: newWidth, filter: filter),
                    ResampleAxis(source: height, extent: exactHeight, target: newHeight, filter: filter), window,
                    kernels, output)
            }
        }
    }

    /// A picture that `fill` writes every sample of.
    private init(width: Int, height: Int, fill: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
        let byteCount = 3 * width * height
        let pixels = [UInt8](unsafeUninitializedCapacity: byteCount) { output, count in
            fill(UnsafeMutableBufferPointer(rebasing: output[..<byteCount]))
            count = byteCount
        }
        self.init(width: width, height: height, pixels: pixels)
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
        let verticalPass = vertical.isIdentity ? nil : vertical
        guard !horizontal.isIdentity else {
            pass(from: window.left, rows: window.rows, width: window.width, nil, verticalPass, kernels, output)
            return
        }
        let horizontalPass = ResampleRows(horizontal, targets: window.columns, kernels: kernels)
        let columns = horizontalPass.columns
        guard let verticalPass, verticalPass.comesBefore(horizontal) else {
            pass(
                from: columns.lowerBound, rows: window.rows, width: window.width, horizontalPass, verticalPass, kernels,
                output)
            return
        }
        let low = Bitmap(width: columns.count, height: window.height) { output in
            pass(
                from: columns.lowerBound, rows: window.rows, width: columns.count, nil, verticalPass, kernels, output)
        }
        low.pass(from: 0, rows: 0..<low.height, width: window.width, horizontalPass, nil, kernels, output)
    }

    /// Lets source rows, batch by batch, through a horizontal pass, then a vertical one. Where one is missing, samples
    /// stay as they are.
    /// - Parameters:
    ///   - left: the first column that is read.
    ///   - targets: the rows to make.
    ///   - width: the pixels of each.
    private func pass(
        from left: Int, rows targets: Range<Int>, width newWidth: Int, _ horizontalPass: ResampleRows?,
        _ vertical: ResampleAxis?, _ kernels: PictureKernels, _ output: UnsafeMutableBufferPointer<UInt8>
    ) {
        let rowBytes = 3 * newWidth
        var verticalPass = vertical.map {
            ResampleColumns($0, targets: targets, rowBytes: rowBytes, kernels: kernels)
        }
        let rows = verticalPass?.rows ?? targets
        // Vectors of samples are read and written whole.
        let stride = (rowBytes + 7) & ~7
        pixels.withUnsafeBufferPointer { pixels in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: RowBatch.capacity * stride) { passed in
                passed.initialize(repeating: 0)
                let passed = passed.baseAddress!
                for y in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: RowBatch.capacity) {
                    let start = 3 * (y * width + left)
                    let source = RowBatch(
                        samples: pixels.baseAddress! + start, stride: 3 * width,
                        count: min(RowBatch.capacity, rows.upperBound - y))
                    var batch = RowBatch(samples: passed, stride: stride, count: source.count)
                    if let horizontalPass {
                        horizontalPass.resample(source, into: passed, stride: stride)
                    } else if start + (source.count - 1) * source.stride + stride <= pixels.count {
                        batch = source
                    } else {
                        for row in 0..<source.count {
                            (passed + row * stride).update(from: source.row(row), count: rowBytes)
                        }
                    }
                    if verticalPass != nil {
                        verticalPass!.add(batch, into: output.baseAddress!)
                    } else {
                        for row in 0..<batch.count {
                            (output.baseAddress! + (y - rows.lowerBound + row) * rowBytes).update(
                                from: batch.row(row), count: rowBytes)
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
