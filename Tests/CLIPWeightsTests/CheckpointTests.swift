import CLIPSystem
import CLIPTestSupport
import Testing

@testable import CLIPWeights

@Suite struct CheckpointTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// A safetensors file of one-byte tensors.
    private func shard(_ tensors: [(String, UInt8)], to name: String) throws {
        let entries = tensors.enumerated().map { index, tensor in
            #""\#(tensor.0)":{"dtype":"U8","shape":[1],"data_offsets":[\#(index),\#(index + 1)]}"#
        }
        let header = "{\"__metadata__\":{\"format\":\"pt\"}" + entries.map { "," + $0 }.joined() + "}"
        try folder.write(safetensors(header, data: tensors.map(\.1)), to: name)
    }

    private func value(_ checkpoint: Checkpoint, _ name: String) throws -> UInt8? {
        try checkpoint.tensor(name)?.withBytes { $0.first }
    }

    private func problem() -> String {
        do {
            _ = try Checkpoint(folder: PathBytes(folder.path))
            return "loaded"
        } catch {
            return error.description
        }
    }

    @Test func `Wrapper prefixes are taken off unless that would make two tensors one`() throws {
        try shard(
            [
                ("module.clip.logit_scale", 1), ("model.visual.proj", 2), ("twice", 3), ("module.twice", 4),
                ("plain", 5), ("modules.x", 6),
            ], to: "model.safetensors")
        let checkpoint = try Checkpoint(folder: PathBytes(folder.path))
        #expect(checkpoint.names == ["logit_scale", "visual.proj", "twice", "module.twice", "plain", "modules.x"])
        #expect(try checkpoint.names.map { try value(checkpoint, $0) } == [1, 2, 3, 4, 5, 6])
        #expect(try checkpoint.tensor("logit_scale")?.name == "module.clip.logit_scale")
        #expect(try checkpoint.tensor("module.clip.logit_scale") == nil)
        #expect(checkpoint.metadata == ["format": "pt"])
    }

    @Test func `Shards make one model`() throws {
        try shard([("a", 1), ("b", 2)], to: "model-00001-of-00002.safetensors")
        try shard([("c", 3), ("a", 9)], to: "model-00002-of-00002.safetensors")
        try folder.write(
            """
            {"metadata": {"total_size": 3, "deep": [[], {}]}, "weight_map": {
              "a": "model-00001-of-00002.safetensors", "b": "model-00001-of-00002.safetensors",
              "c": "model-00002-of-00002.safetensors"}}
            """, to: "model.safetensors.index.json")
        let checkpoint = try Checkpoint(folder: PathBytes(folder.path))
        #expect(checkpoint.files.count == 2)
        #expect(checkpoint.names == ["a", "b", "c"])
        #expect(try ["a", "b", "c"].map { try value(checkpoint, $0) } == [1, 2, 3])
    }

    @Test func `A missing shard and a missing tensor are named`() throws {
        let index = #"{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#
        try folder.write(index, to: "model.safetensors.index.json")
        try shard([("a", 1)], to: "one.safetensors")
        #expect(problem().contains("two.safetensors: this shard is missing (1 of 2 are)"))
        try shard([("other", 1)], to: "two.safetensors")
        #expect(problem().contains(#"two.safetensors: has no tensor "b""#))
        try shard([("b", 1)], to: "two.safetensors")
        #expect(problem() == "loaded")
    }

    @Test(arguments: ["../x.safetensors", "/etc/passwd", "a/../../x", "", "a//b", ".", "..\\\\x", "x\\u0000"])
    func `A shard outside the folder is refused`(shard: String) throws {
        try folder.write("{\"weight_map\": {\"a\": \"\(shard)\"}}", to: "model.safetensors.index.json")
        #expect(problem().contains("expected a file inside the model's folder"))
    }

    @Test(arguments: [
        ("", "expected an object"), ("{}", #"has no "weight_map""#), (#"{"weight_map": {}}"#, #"has no "weight_map""#),
        (#"{"weight_map": []}"#, "expected an object"), (#"{"weight_map": {"a": 1}}"#, "expected a string"),
        (#"{"weight_map": {"a": "x", "a": "y"}}"#, "is there twice"),
        (#"{"weight_map": {"a": "x"}"#, "expected a comma"),
    ])
    func `An index that is not one is refused`(json: String, expected: String) throws {
        try folder.write(json, to: "model.safetensors.index.json")
        #expect(problem().contains(expected))
    }

    @Test func `A folder without weights says what was expected, what is there, and what to do`() throws {
        #expect(
            problem().contains(
                "has no weights, expected model.safetensors or model.safetensors.index.json or pytorch_model.bin"))
        try folder.write("x", to: "tf_model.h5")
        #expect(problem().contains(#"found "tf_model.h5": fetch the whole model"#))
        try folder.link("model.safetensors", to: "../../blobs/abc")
        #expect(problem().contains("model.safetensors: is not a file, or a link to one that is missing"))
        #expect {
            try Checkpoint(folder: PathBytes(folder["nowhere"]))
        } throws: {
            "\($0)".contains("is not a folder that can be read")
        }
    }

    @Test func `Texts of a model folder are bounded and stay inside`() throws {
        try folder.write("{}", to: "config.json")
        try folder.write("", to: "empty.txt")
        try folder.link("broken.json", to: "nowhere")
        let model = ModelFolder(PathBytes(folder.path))
        #expect(try model.readText("config.json") == Array("{}".utf8))
        #expect(try model.readText("empty.txt") == [])
        #expect(try model.readText("vocab.json") == nil)
        #expect(try model.contains("config.json"))
        #expect(try !model.contains("vocab.json"))
        #expect { try model.readText("config.json", limit: 1) } throws: { "\($0)".contains("expected at most 1") }
        #expect { try model.readText("broken.json") } throws: { "\($0)".contains("link to a file that is missing") }
        #expect { try model.readText("../config.json") } throws: { "\($0)".contains("not the name of a file") }
        #expect { try model.readText(".") } throws: { "\($0)".contains("not the name of a file") }
    }
}
