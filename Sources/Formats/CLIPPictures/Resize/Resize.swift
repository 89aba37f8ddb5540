internal import CLIPInstructionSets
package import CLIPKernels
internal import CLIPSystem

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
        kernels: PictureKernels = InstructionSet.current.kernels.pictures
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

/// How a resized pixel is made of its source pixels: Pillow's filters, stretched by the ratio when a picture shrinks
/// (antialiasing). Raw values are Pillow's numbers, which model configurations use.
package enum ResampleFilter: Int, Sendable, CaseIterable {
    /// The one source pixel that the centre falls on.
    case nearest = 0
    case lanczos = 1
    case bilinear = 2
    /// Keys' cubic convolution with a = −0.5.
    case bicubic = 3
    case box = 4

    /// Half the filter's width, in source pixels of a picture that keeps its size.
    var support: Double {
        switch self {
        case .nearest, .box: 0.5
        case .bilinear: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    /// The weight at `distance` from the centre, before normalising.
    func weight(at distance: Double) -> Double {
        let t = abs(distance)
        switch self {
        case .nearest, .box: return distance > -0.5 && distance <= 0.5 ? 1 : 0
        case .bilinear: return t < 1 ? 1 - t : 0
        case .bicubic:
            if t < 1 { return (1.5 * t - 2.5) * t * t + 1 }
            return t < 2 ? (((t - 5) * t + 8) * t - 4) * -0.5 : 0
        case .lanczos: return distance >= -3 && distance < 3 ? sinc(distance) * sinc(distance / 3) : 0
        }
    }

    private func sinc(_ x: Double) -> Double {
        x == 0 ? 1 : sin(x * Double.pi) / (x * Double.pi)
    }
}

/// One direction of a resize: which source pixels make up a target pixel, and by what weights.
struct ResampleAxis {
    /// Bits after the point of a fixed-point weight: eight for the sample and two for overshoot are left of 32.
    static let fractionBits = 22

    let source: Int
    let target: Int
    private let filter: ResampleFilter
    private let scale: Double
    /// The filter's stretch: 1 where the picture grows.
    private let stretch: Double

    /// - Parameters:
    ///   - source: pixels before, at least 1.
    ///   - extent: how much of `source` is resized: all but a part of the last pixel.
    ///   - target: pixels after, at least 1.
    init(source: Int, extent: Double, target: Int, filter: ResampleFilter) {
        self.source = source
        self.target = target
        self.filter = filter
        scale = extent / Double(target)
        stretch = max(scale, 1)
    }

    /// Pillow skips a pass that changes nothing: there is no rounding either.
    var isIdentity: Bool { scale == 1 }

    /// No target pixel has more taps.
    var largestTapCount: Int { Int(2 * filter.support * stretch) + 2 }

    /// The source pixels that target pixel `index` is made of: never empty, rising with `index`.
    func taps(of index: Int) -> Range<Int> {
        let center = (Double(index) + 0.5) * scale
        let support = filter.support * stretch
        let first = max(0, Int(center - support + 0.5))
        let end = min(source, Int(center + support + 0.5))
        return first..<end
    }

    /// The source pixels that consecutive target pixels, at least one, are made of.
    func taps(of targets: Range<Int>) -> Range<Int> {
        taps(of: targets.lowerBound).lowerBound..<taps(of: targets.upperBound - 1).upperBound
    }

    /// Whether Pillow 13 makes the pass of this axis, the vertical one, before that of `horizontal`: where the height
    /// shrinks by more than twice as many pixels as the width does.
    func comesBefore(_ horizontal: ResampleAxis) -> Bool {
        target < source && source - target > 2 * (horizontal.source - horizontal.target)
    }

    /// Fixed-point weights of `taps(of: index)`.
    func weights(of index: Int) -> [Int32] {
        let center = (Double(index) + 0.5) * scale
        let inverse = 1 / stretch
        let weights = taps(of: index).map { filter.weight(at: (Double($0) - center + 0.5) * inverse) }
        let sum = weights.reduce(0, +)
        return weights.map { weight in
            let scaled = (sum == 0 ? weight : weight / sum) * Double(1 << ResampleAxis.fractionBits)
            return Int32(scaled + (weight < 0 ? -0.5 : 0.5))
        }
    }

    /// The weights of target pixel `index`, padded with zeros to whole units. Of every four taps, 0 and 2 are a pair, and
    /// 1 and 3.
    /// - Parameters:
    ///   - origin: the source pixel at which the first unit begins.
    ///   - unit: how many taps come at a time, a multiple of four.
    /// - Returns: the units, and `unit / 2` pairs for each.
    func pairedWeights(of index: Int, from origin: Int, unit: Int) -> (units: Range<Int>, pairs: [PairedWeights]) {
        let taps = taps(of: index)
        let units = (taps.lowerBound - origin) / unit..<(taps.upperBound - origin + unit - 1) / unit
        let padding = [Int32](repeating: 0, count: taps.lowerBound - origin - units.lowerBound * unit)
        var weights = padding + weights(of: index)
        weights += repeatElement(0, count: units.count * unit - weights.count)
        let pairs = stride(from: 0, to: weights.count, by: 4).flatMap { four in
            [
                PairedWeights(weights[four], weights[four + 2]), PairedWeights(weights[four + 1], weights[four + 3]),
            ]
        }
        return (units, pairs)
    }
}

/// The horizontal pass: makes target pixels of one batch of source rows after the other.
private struct ResampleRows {
    private var pixels: [ResampledPixel] = []
    private var weights: [PairedWeights] = []
    /// The source columns that rows have to begin and end with.
    let columns: Range<Int>
    private let kernels: PictureKernels

    /// - Parameter targets: the target columns to make.
    init(_ axis: ResampleAxis, targets: Range<Int>, kernels: PictureKernels) {
        self.kernels = kernels
        columns = axis.taps(of: targets)
        pixels.reserveCapacity(targets.count)
        for target in targets {
            let (blocks, pairs) = axis.pairedWeights(
                of: target, from: columns.lowerBound, unit: RowResampling.pixelsPerBlock)
            pixels.append(
                ResampledPixel(firstBlock: blocks.lowerBound, endBlock: blocks.upperBound, firstWeight: weights.count))
            weights += pairs
        }
    }

    /// - Parameters:
    ///   - source: source rows, of which `columns` are read.
    ///   - output: `RowBatch.capacity` rows of three bytes for each target column, and up to seven that are written too.
    ///   - stride: bytes from a row of `output` to the next.
    func resample(_ source: RowBatch, into output: UnsafeMutablePointer<UInt8>, stride: Int) {
        pixels.withUnsafeBufferPointer { pixels in
            weights.withUnsafeBufferPointer { weights in
                kernels.resample(
                    RowResampling(
                        source: source, width: columns.count, pixels: pixels, weights: weights.baseAddress!,
                        output: output, outputStride: stride))
            }
        }
    }
}

/// The vertical pass, fed with one batch of rows after the other: each is added to the sums of all target rows that it
/// is part of, so that no more than these sums is kept, however high the picture is.
private struct ResampleColumns {
    /// A target row that is not complete.
    private struct Sum {
        let target: Int
        let batches: Range<Int>
        /// Four pairs for each batch.
        let weights: [PairedWeights]
        /// Where its sums stand.
        let slot: Int
    }

    private let axis: ResampleAxis
    private let kernels: PictureKernels
    private let rowBytes: Int
    /// Vectors of sums for a row.
    private let rowVectors: Int
    private let targets: Range<Int>
    private var nextTarget: Int
    private var nextBatch = 0
    private var open: [Sum] = []
    private var freeSlots: [Int] = []
    private var sums: [SIMD8<Int32>] = []
    /// The source rows that have to be added, in order.
    let rows: Range<Int>

    /// - Parameters:
    ///   - targets: the target rows to make, not empty.
    ///   - rowBytes: bytes of each row.
    init(_ axis: ResampleAxis, targets: Range<Int>, rowBytes: Int, kernels: PictureKernels) {
        self.axis = axis
        self.kernels = kernels
        self.rowBytes = rowBytes
        self.targets = targets
        rowVectors = (rowBytes + 7) / 8
        nextTarget = targets.lowerBound
        rows = axis.taps(of: targets)
    }

    /// Adds the next batch of source rows.
    /// - Parameters:
    ///   - batch: as many rows as a batch can have, fewer only at the end. The last bytes are read in eights.
    ///   - output: takes the target rows, the first of all being row 0.
    mutating func add(_ batch: RowBatch, into output: UnsafeMutablePointer<UInt8>) {
        let start = rows.lowerBound + nextBatch * RowBatch.capacity
        let end = min(start + RowBatch.capacity, rows.upperBound)
        precondition(batch.count == end - start, "batches are whole, but for the last one")
        while nextTarget < targets.upperBound, axis.taps(of: nextTarget).lowerBound < end { begin() }
        for sum in open {
            let isLast = sum.batches.upperBound == nextBatch + 1
            let firstWeight = 4 * (nextBatch - sum.batches.lowerBound)
            sum.weights.withUnsafeBufferPointer { weights in
                sums.withUnsafeMutableBufferPointer { sums in
                    kernels.addRows(
                        WeightedRows(
                            source: batch, weights: weights.baseAddress! + firstWeight,
                            sums: sums.baseAddress! + sum.slot * rowVectors, count: rowBytes,
                            output: isLast ? output + (sum.target - targets.lowerBound) * rowBytes : nil))
                }
            }
            if isLast { freeSlots.append(sum.slot) }
        }
        nextBatch += 1
        open.removeAll { $0.batches.upperBound == nextBatch }
    }

    private mutating func begin() {
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            for i in slot * rowVectors..<(slot + 1) * rowVectors { sums[i] = .zero }
        } else {
            slot = open.count
            sums.append(contentsOf: repeatElement(.zero, count: rowVectors))
        }
        let (batches, weights) = axis.pairedWeights(of: nextTarget, from: rows.lowerBound, unit: RowBatch.capacity)
        open.append(Sum(target: nextTarget, batches: batches, weights: weights, slot: slot))
        nextTarget += 1
    }
}
