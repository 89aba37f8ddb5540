import CLIPJSON
import Testing

@testable import CLIP

@Suite struct PreprocessingConfigurationTests {
    private func read(_ text: String?, imageSize: Int? = nil) throws -> ResolvedPreprocessing {
        try ResolvedPreprocessing(
            huggingFace: text.map { Array($0.utf8) }, path: "m/preprocessor_config.json",
            vision: imageSize.map {
                VisionConfiguration(
                    transformer: TransformerConfiguration(
                        width: 64, intermediateWidth: 64, layerCount: 1, headCount: 1), imageSize: $0)
            })
    }

    private func openCLIP(_ text: String, imageSize: Int = 224) throws -> ResolvedPreprocessing {
        try ResolvedPreprocessing(
            openCLIP: try #require(JSONValue(parsing: Array(text.utf8)).object), path: "m/open_clip_config.json",
            imageSize: imageSize)
    }

    @Test func `Absent fields take CLIPImageProcessor's defaults, and say so`() throws {
        let empty = try read("{}")
        #expect(empty.configuration == PreprocessingConfiguration(cropSize: 224))
        #expect(empty.settings.allSatisfy { $0.source == "default" })
        let interpolation = try #require(empty.settings.first { $0.name == "picture interpolation" })
        #expect(interpolation.value == "bicubic")
        #expect(interpolation.warning != nil)
        #expect(try read(nil).settings.first?.warning?.contains("preprocessor_config.json") == true)
        #expect(try read(nil, imageSize: 336).configuration.cropSize == 336)
    }

