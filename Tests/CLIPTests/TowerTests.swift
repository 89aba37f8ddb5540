import CLIPSystem
import CLIPJSON
import CLIPTestSupport
import CLIPWeights
import Foundation
import Testing

@testable import CLIP
@testable import CLIPCompute

/// Tiny towers of other architectures than CLIP's, beside what timm and transformers make of them.
@Suite struct TowerTests {
    static let names = [
        "altclip", "bert", "chinese-clip", "coca", "coca-text", "convnext", "distilbert", "efficientnet-lite", "eva02",
        "eva02-enormous", "fastvit", "fastvit-five-stages", "fastvit-folded", "jina-clip-images", "jina-clip-v1",
        "jina-clip-v2", "m-clip", "metaclip-2", "mobileclip-b",
        "mt5", "naflex", "nllb", "perception", "perception-without-class", "resnet", "vitamin",
        "vitamin-without-positions",
        "xlm-roberta",
    ]

    @Test(arguments: names, InstructionSet.available)
    func `Embeddings equal the reference's`(_ name: String, _ instructionSet: InstructionSet) throws {
        let tower = try Tower(name)
        let compute = try Compute(instructionSet: instructionSet, threads: 2)
        let found = try tower.embeddings(compute)
        #expect(!found.isEmpty && found.count == tower.expected.count)
        for (found, expected) in zip(found, tower.expected) {
            let largest = expected.map(abs).max() ?? 0
            let error = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
            #expect(found.count == expected.count && error <= 2e-5 * largest, "\(name) \(error / largest)")
        }
    }

    @Test(arguments: names)
    func `Embeddings are the same to the bit in any batch and on any number of threads`(_ name: String) throws {
        let tower = try Tower(name)
        let whole = try tower.embeddings(Compute(threads: 3))
        #expect(try tower.embeddings(Compute(threads: 1)) == whole)
        #expect(try tower.embeddingsAlone(Compute(threads: 2)) == whole)
    }

    @Test(arguments: names)
    func `What a packed file says of a tower is the tower`(_ name: String) throws {
        let configuration = try Tower(name).configuration
        let text = configuration.huggingFaceText(initialLogitScale: 2)
        #expect(try HuggingFaceConfig(json: Array(text.utf8), path: "config").configuration == configuration)
    }

    @Test(arguments: names)
    func `Every tensor of the file is read, and a missing one is named`(_ name: String) throws {
        let tower = try Tower(name)
        let account = tower.account
        try account.check()
        let description = tower.description
        for tensor in tower.tensors {
            let place = tower.source.keys.place(of: tensor.key)
            for name in place.convolution?.names ?? [place.name] {
                #expect(tower.source.checkpoint.contains(name), "\(tensor.key) at \(name)")
            }
        }
        #expect(description.configuration == tower.configuration)
    }

    /// Numbers and truths of its configuration are changed, and bytes of its file: whatever comes of it is an error or a tower.
    @Test(arguments: names)
    func `A damaged tower loads or throws`(_ name: String) throws {
        let tower = try Tower(name)
        let config = tower.configuration.huggingFaceText(initialLogitScale: 2)
        let file = try Data(contentsOf: Tower.file(name))
        let header = 8 + Int(file[0]) + Int(file[1]) << 8
        let folder = try TemporaryFolder()
        var random = SeededGenerator(seed: UInt64(name.utf8.reduce(7) { $0 &* 31 &+ Int($1) } & 0xFFFF))
        let compute = try Compute(threads: 1)
        var refused = 0
        for round in 0..<300 {
            let text = round % 3 == 0 ? config : random.changed(config)
            let bytes = round % 3 == 0 ? random.damaged([UInt8](file), within: header) : [UInt8](file)
            do {
                let damaged = try Tower(
                    HuggingFaceConfig(json: Array(text.utf8), path: name).configuration,
                    file: PathBytes(folder.write(bytes, to: "t.safetensors")), of: tower)
                try damaged.account.check()
                guard damaged.configuration.vision.imageSize <= 128, damaged.takesItsTokens else { continue }
                _ = try damaged.embeddings(compute)
            } catch {
                #expect(error is CLIPError && !"\(error)".utf8.contains(UInt8(ascii: "\n")), "\(error)")
                refused += 1
            }
        }
        #expect(refused > 60)
    }

