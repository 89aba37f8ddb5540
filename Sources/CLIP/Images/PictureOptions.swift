package import CLIPPictures

/// The choices that a picture file leaves open.
public struct PictureOptions: Sendable {
    package var decoding = DecodingOptions()

    /// Settings as the reference pipeline has them: alpha over white, upright, at most 200 million pixels.
    public init() {}

    /// Whether transparency is composited over white, as transformers 5.21 and later do, or dropped.
    public var compositesAlphaOverWhite: Bool {
        get { decoding.alpha == .white }
        set { decoding.alpha = newValue ? .white : .drop }
    }
    /// Whether pictures are turned upright by their EXIF orientation.
    public var appliesOrientation: Bool {
        get { decoding.appliesOrientation }
        set { decoding.appliesOrientation = newValue }
    }
    /// Whether 16-bit grey is clipped at 255 as Pillow does, rather than scaled.
    public var clipsGray16: Bool {
        get { decoding.gray16 == .clip }
        set { decoding.gray16 = newValue ? .clip : .high }
    }
    /// Whether what there is of a truncated picture is decoded.
    public var allowsTruncated: Bool {
        get { decoding.allowTruncated }
        set { decoding.allowTruncated = newValue }
    }
    /// The pixels that a JPEG's edges keep at least if it is scaled to a half, a quarter or an eighth while it is decoded;
    /// nil decodes every pixel.
    ///
    /// Large photos take a third of the time or less. Give `model.preprocessing.resizeSize`: embeddings then differ a
    /// little from the exact ones.
    public var leastEdge: Int? {
        get { decoding.leastEdge }
        set { decoding.leastEdge = newValue.map { max($0, 1) } }
    }
    /// How many threads may decode one large picture, 1 by default; the pixels are the same. JPEG is the format that is
    /// decoded in parts so far.
    public var threads: Int {
        get { decoding.threads }
        set { decoding.threads = max(newValue, 1) }
    }

    /// The same for a batch of `count` pictures: few leave threads for the parts of each.
    package func sharing(_ threads: Int, among count: Int) -> PictureOptions {
        var options = self
        options.threads = threads / max(count, 1)
        return options
    }

    /// The most pixels that a picture may have.
    public var maximumPixels: Int {
        get { decoding.maximumPixels }
        set { decoding.maximumPixels = newValue }
    }
}
