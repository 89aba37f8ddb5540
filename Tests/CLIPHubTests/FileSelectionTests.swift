import Testing

@testable import CLIPHub

@Suite struct FileSelectionTests {
    private func weights(_ names: [String], isTransformers: Bool = true) throws -> [String] {
        try FileSelection(names).weights(isTransformers: isTransformers, subject: "a/b")
    }

    private func problem(_ names: [String], isTransformers: Bool = true) -> String {
        do { return "\(try weights(names, isTransformers: isTransformers))" } catch { return "\(error)" }
    }

    @Test func `Configuration, tokenizer, card and licence, nothing else`() {
        let selection = FileSelection([
            "config.json", "merges.txt", "tokenizer.json", "spiece.model", "README.md", "LICENSE", "License.txt",
            "tf_model.h5", "model.safetensors", "onnx/config.json", "training_args.bin", ".gitattributes",
        ])
        #expect(
            selection.smallFiles == [
                "LICENSE", "License.txt", "README.md", "config.json", "merges.txt", "spiece.model", "tokenizer.json",
            ])
    }

    @Test func `sentence-transformers' repositories come with their modules`() throws {
        let texts = [
            "modules.json", "config.json", "model.safetensors", "pytorch_model.bin", "tokenizer.json",
            "1_Pooling/config.json",
            "2_Dense/config.json", "2_Dense/pytorch_model.bin", "2_Dense/model.safetensors", "onnx/model.onnx",
            "sentence_bert_config.json",
        ]
        #expect(
            FileSelection(texts).smallFiles == [
                "1_Pooling/config.json", "2_Dense/config.json", "config.json", "modules.json",
                "sentence_bert_config.json",
                "tokenizer.json",
            ])
        #expect(try weights(texts) == ["model.safetensors", "2_Dense/model.safetensors"])
        let clip = [
            "modules.json", "README.md", "0_CLIPModel/config.json", "0_CLIPModel/pytorch_model.bin",
            "0_CLIPModel/vocab.json",
        ]
        #expect(
            FileSelection(clip).smallFiles == [
                "0_CLIPModel/config.json", "0_CLIPModel/vocab.json", "README.md", "modules.json",
            ])
        #expect(try weights(clip) == ["0_CLIPModel/pytorch_model.bin"])
        // Folders of that name mean nothing elsewhere.
        #expect(FileSelection(Array(texts.dropFirst())).smallFiles == ["config.json", "tokenizer.json"])
    }

    @Test func `Tensors alone come before pickles`() throws {
        #expect(try weights(["pytorch_model.bin", "model.safetensors", "flax_model.msgpack"]) == ["model.safetensors"])
        #expect(try weights(["pytorch_model.bin", "tf_model.h5"]) == ["pytorch_model.bin"])
        #expect(
            try weights(["pytorch_model.bin", "open_clip_config.json", "open_clip_model.safetensors"])
                == ["open_clip_model.safetensors"])
        #expect(
            try weights(["open_clip_config.json", "open_clip_pytorch_model.bin"], isTransformers: false)
                == ["open_clip_pytorch_model.bin"])
        #expect(try weights(["ViT-B-32.pt"], isTransformers: false) == ["ViT-B-32.pt"])
    }

    @Test func `Weights of another library under the same name are left alone`() throws {
        let timm = ["config.json", "model.safetensors", "open_clip_config.json", "open_clip_model.safetensors"]
        #expect(try weights(timm, isTransformers: false) == ["open_clip_model.safetensors"])
        #expect(problem(["config.json", "model.safetensors"], isTransformers: false).contains("holds no weights"))
        #expect(
            try weights(["open_clip_config.json", "model.safetensors"], isTransformers: false) == ["model.safetensors"])
    }

    @Test func `All parts or none`() throws {
        let parts = (1...3).map { "model-0000\($0)-of-00003.safetensors" }
        let index = "model.safetensors.index.json"
        #expect(try weights(parts + [index, "model.fp16.safetensors"]) == [index] + parts)
        #expect(problem(Array(parts.dropLast()) + [index]).contains("only 2 parts"))
        #expect(problem([index]).contains("only 0 parts"))
        #expect(problem(parts).contains("holds no weights"))
    }

    @Test func `Several models in one repository are a question`() throws {
        let names = ["a_q4_0.gguf", "a_f16.gguf", "README.md"]
        let words = problem(names, isTransformers: false)
        #expect(words.contains("choose one by the parameter files: a_f16.gguf, a_q4_0.gguf"))
        let selection = FileSelection(names)
        #expect(try selection.chosen(["a_f16.gguf"], subject: "a/b") == ["a_f16.gguf"])
        #expect { try selection.chosen(["b.gguf"], subject: "a/b") } throws: {
            "\($0)".contains("a_f16.gguf, a_q4_0.gguf")
        }
        #expect(problem(["model.onnx"], isTransformers: false).contains("only a .onnx file"))
    }
}
