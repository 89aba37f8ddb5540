package import CLIPJSON
internal import CLIPWeights

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

extension ResolvedPreprocessing {
    /// Reads a preprocessor_config.json, or a processor_config.json that holds one as `image_processor`. What a `.clip`
    /// file carries is the same with some more fields (`PreprocessingConfiguration.json`).
    ///
    /// Old spellings count: sizes as plain numbers, `feature_extractor_type`, flags that are not there.
    /// - Parameters:
    ///   - json: the file's bytes; nil when there is none, then everything is a default.
    ///   - path: the file, for errors.
    ///   - source: what settings say they come from.
    ///   - vision: the encoder, if known: its size is what absent sizes are.
    /// - Throws: `CLIPError` when it is not JSON, a field makes no sense, or pictures become what the model doesn't take.
    package init(
        huggingFace json: [UInt8]?, path: String, source: String = "preprocessor_config.json",
        vision: VisionConfiguration? = nil
    ) throws(CLIPError) {
        let root = if let json { try jsonObject(json, path: path) } else { [String: JSONValue]() }
        let fields = root["image_processor"]?.object ?? root
        try self.init(
            huggingFace: fields, path: path, source: source, vision: vision, isAbsent: json == nil)
    }

    /// Reads the fields of a preprocessor_config.json.
    init(
        huggingFace fields: [String: JSONValue], path: String, source: String, vision: VisionConfiguration?,
        isAbsent: Bool = false
    ) throws(CLIPError) {
        // jina-clip's has open_clip's words, and torchvision's steps.
        if fields["image_processor_type"]?.string == "JinaCLIPImageProcessor" {
            try self.init(openCLIP: fields, path: path, source: source, imageSize: vision?.imageSize ?? 224)
            return
        }
        var section = ConfigSection(path: path, source: source, subject: "picture", fields: fields)
        if isAbsent {
            section.record(
                "preprocessing", vision?.hasPictureGrids == true ? "SigLIP 2's" : "OpenAI's", isDefault: true,
                warning: "there is no \(source): embeddings are wrong if the model was trained otherwise")
        }
        var configuration = PreprocessingConfiguration(cropSize: vision?.imageSize ?? 224)
        if let vision, vision.hasPictureGrids {
            try ResolvedPreprocessing.readPatches(&section, &configuration, side: vision.patchSize)
        } else {
            let isSquashing = try ResolvedPreprocessing.readProcessor(&section, &configuration)
            try ResolvedPreprocessing.readSizes(&section, &configuration, isSquashing: isSquashing)
            try ResolvedPreprocessing.checkCrop(configuration.cropSize, path: path, imageSize: vision?.imageSize)
        }
        try ResolvedPreprocessing.readInterpolation(&section, &configuration)
        try ResolvedPreprocessing.readNormalisation(&section, &configuration)
        configuration.cropRounding = try section.choice("crop_rounding", default: .floor)
        configuration.fillColor = try section.colour("fill_color", default: [0, 0, 0])
        section.record("crop rounding", configuration.cropRounding.rawValue, key: "crop_rounding")
        section.record("fill colour", "\(configuration.fillColor)", key: "fill_color")
        self.init(configuration: configuration, settings: section.settings)
    }

    /// Pictures that keep their shape, as transformers' Siglip2ImageProcessor prepares them.
    /// - Parameter side: that of the encoder's patches.
    private static func readPatches(
        _ section: inout ConfigSection, _ configuration: inout PreprocessingConfiguration, side: Int
    ) throws(CLIPError) {
        let type = try section.text("image_processor_type") ?? "Siglip2ImageProcessor"
        guard type.hasPrefix("Siglip2") else {
            throw section.fault(
                "image_processor_type", .string(type),
                expected: "\"Siglip2ImageProcessor\", whose pictures keep their shape")
        }
        guard try section.flag("do_resize", default: true) else {
            throw section.fault("do_resize", .bool(false), expected: "true, else pictures don't fit the model")
        }
        let stated = try section.side("patch_size", named: "patch size", default: side, in: sides)
        guard stated == side else {
            throw section.fault("patch_size", .number(Double(stated)), expected: "the model's patch_size \(side)")
        }
        let count = try section.int("max_num_patches", named: "most patches", default: 256, in: 1...1 << 16)
        let budget = PatchBudget(side: side, count: count)
        configuration.patches = budget
        (configuration.resizeSize, configuration.cropSize) = (budget.squareSide, budget.squareSide)
        configuration.interpolation = .bilinear
        configuration.mean = [0.5, 0.5, 0.5]
        configuration.standardDeviation = [0.5, 0.5, 0.5]
    }

