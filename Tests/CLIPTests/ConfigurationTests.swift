import Testing

@testable import CLIP

@Suite struct ConfigurationTests {
    private func read(_ json: String) throws(CLIPError) -> HuggingFaceConfig {
        try HuggingFaceConfig(json: Array(json.utf8), path: "m/config.json")
    }

    private func refusal(_ json: String) -> String {
        do {
            _ = try read(json)
            return "read"
        } catch {
            return error.description
        }
    }

    @Test func `Absent fields take the defaults of transformers, null is absent`() throws {
        let config = try read(#"{"model_type": "clip", "text_config": null, "vision_config": {"image_size": null}}"#)
        let expected = ModelConfiguration(
            vision: VisionConfiguration(
                transformer: TransformerConfiguration(
                    width: 768, intermediateWidth: 3072, layerCount: 12, headCount: 12)),
            text: TextConfiguration(
                transformer: TransformerConfiguration(width: 512, intermediateWidth: 2048, layerCount: 12, headCount: 8)
            ),
            embeddingDimension: 512)
        #expect(config.configuration == expected)
        #expect(config.initialLogitScale == 2.6592)
        #expect(config.configuration.vision.tokenCount == 50)
        let activation = try #require(config.settings.first { $0.name == "text activation" })
        #expect(activation.source == "default" && activation.warning != nil)
    }

    @Test func `Settings say where they come from`() throws {
        let config = try read(
            #"{"model_type":"clip","projection_dim":64,"vision_config":{"hidden_act":"gelu","layer_norm_eps":1e-6}}"#)
        #expect(
            config.settings.contains(
                ModelSetting(name: "embedding dimension", value: "64", source: "config.json")))
        #expect(
            config.settings.contains(
                ModelSetting(name: "image activation", value: "gelu", source: "config.json vision_config")))
        #expect(config.configuration.vision.transformer.layerNormEpsilon == 1e-6)
        #expect(config.configuration.text.transformer.activation == .quickGELU)
        #expect(Set(config.settings.map(\.name)).count == config.settings.count)
    }

    @Test func `text_config_dict wins with its defaults`() throws {
        let config = try read(
            """
            {"model_type":"clip","text_config":{"hidden_size":768,"hidden_act":"gelu","num_attention_heads":12},
             "text_config_dict":{"hidden_size":768,"num_attention_heads":12}, "vision_config_dict":null,
             "vision_config":{"hidden_act":"gelu"}}
            """)
        #expect(config.configuration.text.transformer.activation == .quickGELU)
        #expect(config.configuration.text.transformer.width == 768)
        #expect(config.configuration.vision.transformer.activation == .gelu)
        let override = try #require(config.settings.first { $0.value == "text_config_dict" })
        #expect(override.warning?.contains("hidden_act of text_config don't count") == true)
    }

