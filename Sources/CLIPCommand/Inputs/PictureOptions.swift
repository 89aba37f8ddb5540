import CLIP

/// How pictures are read and fitted, as the options say.
struct PictureOptions {
    let reading: ImageOptions
    /// nil: as the model was trained.
    let fit: ImageFit?
    let batchSize: Int

    init(_ arguments: Arguments, for model: CLIPModel) {
        var reading = ImageOptions()
        reading.compositesAlphaOverWhite = arguments.text(.alpha) != "drop"
        reading.appliesOrientation = arguments.flag(.orient, default: true)
        reading.clipsGray16 = arguments.text(.gray16) == "clip"
        reading.allowsTruncated = arguments.flag(.allowTruncated)
        if arguments.has(.fastDecode) { reading.leastEdge = model.preprocessing.resizeSize }
        if let limit = arguments.integer(.maximumPixels) { reading.maximumPixels = limit }
        // What decodes several at once shares them out.
        reading.threads = model.threads
        self.reading = reading
        fit = arguments.choice(.fit)
        batchSize = arguments.integer(.batchSize) ?? 32
    }
}