    @Test func `An EfficientNet-lite has the shape that its name says in timm`() throws {
        func configuration(_ name: String, size: Int = 160, pool: String = "avg") throws -> ModelConfiguration {
            let text = """
                {"model_cfg": {"embed_dim": 12, "text_cfg": {}, "vision_cfg": {"timm_model_name": "\(name)",
                "timm_pool": "\(pool)", "timm_proj": "linear", "image_size": \(size)}}}
                """
            return try OpenCLIPConfig(json: Array(text.utf8), path: "open_clip_config.json").configuration
        }
        let known = try configuration("tf_efficientnet_lite2")
        let shape = EfficientNetConfiguration(
            depths: [1, 3, 3, 4, 4, 5, 1], widths: [16, 24, 48, 88, 120, 208, 352], stemWidth: 32, features: 1280)
        #expect(known.vision.tower == .efficientNet(shape) && known.vision.imageSize == 160)
        #expect(throws: CLIPError.self) { try configuration("tf_efficientnet_lite0", size: 170) }
        #expect(throws: CLIPError.self) { try configuration("tf_efficientnet_lite0", pool: "max") }
        #expect(throws: CLIPError.self) { try configuration("tf_efficientnet_lite9") }
    }

    @Test(arguments: [
        ("\"depths\":[1, 2, 1, 1, 2, 1, 1]", "\"depths\":[1, 2, 1]"), ("\"features\":40", "\"features\":48"),
        ("\"widths\":[4,", "\"widths\":[0,"), ("\"image_size\":64", "\"image_size\":60"),
    ])
    func `An EfficientNet-lite whose shape can't be is refused`(_ stated: String, _ wrong: String) throws {
        let text = try Tower("efficientnet-lite").configuration.huggingFaceText(initialLogitScale: 2)
        #expect(text.contains(stated))
        #expect(throws: CLIPError.self) {
            try HuggingFaceConfig(json: Array(text.replacingOccurrences(of: stated, with: wrong).utf8), path: "config")
        }
    }

    @Test(arguments: [
        "{\"buckets\":31,\"farthest\":128}", "{\"buckets\":2,\"farthest\":128}", "{\"buckets\":32,\"farthest\":8}",
        "{}", "7",
    ])
    func `Relative positions that can't be are refused`(_ stated: String) throws {
        let text = try Tower("mt5").configuration.huggingFaceText(initialLogitScale: 2)
        let whole = "{\"buckets\":32,\"farthest\":128}"
        #expect(text.contains(whole))
        func read(_ text: String) throws { _ = try HuggingFaceConfig(json: Array(text.utf8), path: "config") }
        try read(text)
        #expect(throws: CLIPError.self) { try read(text.replacing(whole, with: stated)) }
    }

    @Test(arguments: [
        ("\"add_projections\":false", "\"add_projections\":true"), ("\"truncate_dim\":null", "\"truncate_dim\":64"),
        ("\"pooler_type\":\"mean_pooler\"", "\"pooler_type\":\"cls_pooler\""),
        ("\"hf_model_name_or_path\":\"jinaai/jina-embeddings-v3\"", "\"hf_model_name_or_path\":\"org/other\""),
        ("\"default_lora_task\":\"retrieval.query\"", "\"default_lora_task\":\"sorting\""),
        ("\"lora_rank\":4", "\"lora_rank\":0"), ("\"embed_dim\":24", "\"embed_dim\":25"),
        ("\"post_norm\":false", "\"post_norm\":true"), ("\"subln\":true", "\"subln\":false"),
        ("\"qkv_bias\":true", "\"qkv_bias\":false"), ("\"head_width\":12", "\"head_width\":6"),
        ("\"width\":24", "\"width\":3"), ("\"mlp_ratio\":2.6667", "\"mlp_ratio\":0.01"),
        ("\"image_size\":32", "\"image_size\":8000"),
        ("\"lora_adaptations\":[\"separation\",\"retrieval.query\"]", "\"lora_adaptations\":null"),
        ("\"default_instruction_task\":null", "\"default_instruction_task\":\"retrieval.query\""),
        ("\"lora_alpha\":4", "\"lora_alpha\":-1"), ("\"vocab_size\":40", "\"vocab_size\":40,\"pad_token_id\":5"),
        ("\"intp_freq\":true", "\"intp_freq\":false"), ("\"proj_type\":null", "\"proj_type\":\"linear\""),
    ])
    func `A jina-clip of another kind than the two is refused`(_ stated: String, _ other: String) throws {
        let text = try Tower.configurationText("jina-clip-v2")
        #expect(text.contains(stated))
        func read(_ text: String) throws { _ = try HuggingFaceConfig(json: Array(text.utf8), path: "config") }
        try read(text)
        #expect(DeclaredFamily(config: Array(text.utf8)) == .transformers("jina-clip"))
        #expect(throws: CLIPError.self) { try read(text.replacing(stated, with: other)) }
    }

    /// Its second one counts; without a task the first matrices alone do.
    @Test func `Of the adaptations in the weights the configured one is merged`() throws {
        let text = try Tower.configurationText("jina-clip-v2")
        func adaptation(_ text: String) throws -> StoredAdaptation? {
            try HuggingFaceConfig(json: Array(text.utf8), path: "config").adaptation
        }
        #expect(try adaptation(text) == StoredAdaptation(index: 1, count: 2, rank: 4, scale: 1))
        let other = text.replacing(
            "\"default_lora_task\":\"retrieval.query\"", with: "\"default_lora_task\":\"separation\"")
        #expect(try adaptation(other)?.index == 0)
        let none = text.replacing("\"default_lora_task\":\"retrieval.query\"", with: "\"default_lora_task\":null")
        #expect(try adaptation(none) == nil)
        func token(_ adaptation: StoredAdaptation?) throws -> [Float] {
            let source = try Tower.tensors(of: PathBytes(Tower.file("jina-clip-v2").path), adaptation)
            let table = try source.table("text_model.embeddings.token_embedding.weight", rows: 40, columns: 24)
            var row = [Float](repeating: 0, count: 24)
            table.add(row: 3, to: &row)
            return row
        }
        let (merged, first, plain) = (try token(adaptation(text)), try token(adaptation(other)), try token(nil))
        #expect(merged != first && merged != plain && first != plain)
    }

    @Test func `Adaptations that no task asks for are refused`() throws {
        let tower = try Tower("jina-clip-v2")
        let source = try Tower.tensors(of: PathBytes(Tower.file("jina-clip-v2").path), nil)
        let account = TensorAccount(source, tower.description, images: false, texts: true)
        let error = #expect(throws: CLIPError.self) { try account.check() }
        #expect(error?.message.contains("an adapter was not merged") == true)
    }

    @Test(arguments: [
        ("\"pool_type\":\"mean\"", "\"pool_type\":\"last\""),
        ("\"num_attention_heads\":2", "\"num_attention_heads\":24"),
        ("\"rotary_base\":20000.0", "\"rotary_base\":0"),
    ])
    func `Rotations that can't be are refused`(_ stated: String, _ wrong: String) throws {
        let text = try Tower("jina-clip-v2").configuration.huggingFaceText(initialLogitScale: 2)
        #expect(text.contains(stated))
        func read(_ text: String) throws { _ = try HuggingFaceConfig(json: Array(text.utf8), path: "config") }
        try read(text)
        #expect(throws: CLIPError.self) { try read(text.replacing(stated, with: wrong)) }
    }

    @Test func `A causal mask beside relative positions is refused`() throws {
        let text = try Tower("mt5").configuration.huggingFaceText(initialLogitScale: 2)
        let causal = text.replacing("\"no_causal_mask\":true", with: "\"no_causal_mask\":false")
        #expect(causal != text)
        #expect(throws: CLIPError.self) { try HuggingFaceConfig(json: Array(causal.utf8), path: "config") }
    }
}

