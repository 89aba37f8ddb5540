public import CLIP

/// How the pictures of an index are read and fitted: it decides their embeddings as the model does.
public struct PictureSettings: Sendable, Equatable {
    /// How a picture that is not square becomes square; nil is the model's own preprocessing.
    public var fit: PictureFit?
    /// How picture files are decoded. The most pixels are no part of an index: they decide what fails, not what results.
    public var reading: PictureOptions

    /// Settings as the model was trained with.
    public init(fit: PictureFit? = nil, reading: PictureOptions = PictureOptions()) {
        self.fit = fit
        self.reading = reading
    }

    /// Whether both give the same embeddings.
    public static func == (a: PictureSettings, b: PictureSettings) -> Bool { a.bits == b.bits }

    /// FORMAT.md, "Header": the fit in the low byte, the other choices from bit 8 on.
    var bits: UInt32 {
        let fit = fit.flatMap { PictureSettings.fits.firstIndex(of: $0) }.map { UInt32($0) + 1 } ?? 0
        let flags = [
            !reading.compositesAlphaOverWhite, !reading.appliesOrientation, reading.clipsGray16,
            reading.allowsTruncated, reading.leastEdge != nil,
        ]
        return flags.enumerated().reduce(fit) { $0 | ($1.element ? 256 << UInt32($1.offset) : 0) }
    }

    init?(bits: UInt32) {
        let number = Int(bits & 255)
        guard number <= PictureSettings.fits.count, bits >> 13 == 0 else { return nil }
        fit = number == 0 ? nil : PictureSettings.fits[number - 1]
        reading = PictureOptions()
        reading.compositesAlphaOverWhite = bits & 256 == 0
        reading.appliesOrientation = bits & 512 == 0
        reading.clipsGray16 = bits & 1024 != 0
        reading.allowsTruncated = bits & 2048 != 0
        // The edge itself is the model's. Whoever decodes with these settings gets the exact picture.
        reading.leastEdge = bits & 4096 != 0 ? .max : nil
    }

    /// In words, for messages: `fit pad, orientation ignored`.
    package var summary: String {
        var words: [String] = []
        if let fit { words.append("fit \(fit.rawValue)") }
        if !reading.compositesAlphaOverWhite { words.append("alpha dropped") }
        if !reading.appliesOrientation { words.append("orientation ignored") }
        if reading.clipsGray16 { words.append("16-bit gray clipped") }
        if reading.allowsTruncated { words.append("truncated pictures allowed") }
        if reading.leastEdge != nil { words.append("decoded fast") }
        return words.isEmpty ? "the model's own" : words.joined(separator: ", ")
    }

    /// In the order of their numbers, from 1.
    private static let fits: [PictureFit] = [.crop, .squash, .pad, .multicrop]
}