    @Test(arguments: [
        ("quick_gelu", Activation.quickGELU), ("gelu", .gelu), ("gelu_new", .tanhGELU),
        ("gelu_pytorch_tanh", .tanhGELU),
    ])
    func `Activations by transformers' names`(name: String, activation: Activation) throws {
        let config = try read(#"{"model_type":"clip","text_config":{"hidden_act":"\#(name)"}}"#)
        #expect(config.configuration.text.transformer.activation == activation)
    }

    @Test func `The end token by vocabulary, then by eos_token_id`() throws {
        func pooling(_ fields: String) throws -> TextPooling {
            try read(#"{"model_type":"clip","text_config":{\#(fields)}}"#).configuration.text.pooling
        }
        #expect(try pooling(#""eos_token_id":2"#) == .firstToken(49407))
        #expect(try pooling(#""eos_token_id":7"#) == .firstToken(49407))
        #expect(try pooling(#""vocab_size":814,"eos_token_id":2"#) == .largestToken)
        #expect(try pooling(#""vocab_size":814,"eos_token_id":813"#) == .firstToken(813))
        #expect(try pooling(#""vocab_size":814,"eos_token_id":[812,813]"#) == .firstToken(812))
        #expect(try pooling(#""vocab_size":814"#) == .largestToken)
        #expect(try pooling(#""vocab_size":50000"#) == .firstToken(49407))
        let beyond = refusal(#"{"model_type":"clip","text_config":{"vocab_size":814,"eos_token_id":814}}"#)
        #expect(beyond.contains("below 814"))
    }

    @Test func `One encoder alone has its settings at the top`() throws {
        let text = try read(
            #"{"model_type":"clip_text_model","hidden_size":64,"num_attention_heads":4,"vocab_size":99}"#)
        #expect(text.configuration.text.transformer.width == 64)
        #expect(!text.settings.contains { $0.name.hasPrefix("image") })
        let vision = try read(#"{"model_type":"clip_vision_model","image_size":[56,56],"patch_size":14}"#)
        #expect(vision.configuration.vision.gridSize == 4)
        #expect(!vision.settings.contains { $0.name.hasPrefix("text") })
    }

    @Test func `Other families are refused by name`() {
        #expect(refusal(#"{"model_type":"blip-2"}"#).contains(#"type "blip-2" (BLIP-2: a captioning model), expected"#))
        #expect(refusal(#"{"model_type":"bert"}"#).contains(#"is a model of type "bert", expected "clip""#))
        #expect(refusal(#"{"model_cfg":{}}"#).contains("open_clip configuration"))
        #expect(refusal("{}").contains("neither model_type nor"))
        #expect(refusal("[]").contains("holds a list, expected a JSON object"))
        #expect(refusal(#"{"model_type":"clip""#).hasPrefix("m/config.json: byte 20: "))
    }

    @Test(arguments: [
        (#""vision_config":{"hidden_size":0}"#, "vision_config.hidden_size is 0, expected a whole number from 1"),
        (#""vision_config":{"hidden_size":1e99}"#, "vision_config.hidden_size is 1e+99"),
        (#""vision_config":{"hidden_size":"768"}"#, #"hidden_size is "768""#),
        (#""vision_config":{"hidden_size":100}"#, "width 100 is no multiple of its 12 attention heads"),
        (#""vision_config":{"image_size":[224,336]}"#, "image_size is a list"),
        (#""vision_config":{"patch_size":225}"#, "patch_size is 225, expected a whole number from 1 to 224"),
        (#""vision_config":{"image_size":8192,"patch_size":1}"#, "8192 × 8192 patches"),
        (#""vision_config":{"num_channels":1}"#, "num_channels is 1, expected 3"),
        (#""vision_config":7"#, "vision_config is 7, expected an object"),
        (#""text_config":{"layer_norm_eps":-1}"#, "layer_norm_eps is -1"),
        (#""text_config":{"hidden_act":"mish"}"#, #"text_config.hidden_act is "mish", expected quick_gelu"#),
        (#""text_config":{"max_position_embeddings":1}"#, "max_position_embeddings is 1"),
        (#""projection_dim":true"#, "config.json: projection_dim is true"),
    ])
    func `Values that make no sense are refused`(fields: String, part: String) {
        let message = refusal(#"{"model_type":"clip",\#(fields)}"#)
        #expect(message.contains(part), "\(message)")
        #expect(message.hasPrefix("m/config.json: ") && !message.contains("\n"))
    }

    @Test func `The complete text reads back equal, without a default`() throws {
        var config = try read(
            """
            {"model_type":"clip","projection_dim":40,
             "text_config":{"vocab_size":814,"eos_token_id":2,"layer_norm_eps":3e-6},
             "vision_config":{"image_size":56,"patch_size":14,"hidden_act":"gelu_new"}}
            """)
        config.setEmbeddingDimension(inferred: 48)
        let text = config.configuration.huggingFaceText(initialLogitScale: 3.25)
        let again = try read(text)
        #expect(again.configuration == config.configuration)
        #expect(again.configuration.embeddingDimension == 48)
        #expect(again.initialLogitScale == 3.25)
        #expect(!again.settings.contains { $0.source == "default" })
    }

    @Test func `A projection of another size wins over the configuration`() throws {
        var config = try read(#"{"model_type":"clip"}"#)
        config.setEmbeddingDimension(inferred: 512)
        #expect(config.settings.first?.source == "default")
        config.setEmbeddingDimension(inferred: 640)
        #expect(config.configuration.embeddingDimension == 640)
        #expect(config.settings.first?.source == "inferred from shape")
        #expect(config.settings.first?.warning?.contains("says 512") == true)
    }
}
