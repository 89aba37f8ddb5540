import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP
@testable import CLIPWeights

/// Adapters that lie beside the weights: merged as peft merges them, or refused by name.
@Suite struct LowRankAdapterTests {
    private let scratch: ScratchFolder
    private var model: EditedModel
    private static let layer = "text_model.encoder.layers.1.self_attn.v_proj"
    private let up: [Float] = (0..<32).map { Float($0 % 7) / 10 - 0.2 }
    private let down: [Float] = (0..<32).map { Float($0 % 5) / 10 - 0.1 }

    init() throws {
        scratch = try ScratchFolder()
        model = try EditedModel("quickgelu-f32", in: scratch)
    }

    /// Writes an adapter of rank 2 for one layer, `[16, 16]`, and whatever `change` makes of it.
    private func writeAdapter(
        _ config: String, change: (inout [String: (shape: [Int], numbers: [Float])]) -> Void = { _ in }
    ) throws {
        var tensors = [
            "base_model.model.\(Self.layer).lora_A.weight": (shape: [2, 16], numbers: down),
            "base_model.model.\(Self.layer).lora_B.weight": (shape: [16, 2], numbers: up),
        ]
        change(&tensors)
        let writer = try SafetensorsWriter(
            PathBytes(model.folder.appending(path: "adapter_model.safetensors").path), metadata: ["format": "pt"],
            tensors: tensors.map { TensorDeclaration(name: $0.key, type: .f32, shape: $0.value.shape) })
        for (name, tensor) in tensors { try writer.write(name, tensor.numbers) }
        try writer.finish()
        try Data(config.utf8).write(to: model.folder.appending(path: "adapter_config.json"))
    }

    /// The model with the layer's weights changed by hand: W + scale · B · A.
    private func merged(scale: Float) throws -> Embedding {
        let other = try ScratchFolder()
        var merged = try EditedModel("quickgelu-f32", in: other)
        var numbers = merged.floats(Self.layer + ".weight")
        for row in 0..<16 {
            for column in 0..<16 {
                numbers[row * 16 + column] +=
                    scale * (up[2 * row] * down[column] + up[2 * row + 1] * down[16 + column])
            }
        }
        merged.set(Self.layer + ".weight", numbers)
        return try withExtendedLifetime(other) { try merged.load().embed("a photo of a dog") }
    }

