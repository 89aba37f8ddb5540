internal import CLIPJSON

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
            "\"crop_rounding\": \(jsonString(cropRounding.rawValue))", "\"fill_color\": \(fillColor)",
        ]
        return "{" + fields.joined(separator: ", ") + "}"
    }

    /// Why transformers' CLIPImageProcessor can't prepare pictures so; nil if it can.
    package var obstacleToTransformers: String? {
        let isCentred = cropRounding == .floor || fit == .squash && offset(.floor) == offset(cropRounding)
        if fit != .crop && fit != .squash { return "fit \(fit.rawValue)" }
        if !isCentred {
            return
                "it begins every crop at the lower whole pixel, this model rounds halves to even, as open_clip and OpenAI do"
        }
        if resizeSize < cropSize, fillColor != [0, 0, 0] {
            return "it fills with black, this model with \(fillColor)"
        }
        return nil
    }

    private func offset(_ rounding: CropRounding) -> Int { rounding.offset(of: cropSize, in: resizeSize) }
}
