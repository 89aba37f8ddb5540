internal import CLIPJSON
internal import CLIPWeights

/// What a Hugging Face folder says of preprocessing, from the file that transformers reads.
struct PreprocessorFile {
    private(set) var preprocessing: ResolvedPreprocessing
    /// The file as read, by its name.
    let files: [String: [UInt8]]

    /// transformers 5 keeps an image processor inside processor_config.json, and prefers it to the older
    /// preprocessor_config.json.
    /// - Parameter imageSize: the side of the square that the model takes.
    /// - Throws: `CLIPError` when the file is not JSON, or asks for what the model can't take.
    init(in folder: ModelFolder, imageSize: Int) throws(CLIPError) {
        let (newName, oldName) = ("processor_config.json", "preprocessor_config.json")
        func resolved(_ name: String, _ json: [UInt8]?) throws(CLIPError) -> ResolvedPreprocessing {
            try ResolvedPreprocessing(
                huggingFace: json, path: folder.path(of: name), source: name, imageSize: imageSize)
        }
        let old = try folder.text(oldName)
        let new = try folder.text(newName).flatMap { json throws(CLIPError) in
            try jsonObject(json, path: folder.path(of: newName))["image_processor"]?.object == nil ? nil : json
        }
        guard let new else {
            preprocessing = try resolved(oldName, old)
            files = [oldName: old ?? []]
            return
        }
        preprocessing = try resolved(newName, new)
        files = [newName: new]
        guard old != nil else { return }
        // The other file may be damaged, or of another model: nothing of it counts.
        let differences = (try? resolved(oldName, old)).map {
            $0.configuration.differences(to: preprocessing.configuration)
        }
        preprocessing.settings.insert(
            ModelSetting(
                name: ModelSetting.pictures, value: newName, source: "as transformers 5",
                warning: differences == []
                    ? nil
                    : "\(oldName) beside it says otherwise\(PreprocessorFile.list(differences)) and is not read"), at: 0
        )
    }

    static func list(_ differences: [String]?) -> String {
        guard let differences, !differences.isEmpty else { return "" }
        return " (\(differences.joined(separator: ", ")))"
    }
}

extension ModelSetting {
    /// What the choice between two files is called that say how a model is made, or how pictures are prepared.
    static let configuration = "configuration"
    static let pictures = "picture settings"
}

extension PreprocessingConfiguration {
    /// What is set otherwise here than in `other`, this one's value first.
    func differences(to other: PreprocessingConfiguration) -> [String] {
        func difference<Value: Equatable>(_ name: String, _ value: Value, _ other: Value) -> String? {
            value == other ? nil : "\(name) \(value), not \(other)"
        }
        return [
            difference("fit", fit.rawValue, other.fit.rawValue), difference("size", resizeSize, other.resizeSize),
            difference("crop", cropSize, other.cropSize),
            difference("interpolation", interpolation.rawValue, other.interpolation.rawValue),
            difference("rescale factor", rescaleFactor, other.rescaleFactor), difference("mean", mean, other.mean),
            difference("std", standardDeviation, other.standardDeviation),
            difference("crop rounding", cropRounding.rawValue, other.cropRounding.rawValue),
        ].compactMap(\.self)
    }
}