    @Test(arguments: [
        (#""r": 2, "lora_alpha": 6"#, Float(3)), (#""r": 2, "lora_alpha": 6, "use_rslora": true"#, 4.2426407),
        (#""r": 4, "rank_pattern": {"v_proj": 2}, "alpha_pattern": {"layers.1.self_attn.v_proj": 5}"#, 2.5),
        (#""r": 2, "lora_alpha": 6, "fan_in_fan_out": true, "use_dora": false, "loftq_config": {}"#, 3),
    ])
    func `LoRA is merged as peft merges it`(fields: String, scale: Float) throws {
        let plain = try model.load().embed("a photo of a dog")
        try writeAdapter("{\"peft_type\": \"LORA\", \"target_modules\": [\"q_proj\", \"v_proj\"], \(fields)}")
        let adapted = try CLIPModel(contentsOf: model.folder)
        let expected = try merged(scale: scale)
        #expect(try relativeError(adapted.embed("a photo of a dog").values, expected.values) < 1e-6)
        #expect(relativeError(plain.values, expected.values) > 1e-3)
        #expect(adapted.info.settings.first { $0.name == "adapter" }?.value == "LoRA on 1 linear layers, merged")
        try adapted.pack(to: scratch["adapted.clip"], weights: .float32)
        let packed = try CLIPModel(contentsOf: scratch["adapted.clip"])
        #expect(try packed.embed("a photo of a dog") == adapted.embed("a photo of a dog"))
    }

    @Test func `An adapter changes the fingerprint`() throws {
        let plain = try model.load().fingerprint
        try writeAdapter(#"{"peft_type": "LORA", "r": 2}"#)
        let eight = try CLIPModel(contentsOf: model.folder).fingerprint
        try writeAdapter(#"{"peft_type": "LORA", "r": 2, "lora_alpha": 4}"#)
        #expect(try Set([plain, eight, CLIPModel(contentsOf: model.folder).fingerprint]).count == 3)
    }

    @Test(arguments: [
        (#"{"peft_type": "LOHA", "r": 2}"#, "is a LOHA adapter"), (#"{"r": 2}"#, "doesn't name its peft_type"),
        (#"{"peft_type": "LORA", "r": 2, "use_dora": true}"#, #"asks for "use_dora""#),
        (#"{"peft_type": "LORA", "r": 2, "lora_bias": true}"#, #"asks for "lora_bias""#),
        (#"{"peft_type": "LORA", "r": 2, "init_lora_weights": "pissa"}"#, "init_lora_weights is \"pissa\""),
        (#"{"peft_type": "LORA", "r": 2, "target_modules": ["q_proj"]}"#, "v_proj.lora_"),
        (#"{"peft_type": "LORA", "r": 3}"#, "the rank 3, its tensors have 2"),
        (#"{"peft_type": "LORA", "r": 2, "alpha_pattern": {"^v_proj": 1}}"#, "alpha_pattern is an object"),
        (#"{"peft_type": "LORA", "r": 1e99}"#, "r is"), ("[]", "a list"), ("{", "damaged"),
    ])
    func `Other adapters are refused by name`(config: String, part: String) throws {
        _ = try model.load()
        try writeAdapter(config)
        let message = try #require(refusal { _ = try CLIPModel(contentsOf: model.folder) })
        #expect(message.contains(part), "\(message)")
        #expect(message.hasPrefix(model.folder.path + "/adapter_"))
    }

    @Test func `Tensors of an adapter that fit nothing are refused by name`() throws {
        _ = try model.load()
        let config = #"{"peft_type": "LORA", "r": 2}"#
        let layer = "base_model.model.\(Self.layer)"
        let changes: [(String, (inout [String: (shape: [Int], numbers: [Float])]) -> Void)] = [
            (
                "lora_embedding_A",
                { $0["base_model.model.text_model.embeddings.token_embedding.lora_embedding_A"] = ([2, 1], [0, 0]) }
            ),
            ("lora_magnitude_vector", { $0[layer + ".lora_magnitude_vector"] = ([1], [0]) }),
            ("lora_A.weight", { $0[layer + ".lora_B.weight"] = nil }),
            (
                "layers.7",
                {
                    for half in ["A", "B"] {
                        $0["base_model.model.text_model.encoder.layers.7.mlp.fc1.lora_\(half).weight"] = (
                            [2, 2], [0, 0, 0, 0]
                        )
                    }
                }
            ),
            ("visual_projection.weight", { $0["base_model.model.visual_projection.weight"] = ([1], [0]) }),
        ]
        for (name, change) in changes {
            try writeAdapter(config, change: change)
            let message = refusal { _ = try CLIPModel(contentsOf: model.folder) }
            #expect(message?.contains(name) == true, "\(name): \(message ?? "loaded")")
        }
        try writeAdapter(config) { $0[layer + ".lora_A.weight"] = ([2, 8], [Float](repeating: 0, count: 16)) }
        let loaded = try CLIPModel(contentsOf: model.folder)
        #expect(refusal { _ = try loaded.embed("a") }?.contains("has shape [2, 8], expected [2, 16]") == true)
    }

    @Test func `Half an adapter is refused`() throws {
        _ = try model.load()
        try writeAdapter(#"{"peft_type": "LORA", "r": 2}"#)
        let config = model.folder.appending(path: "adapter_config.json")
        let text = try Data(contentsOf: config)
        try FileManager.default.removeItem(at: config)
        #expect(
            refusal { _ = try CLIPModel(contentsOf: model.folder) }?.contains("without its adapter_config.json") == true
        )
        try text.write(to: config)
        try FileManager.default.removeItem(at: model.folder.appending(path: "adapter_model.safetensors"))
        #expect(refusal { _ = try CLIPModel(contentsOf: model.folder) }?.contains("without adapter_model") == true)
        try FileManager.default.removeItem(at: model.folder.appending(path: "config.json"))
        #expect(
            refusal { _ = try CLIPModel(contentsOf: model.folder) }?.contains("an adapter without the model") == true)
    }
}
