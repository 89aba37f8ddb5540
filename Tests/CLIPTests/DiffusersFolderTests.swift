import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP

/// Encoders in the folders of a diffusers pipeline, whose tokenizer and preprocessing lie beside them.
@Suite struct DiffusersFolderTests {
    private let scratch: ScratchFolder
    private let whole = Fixtures.model("quickgelu-f32")

    init() throws {
        scratch = try ScratchFolder()
        try FileManager.default.createDirectory(at: scratch["pipe"], withIntermediateDirectories: true)
        try "{}".write(to: scratch["pipe/model_index.json"], atomically: true, encoding: .utf8)
        for folder in ["text_encoder_2", "tokenizer_2", "image_encoder", "feature_extractor"] {
            try FileManager.default.createDirectory(
                at: scratch["pipe/\(folder)"], withIntermediateDirectories: true)
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: whole.path) {
            let folders =
                name.hasPrefix("preprocessor")
                ? ["feature_extractor"]
                : ["config.json", "model.safetensors"].contains(name)
                    ? ["text_encoder_2", "image_encoder"] : ["tokenizer_2"]
            for folder in folders {
                try FileManager.default.copyItem(
                    at: whole.appending(path: name), to: scratch["pipe/\(folder)/\(name)"])
            }
        }
    }

    @Test func `An encoder takes what lies beside it`() throws {
        let texts = try CLIPModel(contentsOf: scratch["pipe/text_encoder_2"])
        #expect(try texts.embed("a dog").values == CLIPModel(contentsOf: whole).embed("a dog").values)
        #expect(texts.fingerprint != (try CLIPModel(contentsOf: scratch["pipe/image_encoder"]).fingerprint))
        let images = try CLIPModel(contentsOf: scratch["pipe/image_encoder"])
        #expect(try images.info.preprocessing == CLIPModel(contentsOf: whole).info.preprocessing)
    }

    @Test func `A pipeline's folder is its one encoder, or asks which`() throws {
        func write(_ parts: String) throws {
            let text =
                #"{"_class_name":"StableDiffusionXLPipeline","scheduler":["diffusers","EulerDiscreteScheduler"]\#(parts)}"#
            try text.write(to: scratch["pipe/model_index.json"], atomically: true, encoding: .utf8)
        }
        let second = #","text_encoder_2":["transformers","CLIPTextModelWithProjection"]"#
        try write(second + #","tokenizer_2":["transformers","CLIPTokenizer"]"#)
        let texts = try CLIPModel(contentsOf: scratch["pipe"])
        #expect(try texts.embed("a dog").values == CLIPModel(contentsOf: whole).embed("a dog").values)
        try write(second + #","image_encoder":["transformers","CLIPVisionModelWithProjection"],"unet":[null,null]"#)
        let several = refusal { _ = try CLIPModel(contentsOf: scratch["pipe"]) }
        #expect(several?.contains("of 2 encoders: give the folder of one") == true)
        #expect(
            several?.contains("pipe/image_encoder or ") == true && several?.hasSuffix("pipe/text_encoder_2") == true)
        for other in [
            "", #","../text_encoder":["transformers","CLIPTextModel"],"t5":["transformers","T5EncoderModel"]"#,
        ] {
            try write(other)
            let none = refusal { _ = try CLIPModel(contentsOf: scratch["pipe"]) }
            #expect(none?.contains("without an encoder of CLIP's or SigLIP's") == true, "\(none ?? "loaded")")
        }
    }

    @Test func `A damaged list of a pipeline's parts loads or throws`() throws {
        let list = Array(
            """
            {"_class_name": "StableDiffusionXLPipeline", "_diffusers_version": "0.30.0", "force_zeros": true,
            "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"], "tokenizer_2": ["transformers", "CLIPTokenizer"],
            "image_encoder": [null, null], "unet": ["diffusers", "UNet2DConditionModel"]}
            """.utf8)
        var random = SeededGenerator(seed: 0xD1FF)
        var (loaded, refused) = (0, 0)
        for _ in 0..<2000 {
            try Data(random.damaged(list)).write(to: scratch["pipe/model_index.json"])
            let message = refusal { _ = try CLIPModel(contentsOf: scratch["pipe"]) }
            #expect(message?.utf8.contains(UInt8(ascii: "\n")) != true, "\(message ?? "")")
            if message == nil { loaded += 1 } else { refused += 1 }
        }
        #expect(loaded > 100 && refused > 500, "\(loaded) loaded, \(refused) refused")
    }

    @Test func `Elsewhere nothing beside a folder is read`() throws {
        try FileManager.default.removeItem(at: scratch["pipe/model_index.json"])
        let message = refusal { _ = try CLIPModel(contentsOf: scratch["pipe/text_encoder_2"]).embed("a dog") }
        #expect(message?.contains("has neither tokenizer.json nor vocab.json") == true, "\(message ?? "embedded")")
    }
}