extension SeededGenerator {
    /// JSON with one number or truth in place of another.
    fileprivate mutating func changed(_ json: String) -> String {
        let places = json.matches(of: /[0-9]+(?:\.[0-9]+)?|true|false/).map(\.range)
        let place = places[Int.random(in: 0..<places.count, using: &self)]
        let others = [
            "0", "1", "2", "3", "7", "8", "16", "33", "64", "999999", "0.5", "true", "false", "null", "[1, 2]",
        ]
        return json.replacingCharacters(in: place, with: others[Int.random(in: 0..<others.count, using: &self)])
    }
}

/// One of the fixtures.
private struct Tower {
    let configuration: ModelConfiguration
    let source: CheckpointTensorSource
    let expected: [[Float]]
    private let adaptation: StoredAdaptation?
    private let tokens: [[Int32]]
    /// Per picture rows and columns of patches, where pictures keep their shape.
    private let grids: [[Int]]

    init(_ name: String) throws {
        let golden = try Tower.golden(name)
        let config = try #require(golden["config"])
        let described = try HuggingFaceConfig(json: Array(Tower.text(config).utf8), path: name)
        (configuration, adaptation) = (described.configuration, described.adaptation)
        source = try Tower.tensors(of: PathBytes(Tower.file(name).path), adaptation)
        func floats(_ value: JSONValue) -> [Float] { value.array?.compactMap { $0.double.map(Float.init) } ?? [] }
        grids = golden["grids"]?.array?.map { $0.array?.compactMap(\.int) ?? [] } ?? []
        let texts = golden["texts"]?.array ?? []
        tokens = texts.map { $0["tokens"]?.array?.compactMap { $0.int.map(Int32.init) } ?? [] }
        expected = texts.isEmpty ? (golden["images"]?.array ?? []).map(floats) : texts.map { floats($0["embedding"]!) }
    }

