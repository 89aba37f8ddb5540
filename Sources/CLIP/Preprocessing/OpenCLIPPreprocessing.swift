package import CLIPJSON

extension ResolvedPreprocessing {
    /// Reads the `preprocess_cfg` of an open_clip_config.json, which is carried out as torchvision does.
    /// - Parameters:
    ///   - fields: the object's; empty when the file has none, then everything is a default.
    ///   - path: the file, for errors.
    ///   - source: what settings say they come from.
    ///   - imageSize: the side of the square that the model takes (`vision_cfg.image_size`).
    /// - Throws: `CLIPError` when a field makes no sense, or the size is not what the model takes.
    package init(
        openCLIP fields: [String: JSONValue], path: String, source: String = "open_clip_config.json preprocess_cfg",
        imageSize: Int
    ) throws(CLIPError) {
        var section = ConfigSection(path: path, source: source, subject: "picture", fields: fields)
        var configuration = PreprocessingConfiguration(cropSize: imageSize)
        configuration.cropRounding = .halfToEven

        switch try section.text("resize_mode") {
        case nil, "shortest": configuration.fit = .crop
        case "squash": configuration.fit = .squash
        case "longest": configuration.fit = .pad
        case let mode?:
            throw section.fault("resize_mode", .string(mode), expected: "\"shortest\", \"longest\" or \"squash\"")
        }
        section.record("fit", configuration.fit.rawValue, key: "resize_mode")
        let size = try section.side("size", named: "size", default: imageSize, in: ResolvedPreprocessing.sides)
        configuration.resizeSize = size
        configuration.cropSize = size
        switch try section.text("interpolation") {
        // "random" is for training: open_clip evaluates with bicubic.
        case nil, "bicubic", "random": configuration.interpolation = .bicubic
        case "bilinear": configuration.interpolation = .bilinear
        case let name?: throw section.fault("interpolation", .string(name), expected: "\"bicubic\" or \"bilinear\"")
        }
        section.record("interpolation", configuration.interpolation.rawValue, key: "interpolation")
        configuration.mean = try section.channels(
            "mean", default: configuration.mean, in: ResolvedPreprocessing.means)
        configuration.standardDeviation = try section.channels(
            "std", default: configuration.standardDeviation, in: ResolvedPreprocessing.deviations)
        let risk = ResolvedPreprocessing.absentNormalisation
        section.record("mean", "\(configuration.mean)", key: "mean", risk: risk)
        section.record("std", "\(configuration.standardDeviation)", key: "std", risk: risk)
        section.record("crop rounding", configuration.cropRounding.rawValue, source: "open_clip's convention")
        configuration.fillColor = try section.colour("fill_color", default: configuration.fillColor)
        section.record("fill colour", "\(configuration.fillColor)", key: "fill_color")
        try ResolvedPreprocessing.checkCrop(size, path: path, imageSize: imageSize)
        self.init(configuration: configuration, settings: section.settings)
    }
}
