import CLIP

/// What the options say of how pictures are read and fitted, whatever the model.
struct PictureChoice {
    private var reading = PictureOptions()
    private let fit: PictureFit?
    private let decodesFast: Bool
    private let batchSize: Int?

    init(_ arguments: Arguments) {
        reading.compositesAlphaOverWhite = arguments.text(.alpha) != "drop"
        reading.appliesOrientation = arguments.flag(.orient, default: true)
        reading.clipsGray16 = arguments.text(.gray16) == "clip"
        reading.allowsTruncated = arguments.flag(.allowTruncated)
        if let limit = arguments.integer(.maximumPixels) { reading.maximumPixels = limit }
        decodesFast = arguments.flag(.fastDecode)
        fit = arguments.choice(.fit)
        batchSize = arguments.integer(.batchSize)
    }

    /// The same for a model.
    func options(for model: CLIPModel) -> PictureOptionList {
        var reading = reading
        if decodesFast { reading.leastEdge = model.preprocessing.resizeSize }
        // What decodes several at once shares them out.
        reading.threads = model.threads
        return PictureOptionList(
            reading: reading, fit: fit, batchSize: batchSize ?? PictureChoice.batchSize(for: model))
    }

    /// As many pictures as take about a second, so that somebody who waits sees it go on; 32 at most, which is where more
    /// at once are no faster.
    private static func batchSize(for model: CLIPModel) -> Int {
        let operationsPerSecond = 1e11 * Double(model.threads)
        return Int(max(2, min(32, operationsPerSecond / max(1, model.operationsPerImage))))
    }
}

/// How pictures are read and fitted.
struct PictureOptionList {
    let reading: PictureOptions
    /// nil: as the model was trained.
    let fit: PictureFit?
    let batchSize: Int
}
