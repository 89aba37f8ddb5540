package import CLIPPictures
internal import CLIPThreads

/// Turns decoded pictures into the pixel values that an image encoder takes.
package struct ImagePreprocessor: Sendable {
    package let configuration: PreprocessingConfiguration
    /// `[3, 256]`: the pixel value of each sample, by channel. A sample has so few values that a table holds the exact
    /// results of the reference's arithmetic.
    private let table: [Float]

    package init(_ configuration: PreprocessingConfiguration) {
        self.configuration = configuration
        table = (0..<3).flatMap { channel in
            (0..<256).map { configuration.pixelValue(of: UInt8($0), channel: channel) }
        }
    }

    /// The crops that a picture of this size gives: one unless the fit is `.multicrop`.
    package func crops(width: Int, height: Int, fit: PictureFit? = nil) -> [PixelSize] {
        FittingPlan(width: width, height: height, configuration, fit: fit).windows.map(\.size)
    }

    /// The picture as the encoder sees it, before normalising: 8-bit samples for each crop.
    package func fittedBitmaps(of bitmap: Bitmap, fit: PictureFit? = nil) -> [Bitmap] {
        let plan = FittingPlan(of: bitmap, configuration, fit: fit)
        return plan.windows.map { fitted(bitmap, plan, $0) }
    }

    /// - Parameter threads: how many may resize a large picture; the result is the same.
    /// - Returns: `[crops, 3, height, width]`, row-major.
    package func pixels(of bitmap: Bitmap, fit: PictureFit? = nil, threads: Int = 1) -> [Float] {
        let plan = FittingPlan(of: bitmap, configuration, fit: fit)
        let count = plan.valueCount
        return [Float](unsafeUninitializedCapacity: count) { output, initializedCount in
            write(bitmap, plan, threads: threads, into: output)
            initializedCount = count
        }
    }

    private func write(
        _ bitmap: Bitmap, _ plan: FittingPlan, threads: Int, into output: UnsafeMutableBufferPointer<Float>
    ) {
        var start = 0
        for window in plan.windows {
            let end = start + window.size.valueCount
            normalise(
                fitted(bitmap, plan, window, threads: threads),
                into: UnsafeMutableBufferPointer(rebasing: output[start..<end]))
            start = end
        }
    }

    private func normalise(_ crop: Bitmap, into output: UnsafeMutableBufferPointer<Float>) {
        let count = crop.width * crop.height
        crop.pixels.withUnsafeBufferPointer { samples in
            table.withUnsafeBufferPointer { table in
                for channel in 0..<3 {
                    for pixel in 0..<count {
                        output[channel &* count &+ pixel] = table[channel &* 256 &+ Int(samples[3 &* pixel &+ channel])]
                    }
                }
            }
        }
    }

    /// Rows of a resized picture below which a band is not worth a thread.
    private static let leastBand = 32

    /// One window of the resized picture, which lies inside it.
    private func resized(_ bitmap: Bitmap, _ plan: FittingPlan, _ window: PixelWindow, threads: Int) -> Bitmap {
        func part(_ rows: Range<Int>) -> Bitmap {
            bitmap.resized(
                width: plan.width, height: plan.height, filter: configuration.interpolation.filter,
                window: PixelWindow(
                    left: window.left, top: window.top + rows.lowerBound, width: window.width, height: rows.count))
        }
        // Neighbouring bands both need the rows between them: small pictures would gain nothing.
        let count = bitmap.pixels.count < 1 << 20 ? 1 : min(threads, window.height / Self.leastBand)
        guard count > 1 else { return part(0..<window.height) }
        let bands = Parallel(threads: count, pool: .pictures).orderedMap(Array(0..<count)) { index in
            part(index * window.height / count..<(index + 1) * window.height / count)
        }
        return Bitmap(width: window.width, height: window.height, pixels: bands.flatMap(\.pixels))
    }

    /// One window of the resized picture, filled where it hangs over.
    private func fitted(
        _ bitmap: Bitmap, _ plan: FittingPlan, _ window: PixelWindow, threads: Int = 1
    ) -> Bitmap {
        let left = max(window.left, 0)
        let top = max(window.top, 0)
        let inside = PixelWindow(
            left: left, top: top, width: min(window.left + window.width, plan.width) - left,
            height: min(window.top + window.height, plan.height) - top)
        let part = resized(bitmap, plan, inside, threads: threads)
        if inside == window { return part }

        var pixels: [UInt8] = []
        pixels.reserveCapacity(window.width * window.height * 3)
        for _ in 0..<window.width * window.height { pixels += configuration.fillColor }
        for y in 0..<inside.height {
            let start = 3 * ((top - window.top + y) * window.width + left - window.left)
            pixels.replaceSubrange(
                start..<start + 3 * inside.width,
                with: part.pixels[3 * y * inside.width..<3 * (y + 1) * inside.width])
        }
        return Bitmap(width: window.width, height: window.height, pixels: pixels)
    }
}