    /// - Returns: whether sizes that are plain numbers, or absent, mean both edges.
    private static func readProcessor(
        _ section: inout ConfigSection, _ configuration: inout PreprocessingConfiguration
    ) throws(CLIPError) -> Bool {
        let key = section.present("image_processor_type") == nil ? "feature_extractor_type" : "image_processor_type"
        guard let type = try section.text(key) else {
            section.record("processor", "CLIPImageProcessor", isDefault: true)
            return false
        }
        let isSigLIP = type.hasPrefix("Siglip")
        let isKnown = isSigLIP || type.hasPrefix("CLIP")
        section.record(
            "processor", type,
            warning: isKnown ? nil : "it is not CLIP's: fields that are absent take CLIP's defaults, not its own")
        if isSigLIP {
            configuration.mean = [0.5, 0.5, 0.5]
            configuration.standardDeviation = [0.5, 0.5, 0.5]
        }
        return isSigLIP
    }

    private static func readSizes(
        _ section: inout ConfigSection, _ configuration: inout PreprocessingConfiguration, isSquashing: Bool
    ) throws(CLIPError) {
        guard try section.flag("do_resize", default: true) else {
            throw section.fault("do_resize", .bool(false), expected: "true, else pictures don't fit the model")
        }
        let side = configuration.cropSize
        let resize = try resizeTarget(section, default: side, isSquashing: isSquashing)
        let crops = try section.flag("do_center_crop", default: !resize.isSquashing)
        configuration.resizeSize = resize.size
        configuration.cropSize = crops ? try cropSide(section, default: side) : resize.size
        configuration.fit = try section.choice("fit", default: resize.isSquashing ? .squash : .crop)

        section.record("fit", configuration.fit.rawValue, key: section.present("fit") == nil ? "size" : "fit")
        section.record(
            "size", "\(resize.size)", key: "size",
            risk: side == 224 ? nil : "absent: the model's image_size is taken, transformers would take 224")
        let crop = "\(configuration.cropSize)"
        if crops {
            section.record("crop size", crop, key: "crop_size")
        } else {
            let isLossy = configuration.fit == .crop
            section.record(
                "crop size", crop,
                warning: isLossy ? "do_center_crop is false, but only the middle of a wide picture fits" : nil)
        }
    }

    /// What `size` says: a number, a pair, or an object with `shortest_edge` or `height` and `width`.
    private static func resizeTarget(
        _ section: ConfigSection, default fallback: Int, isSquashing: Bool
    ) throws(CLIPError) -> (size: Int, isSquashing: Bool) {
        guard let size = section.present("size") else { return (fallback, isSquashing) }
        let named = ["shortest_edge", "longest_edge"].filter { !(size[$0]?.isNull ?? true) }
        var target = (size: size.int, isSquashing: isSquashing)
        // Only our own files mean a picture that is filled up: transformers shrinks by the longest edge and stops.
        let pads = section.present("fit")?.string == PictureFit.pad.rawValue
        if named == [pads ? "longest_edge" : "shortest_edge"] {
            target = (size[named[0]]?.int, false)
        } else if target.size == nil, named.isEmpty {
            target = (squareSide(size), true)
        }
        guard let edge = target.size, sides.contains(edge) else {
            throw section.fault(
                "size", size, expected: "a shortest_edge, or an equal height and width, from 1 to \(sides.upperBound)")
        }
        return (edge, target.isSquashing)
    }

    private static func cropSide(_ section: ConfigSection, default fallback: Int) throws(CLIPError) -> Int {
        guard let size = section.present("crop_size") else { return fallback }
        guard let side = size.int ?? squareSide(size), sides.contains(side) else {
            throw section.fault(
                "crop_size", size, expected: "a number, or an equal height and width, from 1 to \(sides.upperBound)")
        }
        return side
    }

    private static func squareSide(_ size: JSONValue) -> Int? {
        let (height, width) =
            if let pair = size.array { (pair.first, pair.count == 2 ? pair[1] : nil) } else {
                (size["height"], size["width"])
            }
        return height == width ? height?.int : nil
    }

    private static func readInterpolation(
        _ section: inout ConfigSection, _ configuration: inout PreprocessingConfiguration
    ) throws(CLIPError) {
        if let value = section.present("resample") {
            guard let match = Interpolation.allCases.first(where: { $0.filter.rawValue == value.int }) else {
                throw section.fault(
                    "resample", value, expected: "0 (nearest), 1 (lanczos), 2 (bilinear), 3 (bicubic) or 4 (box)")
            }
            configuration.interpolation = match
        }
        section.record(
            "interpolation", configuration.interpolation.rawValue, key: "resample",
            risk: "resample is absent: another filter shifts every embedding")
    }

