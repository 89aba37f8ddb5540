internal import JSON

extension PreprocessingConfiguration {
    /// The configuration as a preprocessor_config.json that transformers reads too, with some more fields. Reading it
    /// again (`ResolvedPreprocessing.init(huggingFace:path:source:imageSize:)`) gives the same configuration.
    package var json: String {
        let size =
            switch fit {
            case .crop, .multicrop: "{\"shortest_edge\": \(resizeSize)}"
            case .squash: "{\"height\": \(resizeSize), \"width\": \(resizeSize)}"
            case .pad: "{\"longest_edge\": \(resizeSize)}"
            }
        let fields = [
            "\"image_processor_type\": \"CLIPImageProcessor\"", "\"do_convert_rgb\": true", "\"do_resize\": true",
            "\"size\": \(size)", "\"resample\": \(interpolation.filter.rawValue)", "\"do_center_crop\": true",
            "\"crop_size\": {\"height\": \(cropSize), \"width\": \(cropSize)}", "\"do_rescale\": true",
            "\"rescale_factor\": \(rescaleFactor)", "\"do_normalize\": true", "\"image_mean\": \(mean)",
            "\"image_std\": \(standardDeviation)", "\"fit\": \(jsonString(fit.rawValue))",
            "\"crop_rounding\": \(jsonString(cropRounding.rawValue))", "\"fill_color\": \(fillColour)",
        ]
        return "{" + fields.joined(separator: ", ") + "}"
    }
}
