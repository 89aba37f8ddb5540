import CLIPSystem
import CLIPTestSupport
import Testing

@testable import CLIPWeights

/// Only what the system says isn't there is absent. A link that leads to itself is there, and nobody can say what it is:
/// every call on it fails, for every user.
@Suite struct AbsenceTests {
    let folder: TemporaryFolder
    let weights = safetensors(#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: [42])

    init() throws {
        folder = try TemporaryFolder()
    }

    private func closed(_ name: String) throws -> String {
        try folder.link(name, to: Path.name(of: name))
        return folder[name]
    }

    private func locate(_ argument: String, _ environment: [String: String] = [:]) throws -> ModelSource {
        try ModelLocator(environment: environment).locate(PathBytes(argument))
    }

    /// Checks that `body` is refused because of the file or folder at `path`.
    private func expectRefusal(
        at path: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) {
        #expect(sourceLocation: sourceLocation) {
            try body()
        } throws: { error in
            let error = error as? CLIPError
            return error?.path == path && error?.message.hasPrefix("can't be ") == true
                && error?.message.contains("symbolic links") == true
        }
    }

    @Test func `What can't be examined is not missing`() throws {
        let path = try closed("loop")
        let file = try folder.write("x", to: "file")
        expectRefusal(at: path) { _ = try PathBytes(path).found(.model)?.kind }
        expectRefusal(at: path) { _ = try PathBytes(path).contents(.model) }
        expectRefusal(at: path) { _ = try AtomicFile(PathBytes(path)) }
        expectRefusal(at: path) { _ = try AtomicFolder(PathBytes(path)) }
        expectRefusal(at: path) { try PathBytes(path).makeFolders(.model) }
        #expect(throws: CLIPError.self) { try PathBytes(String(repeating: "x", count: 1000)).found(.model)?.kind }
        // Nothing is there.
        #expect(try PathBytes(folder["none"]).found(.model) == nil)
        #expect(try PathBytes("\(file)/none").found(.model) == nil)
        #expect(try PathBytes(folder["none"]).contents(.model) == [])
        #expect(try PathBytes(file).contents(.model) == [])
    }

    @Test func `A file of a model folder that can't be examined is not passed over`() throws {
        let path = try closed("config.json")
        let model = ModelFolder(PathBytes(folder.path))
        expectRefusal(at: path) { _ = try model.contains("config.json") }
        expectRefusal(at: path) { _ = try model.first(of: ["none", "config.json"]) }
        expectRefusal(at: path) { _ = try model.readText("config.json") }
        expectRefusal(at: path) { _ = try model.sizes() }
        #expect(try model.first(of: ["none"]) == nil)
    }

    @Test func `A configuration or weights that can't be examined don't make it another model`() throws {
        for name in ["x/open_clip_config.json", "y/open_clip_config.json", "y/config.json"] {
            try folder.write("{}", to: name)
        }
        for name in ["x/open_clip_model.safetensors", "y/open_clip_model.safetensors", "y/pytorch_model.bin"] {
            try folder.write(weights, to: name)
        }
        #expect(try locate(folder["x"]) == .openCLIP(folder: PathBytes(folder["x"])))
        let config = try closed("x/config.json")
        expectRefusal(at: config) { _ = try locate(folder["x"]) }
        expectRefusal(at: config) { _ = try locate(folder["x/open_clip_model.safetensors"]) }

        let candidates = ["model.safetensors", "open_clip_model.safetensors"]
        #expect(try Checkpoint(folder: PathBytes(folder["y"]), candidates: candidates).names == ["a"])
        let first = try closed("y/model.safetensors")
        expectRefusal(at: first) { _ = try Checkpoint(folder: PathBytes(folder["y"]), candidates: candidates) }
        expectRefusal(at: first) { _ = try locate(folder["y"]) }
        let modules = try closed("y/modules.json")
        expectRefusal(at: modules) { _ = try locate(folder["y"]) }
    }

    @Test func `A cache that can't be looked into is not one without the model`() throws {
        let environment = ["HF_HUB_CACHE": folder["hub"]]
        #expect { try locate("org/name", environment) } throws: { "\($0)".contains("not in the hub cache") }
        #expect(try HubCache(root: folder["hub"]).repositories().isEmpty)
        for name in ["models--org--name", "models--org--b/snapshots", "models--org--c/refs/main"] {
            _ = try closed("hub/\(name)")
        }
        try folder.write("{}", to: "hub/models--org--c/snapshots/aaa/config.json")
        try folder.write("{}", to: "hub/models--org--d/snapshots/aaa/config.json")
        expectRefusal(at: folder["hub/models--org--name"]) { _ = try locate("org/name", environment) }
        expectRefusal(at: folder["hub/models--org--b/snapshots"]) { _ = try locate("org/b", environment) }
        expectRefusal(at: folder["hub/models--org--c/refs/main"]) { _ = try locate("org/c", environment) }
        #expect(
            try locate("org/d", environment)
                == .huggingFace(folder: PathBytes(folder["hub/models--org--d/snapshots/aaa"])))
        let listed = try HubCache(root: folder["hub"]).repositories()
        #expect(listed.map(\.name) == ["org/b", "org/c", "org/d", "org/name"])
        for (index, path) in [(0, "org--b/snapshots"), (1, "org--c/refs/main"), (3, "org--name")] {
            expectRefusal(at: folder["hub/models--\(path)"]) { _ = try listed[index].holding.get() }
        }
        #expect(try listed[2].holding.get() == .snapshot(folder["hub/models--org--d/snapshots/aaa"]))

        let other = try closed("closed")
        expectRefusal(at: other) { _ = try HubCache(root: other).repositories() }
        expectRefusal(at: "\(other)/b32.clip") { _ = try locate("b32", ["CLIP_MODELS": other]) }
        expectRefusal(at: other) { _ = try InstalledModels(environment: ["CLIP_MODELS": other])?.models() }
        expectRefusal(at: "\(other)/models--org--d") { _ = try locate("org/d", ["HF_HUB_CACHE": other]) }
    }
}