    private static func readNormalisation(
        _ section: inout ConfigSection, _ configuration: inout PreprocessingConfiguration
    ) throws(CLIPError) {
        if try section.flag("do_rescale", default: true) {
            let factor = section.present("rescale_factor") ?? .number(configuration.rescaleFactor)
            guard let number = factor.double, (1e-9...1e9).contains(number) else {
                throw section.fault("rescale_factor", factor, expected: "a number above 0, commonly 1 / 255")
            }
            configuration.rescaleFactor = number
            section.record("rescale factor", "\(number)", key: "rescale_factor")
        } else {
            configuration.rescaleFactor = 1
            section.record("rescale factor", "1")
        }
        if try section.flag("do_normalize", default: true) {
            configuration.mean = try section.channels("image_mean", default: configuration.mean, in: means)
            configuration.standardDeviation = try section.channels(
                "image_std", default: configuration.standardDeviation, in: deviations)
            section.record("mean", "\(configuration.mean)", key: "image_mean", risk: absentNormalisation)
            section.record("std", "\(configuration.standardDeviation)", key: "image_std", risk: absentNormalisation)
        } else {
            configuration.mean = [0, 0, 0]
            configuration.standardDeviation = [1, 1, 1]
            section.record("mean", "none")
            section.record("std", "none")
        }
    }
}

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

extension PreprocessingConfiguration {
    /// The configuration as a preprocessor_config.json that transformers reads too, with some more fields. Reading it
    /// again (`ResolvedPreprocessing.init(huggingFace:path:source:vision:)`) gives the same configuration.
    package var json: String {
        let size =
            switch fit {
            case .crop, .multicrop: "{\"shortest_edge\": \(resizeSize)}"
            case .squash: "{\"height\": \(resizeSize), \"width\": \(resizeSize)}"
            case .pad: "{\"longest_edge\": \(resizeSize)}"
            }
        let common = [
            "\"do_rescale\": true", "\"rescale_factor\": \(rescaleFactor)", "\"do_normalize\": true",
            "\"image_mean\": \(mean)", "\"image_std\": \(standardDeviation)",
        ]
        let own = [
            "\"crop_rounding\": \(jsonString(cropRounding.rawValue))", "\"fill_color\": \(fillColor)",
        ]
        if let patches {
            let fields = [
                "\"image_processor_type\": \"Siglip2ImageProcessor\"", "\"do_convert_rgb\": true",
                "\"do_resize\": true", "\"patch_size\": \(patches.side)", "\"max_num_patches\": \(patches.count)",
                "\"resample\": \(interpolation.filter.rawValue)",
            ]
            return "{" + (fields + common + own).joined(separator: ", ") + "}"
        }
        let fields = [
            "\"image_processor_type\": \"CLIPImageProcessor\"", "\"do_convert_rgb\": true", "\"do_resize\": true",
            "\"size\": \(size)", "\"resample\": \(interpolation.filter.rawValue)", "\"do_center_crop\": true",
            "\"crop_size\": {\"height\": \(cropSize), \"width\": \(cropSize)}",
        ]
        let fit = "\"fit\": \(jsonString(fit.rawValue))"
        return "{" + (fields + common + [fit] + own).joined(separator: ", ") + "}"
    }

    /// Why transformers' CLIPImageProcessor, or SigLIP 2's, can't prepare pictures so; nil if it can.
    package var obstacleToTransformers: String? {
        if patches != nil { return nil }
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

/// What a Hugging Face folder says of preprocessing, from the file that transformers reads.
struct PreprocessorFile {
    private(set) var preprocessing: ResolvedPreprocessing
    /// The file as read, by its name.
    let files: [String: [UInt8]]

    /// transformers 5 keeps an image processor inside processor_config.json, and prefers it to the older
    /// preprocessor_config.json.
    /// - Throws: `CLIPError` when the file is not JSON, or asks for what the model can't take.
    init(in folder: ModelFolder, _ vision: VisionConfiguration) throws(CLIPError) {
        let (newName, oldName) = ("processor_config.json", "preprocessor_config.json")
        func resolved(_ name: String, _ json: [UInt8]?) throws(CLIPError) -> ResolvedPreprocessing {
            try ResolvedPreprocessing(
                huggingFace: json, path: folder.path(of: name), source: name, vision: vision)
        }
        let old = try folder.readText(oldName)
        let new = try folder.readText(newName).flatMap { json throws(CLIPError) in
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
            difference("fit", fit.rawValue, other.fit.rawValue),
            difference("most patches", patches?.count ?? 0, other.patches?.count ?? 0),
            difference("size", resizeSize, other.resizeSize),
            difference("crop", cropSize, other.cropSize),
            difference("interpolation", interpolation.rawValue, other.interpolation.rawValue),
            difference("rescale factor", rescaleFactor, other.rescaleFactor), difference("mean", mean, other.mean),
            difference("std", standardDeviation, other.standardDeviation),
            difference("crop rounding", cropRounding.rawValue, other.cropRounding.rawValue),
        ].compactMap(\.self)
    }
}