extension PreprocessingConfiguration {
    /// The pixel value of a sample of `channel` in the order in which transformers computes it: the product in 64 bits,
    /// the rest in 32. With the factor 1 / 255, torchvision's division by 255 gives the same bits.
    fileprivate func pixelValue(of sample: UInt8, channel: Int) -> Float {
        (Float(Double(sample) * rescaleFactor) - mean[channel]) / standardDeviation[channel]
    }
}

extension Interpolation {
    var filter: ResampleFilter {
        switch self {
        case .bicubic: .bicubic
        case .bilinear: .bilinear
        case .lanczos: .lanczos
        case .box: .box
        case .nearest: .nearest
        }
    }
}

extension PixelWindow {
    fileprivate var size: PixelSize { PixelSize(width: width, height: height) }
}

/// What resizing a picture and cutting windows out of it takes to fit it to an encoder.
package struct FittingPlan: Equatable {
    /// The most windows of `.multicrop`: a picture longer than that many squares is covered with gaps.
    package static let windowLimit = 16

    /// The resized picture.
    package let width: Int
    package let height: Int
    /// Squares of the encoder's size, or all of a picture that keeps its shape. They may hang over the resized picture: what
    /// lies outside is filled.
    package let windows: [PixelWindow]

    fileprivate var valueCount: Int { windows.reduce(0) { $0 + $1.size.valueCount } }

    /// - Parameter fit: nil is what the configuration says.
    package init(width: Int, height: Int, _ configuration: PreprocessingConfiguration, fit: PictureFit? = nil) {
        if fit == nil, let size = configuration.patches?.size(width: width, height: height) {
            (self.width, self.height) = (size.width, size.height)
            windows = [PixelWindow(left: 0, top: 0, width: size.width, height: size.height)]
            return
        }
        let crop = configuration.cropSize
        let own = configuration.fit
        let fit = fit ?? own
        // A configuration may resize larger than it crops. Another fit than its own is asked for to see everything.
        let edge = fit == own || fit == .crop ? configuration.resizeSize : crop
        func centred(_ length: Int) -> Int { configuration.cropRounding.offset(of: crop, in: length) }

        switch fit {
        case .crop, .multicrop:
            (self.width, self.height) = FittingPlan.size(width, height, shortestEdge: edge)
        case .squash: (self.width, self.height) = (edge, edge)
        case .pad: (self.width, self.height) = FittingPlan.size(width, height, longestEdge: edge)
        }
        let (left, top) = (centred(self.width), centred(self.height))
        guard fit == .multicrop else {
            windows = [PixelWindow(left: left, top: top, width: crop, height: crop)]
            return
        }
        let isWide = self.width >= self.height
        windows = FittingPlan.positions(of: crop, along: max(self.width, self.height), centred: centred).map {
            PixelWindow(left: isWide ? $0 : left, top: isWide ? top : $0, width: crop, height: crop)
        }
    }

    /// The plan for a bitmap, by the size that its picture has in the file.
    package init(of bitmap: Bitmap, _ configuration: PreprocessingConfiguration, fit: PictureFit? = nil) {
        self.init(width: bitmap.fullWidth, height: bitmap.fullHeight, configuration, fit: fit)
    }

    /// The long edge is truncated, as in transformers and torchvision.
    private static func size(_ width: Int, _ height: Int, shortestEdge: Int) -> (width: Int, height: Int) {
        let (short, long) = (min(width, height), max(width, height))
        let newLong = Int(Double(shortestEdge * long) / Double(short))
        return width <= height ? (shortestEdge, newLong) : (newLong, shortestEdge)
    }

    /// Both edges are rounded, halves to even, as open_clip does.
    private static func size(_ width: Int, _ height: Int, longestEdge: Int) -> (width: Int, height: Int) {
        let ratio = Double(max(width, height)) / Double(longestEdge)
        func scaled(_ length: Int) -> Int { max(1, Int((Double(length) / ratio).rounded(.toNearestOrEven))) }
        return (scaled(width), scaled(height))
    }

    /// The first pixels of as many windows as cover `length`, evenly spread, the first at its beginning and the last
    /// at its end.
    private static func positions(of crop: Int, along length: Int, centred: (Int) -> Int) -> [Int] {
        let count = min((length + crop - 1) / crop, windowLimit)
        guard count > 1 else { return [centred(length)] }
        let gaps = count - 1
        return (0..<count).map { (2 * $0 * (length - crop) + gaps) / (2 * gaps) }
    }
}

extension CropRounding {
    /// Where a centre crop of `crop` pixels begins in `length` pixels; negative where the picture is the smaller one.
    func offset(of crop: Int, in length: Int) -> Int {
        let surplus = length - crop
        switch self {
        // An arithmetic shift: a picture one pixel too small gets that pixel before it.
        case .floor: return surplus >> 1
        // torchvision pads first, the odd pixel after the picture.
        case .halfToEven where surplus < 0: return -(-surplus / 2)
        case .halfToEven: return Int((Double(surplus) / 2).rounded(.toNearestOrEven))
        }
    }
}
