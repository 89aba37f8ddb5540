/// Preprocessing as a model's files state it, and where each setting came from.
package struct ResolvedPreprocessing: Sendable, Equatable {
    package var configuration: PreprocessingConfiguration
    package var settings: [ModelSetting]
}

extension ResolvedPreprocessing {
    /// The sides, means and deviations that a configuration may have: a damaged file must not ask for more memory than
    /// there is, nor for a division by zero.
    static let sides = 1...8192
    static let means = -1e6...1e6
    static let deviations = 1e-6...1e6

    static let absentNormalisation = "absent, and models differ in it: compare with the model's origin"

    /// - Parameter imageSize: the side of the square that the model takes, if known.
    static func checkCrop(_ size: Int, path: String, imageSize: Int?) throws(CLIPError) {
        guard let imageSize, imageSize != size else { return }
        throw CLIPError(
            .model, path: path,
            "pictures are cropped to \(size) × \(size) pixels, expected the model's image_size \(imageSize): "
                + "the file belongs to another model")
    }
}