    @Test func `Every field is read and its source kept`() throws {
        let resolved = try read(
            """
            {"do_resize": true, "size": {"shortest_edge": 56}, "resample": 2, "do_center_crop": true,
             "crop_size": {"height": 48, "width": 48}, "do_rescale": true, "rescale_factor": 0.5,
             "do_normalize": true, "image_mean": [0.1, 0.2, 0.3], "image_std": [1, 2, 3],
             "image_processor_type": "CLIPImageProcessor"}
            """)
        var expected = PreprocessingConfiguration(cropSize: 48)
        expected.resizeSize = 56
        expected.interpolation = .bilinear
        expected.rescaleFactor = 0.5
        expected.mean = [0.1, 0.2, 0.3]
        expected.standardDeviation = [1, 2, 3]
        #expect(resolved.configuration == expected)
        let fromFile = resolved.settings.filter { $0.source == "preprocessor_config.json" }.map(\.name)
        #expect(
            fromFile == [
                "picture processor", "picture fit", "picture size", "picture crop size", "picture interpolation",
                "picture rescale factor", "picture mean", "picture std",
            ])
        #expect(resolved.settings.allSatisfy { $0.warning == nil })
    }

    @Test(arguments: [
        #"{"size": 56, "crop_size": 56, "feature_extractor_type": "CLIPFeatureExtractor", "resample": 3}"#,
        #"{"size": {"shortest_edge": 56}, "crop_size": [56, 56], "resample": 3}"#,
        #"{"image_processor": {"size": {"shortest_edge": 56}, "crop_size": {"height": 56, "width": 56}}}"#,
        #"{"size": {"shortest_edge": 56, "longest_edge": null}, "crop_size": 56, "do_convert_rgb": null}"#,
    ])
    func `Old and new spellings mean the same`(text: String) throws {
        #expect(try read(text).configuration == PreprocessingConfiguration(cropSize: 56))
    }

    @Test func `Height and width squash; switches that are off turn their step off`() throws {
        let squash = try read(#"{"size": {"height": 32, "width": 32}, "do_center_crop": false}"#).configuration
        #expect(squash.fit == .squash && squash.resizeSize == 32 && squash.cropSize == 32)
        let sigLIP = try read(#"{"image_processor_type": "SiglipImageProcessor", "size": 64}"#).configuration
        #expect(sigLIP.fit == .squash && sigLIP.cropSize == 64 && sigLIP.mean == [0.5, 0.5, 0.5])
        let raw = try read(#"{"do_rescale": false, "do_normalize": false}"#).configuration
        #expect(raw.rescaleFactor == 1 && raw.mean == [0, 0, 0] && raw.standardDeviation == [1, 1, 1])
        let uncropped = try read(#"{"do_center_crop": false, "size": {"shortest_edge": 90}}"#)
        #expect(uncropped.configuration.cropSize == 90)
        #expect(uncropped.settings.contains { $0.warning?.contains("do_center_crop") == true })
    }

    @Test(arguments: [
        (#"{"size": "big"}"#, "size is \"big\""), (#"{"size": {"height": 32, "width": 64}}"#, "size is an object"),
        (#"{"size": {"longest_edge": 64}}"#, "size is"), (#"{"size": -3}"#, "size is -3"),
        (#"{"size": {"shortest_edge": 9, "longest_edge": 64}}"#, "size is"), (#"{"size": [32]}"#, "size is"),
        (#"{"size": 1e9, "crop_size": 224}"#, "size is 1000000000"), (#"{"crop_size": 0}"#, "crop_size is 0"),
        (#"{"crop_size": 1.5}"#, "crop_size is 1.5"), (#"{"resample": 5}"#, "resample is 5"),
        (#"{"resample": "cubic"}"#, "resample is"), (#"{"image_mean": [0.5, 0.5]}"#, "image_mean is a list"),
        (#"{"image_std": [1, 1, 0]}"#, "image_std is a list"), (#"{"rescale_factor": "x"}"#, "rescale_factor is"),
        (#"{"rescale_factor": 0}"#, "rescale_factor is 0"), (#"{"do_resize": false}"#, "do_resize is false"),
        (#"{"do_normalize": 1}"#, "do_normalize is 1"), (#"{"fit": "stretch"}"#, "fit is \"stretch\""),
        (#"{"fill_color": [1, 2, 256]}"#, "fill_color is"), ("[]", "a list"), ("{", "damaged"),
        (#"{"image_processor_type": 3}"#, "image_processor_type is 3"),
    ])
    func `Nonsense is refused with the field's name`(text: String, part: String) {
        let error = #expect(throws: CLIPError.self) { try read(text) }
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        #expect(error?.path == "m/preprocessor_config.json")
        #expect(error?.message.utf8.contains(UInt8(ascii: "\n")) == false)
    }

    @Test func `A crop that the model can't take is refused`() {
        #expect(throws: CLIPError.self) { try read(#"{"crop_size": 224}"#, imageSize: 336) }
        #expect(throws: CLIPError.self) { try openCLIP(#"{"size": 224}"#, imageSize: 336) }
    }

    @Test func `open_clip's settings follow open_clip's rules`() throws {
        let plain = try openCLIP("{}", imageSize: 240).configuration
        var expected = PreprocessingConfiguration(cropSize: 240)
        expected.cropRounding = .halfToEven
        #expect(plain == expected)
        let other = try openCLIP(
            """
            {"size": [224, 224], "mode": "RGB", "mean": [0.5, 0.5, 0.5], "std": 0.5, "interpolation": "bilinear",
             "resize_mode": "longest", "fill_color": 127}
            """)
        #expect(other.configuration.fit == .pad)
        #expect(other.configuration.interpolation == .bilinear)
        #expect(other.configuration.standardDeviation == [0.5, 0.5, 0.5])
        #expect(other.configuration.fillColor == [127, 127, 127])
        #expect(try openCLIP(#"{"resize_mode": "squash"}"#).configuration.fit == .squash)
        for text in [#"{"resize_mode": "fit"}"#, #"{"interpolation": "area"}"#, #"{"size": [224, 336]}"#] {
            #expect(throws: CLIPError.self) { try openCLIP(text) }
        }
    }

    @Test func `Damaged files are read or refused, never more`() throws {
        let whole = Array(PreprocessingConfiguration().json.utf8)
        var state: UInt64 = 0x9E37_79B9
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var read = 0
        for _ in 0..<4000 {
            var bytes = whole
            for _ in 0...random(3) {
                let place = random(bytes.count)
                switch random(3) {
                case 0: bytes[place] = UInt8(random(256))
                case 1: bytes[place] = UInt8(ascii: "0") + UInt8(random(10))
                default: bytes.remove(at: place)
                }
            }
            guard let resolved = try? ResolvedPreprocessing(huggingFace: bytes, path: "x") else { continue }
            read += 1
            let configuration = resolved.configuration
            #expect((1...8192).contains(configuration.cropSize) && (1...8192).contains(configuration.resizeSize))
        }
        #expect((200..<3800).contains(read))
    }

    @Test(arguments: PictureFit.allCases) func `What is written reads back the same`(fit: PictureFit) throws {
        var configuration = PreprocessingConfiguration(cropSize: 224)
        configuration.fit = fit
        configuration.resizeSize = 256
        configuration.interpolation = .lanczos
        configuration.rescaleFactor = 1 / 127.5
        configuration.mean = [0.1, 1.0e-7, -3]
        configuration.cropRounding = .halfToEven
        configuration.fillColor = [1, 0, 255]
        #expect(try read(configuration.json).configuration == configuration)
        let plain = PreprocessingConfiguration()
        #expect(try read(plain.json).configuration == plain)
    }
}
