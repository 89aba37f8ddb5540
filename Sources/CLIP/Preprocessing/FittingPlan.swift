package import CLIPPictures

/// What resizing a picture and cutting windows out of it takes to fit it to an encoder's square.
package struct FittingPlan: Equatable {
    /// The most windows of `.multicrop`: a picture longer than that many squares is covered with gaps.
    package static let windowLimit = 16

    /// The resized picture.
    package let width: Int
    package let height: Int
    /// Squares of the encoder's size. They may hang over the resized picture: what lies outside is filled.
    package let windows: [PixelWindow]

    /// - Parameter fit: nil is what the configuration says.
    package init(width: Int, height: Int, _ configuration: PreprocessingConfiguration, fit: PictureFit? = nil) {
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