    /// Another configuration and file of what `other` computes.
    init(_ configuration: ModelConfiguration, file: PathBytes, of other: Tower) throws {
        self.configuration = configuration
        source = try Tower.tensors(of: file, other.adaptation)
        (expected, tokens, grids, adaptation) = (other.expected, other.tokens, other.grids, other.adaptation)
    }

    static func tensors(
        of file: PathBytes, _ adaptation: StoredAdaptation?
    ) throws -> CheckpointTensorSource {
        CheckpointTensorSource(
            try Checkpoint(file: file), adapter: nil, adaptation: adaptation, threads: 1, resamplesPositions: false)
    }

    /// Whether a tokenizer of this model could give the tokens.
    var takesItsTokens: Bool {
        tokens.allSatisfy { text in
            text.count <= configuration.text.contextLength
                && text.allSatisfy { $0 < configuration.text.vocabularySize }
        }
    }

    /// The fixture's configuration, fields in the order of their names.
    static func configurationText(_ name: String) throws -> String {
        text(try #require(golden(name)["config"]))
    }

    private static func golden(_ name: String) throws -> JSONValue {
        let file = Tower.file(name).deletingPathExtension().appendingPathExtension("json")
        return try JSONValue(parsing: Array(Data(contentsOf: file)))
    }

    static func file(_ name: String) -> URL {
        Bundle.module.url(forResource: "Fixtures", withExtension: nil)!.appendingPathComponent(
            "towers/\(name).safetensors")
    }

    var tensors: [ModelTensor] { tokens.isEmpty ? configuration.imageTensors : configuration.textTensors }

    var description: ModelDescription {
        ModelDescription(
            kind: "test", configuration: configuration,
            preprocessing: ResolvedPreprocessing(configuration: PreprocessingConfiguration(cropSize: 32), settings: []),
            initialLogitScale: 0, initialLogitScaleSource: "", settings: [],
            tokenizer: .builtIn(.openCLIP, path: ""))
    }

    var account: TensorAccount { TensorAccount(source, description, images: tokens.isEmpty, texts: !tokens.isEmpty) }

    func embeddings(_ compute: Compute) throws -> [[Float]] {
        if !tokens.isEmpty {
            let encoder = try TextEncoder(configuration: configuration, weights: source)
            return rows(try encoder.embed(tokens: tokens, compute: compute))
        }
        let encoder = try ImageEncoder(configuration: configuration, weights: source)
        return rows(try encoder.embed(pixels: (0..<3).flatMap(pixels), sizes: (0..<3).map(size), compute: compute))
    }

    func embeddingsAlone(_ compute: Compute) throws -> [[Float]] {
        if !tokens.isEmpty {
            let encoder = try TextEncoder(configuration: configuration, weights: source)
            return try tokens.map { try encoder.embed(tokens: [$0], compute: compute) }
        }
        let encoder = try ImageEncoder(configuration: configuration, weights: source)
        return try (0..<3).map { try encoder.embed(pixels: pixels($0), sizes: [size($0)], compute: compute) }
    }

    private func rows(_ values: [Float]) -> [[Float]] {
        let count = configuration.embeddingDimension
        return stride(from: 0, to: values.count, by: count).map { Array(values[$0..<$0 + count]) }
    }

    /// A damaged configuration may have patches of another size.
    private func size(_ picture: Int) -> PixelSize {
        guard configuration.vision.hasPictureGrids else { return PixelSize(side: configuration.vision.imageSize) }
        let side = configuration.vision.patchSize
        return PixelSize(width: grids[picture][1] * side, height: grids[picture][0] * side)
    }

    /// The pixels that Scripts/fixtures/make_tower_fixtures.py computes, `[3, height, width]`.
    private func pixels(_ picture: Int) -> [Float] {
        (0..<size(picture).valueCount).map { Float(($0 * 7919 + picture * 104729) % 1009) / 256 - 2 }
    }

    /// The value as JSON.
    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .number(let number): Int(exactly: number).map { "\($0)" } ?? "\(number)"
        case .string(let text): "\"\(text)\""
        case .array(let values): "[\(values.map(text).joined(separator: ","))]"
        case .object(let fields): "{\(fields.map { "\"\($0)\":\(text($1))" }.sorted().joined(separator: ","))}"
        }
    }
}
