import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPWeights

@Suite struct ModelLocatorTests {
    let folder: TemporaryFolder
    let weights = safetensors(#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: [42])

    init() throws {
        folder = try TemporaryFolder()
    }

    private func locate(_ argument: String, _ environment: [String: String] = [:]) throws -> ModelSource {
        try ModelLocator(environment: environment).locate(PathBytes(argument))
    }

    private func problem(_ argument: String, _ environment: [String: String] = [:]) -> String {
        do {
            return "found \(try locate(argument, environment))"
        } catch {
            #expect(!"\(error)".contains("\n"))
            return "\(error)"
        }
    }

    /// A repository as the hub's client lays it out: links to blobs.
    private func cacheRepository(_ root: String, _ name: String, commits: [String], main: String?) throws {
        let repository = "\(root)/models--\(name)"
        try folder.write(weights, to: "\(repository)/blobs/0123abcd")
        try folder.write("{}", to: "\(repository)/blobs/4567")
        for commit in commits {
            try folder.link("\(repository)/snapshots/\(commit)/model.safetensors", to: "../../blobs/0123abcd")
            try folder.link("\(repository)/snapshots/\(commit)/config.json", to: "../../blobs/4567")
        }
        if let main { try folder.write(main, to: "\(repository)/refs/main") }
    }

    @Test func `Files and folders are told apart by what they hold`() throws {
        let flat = try folder.write(weights, to: "small.clip")
        #expect(try locate(flat) == .flat(file: PathBytes(flat)))
        let header = #"{"__metadata__":{"format":"clip"},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
        let renamed = try folder.write(safetensors(header, data: [1]), to: "renamed.safetensors")
        #expect(try locate(renamed) == .flat(file: PathBytes(renamed)))

        let alone = try folder.write(weights, to: "x/model.safetensors")
        #expect(problem(alone).contains("needs config.json or open_clip_config.json beside it"))
        #expect(problem(folder["x"]).contains("has neither config.json nor open_clip_config.json"))
        try folder.write("{}", to: "x/open_clip_config.json")
        #expect(try locate(folder["x"]) == .openCLIP(folder: PathBytes(folder["x"])))
        #expect(try locate(alone) == .weights(file: PathBytes(alone), folder: PathBytes(folder["x"])))
        try folder.write("{}", to: "x/config.json")
        #expect(try locate(folder["x"]) == .huggingFace(folder: PathBytes(folder["x"])))
        #expect(try Checkpoint(locate(alone)).names == ["a"])
        #expect(problem(folder.path).contains("did you mean \(flat)?"))
    }

    @Test func `A snapshot of weights alone is read by open_clip's own configuration`() throws {
        let (coca, vitamin) = ("models--laion--CoCa-ViT-B-32-laion2B-s13B-b90k", "models--jienengchen--ViTamin-S")
        try folder.write(weights, to: "\(coca)/snapshots/abc/open_clip_pytorch_model.bin")
        try folder.write(weights, to: "\(vitamin)/snapshots/abc/pytorch_model.bin")
        try folder.write(#"{"model_type":"vitamin"}"#, to: "\(vitamin)/snapshots/abc/config.json")
        for (repository, name) in [(coca, "coca_ViT-B-32:laion2b_s13b_b90k"), (vitamin, "jienengchen/ViTamin-S")] {
            let snapshot = PathBytes(folder["\(repository)/snapshots/abc"])
            #expect(try locate(name, ["HF_HUB_CACHE": folder.path]) == .openCLIP(folder: snapshot))
            #expect(try locate(snapshot.text) == .openCLIP(folder: snapshot))
        }
        let file = folder["\(vitamin)/snapshots/abc/pytorch_model.bin"]
        #expect(
            try locate(file)
                == .weights(file: PathBytes(file), folder: PathBytes(folder["\(vitamin)/snapshots/abc"])))
        // A file of the repository's own counts.
        try folder.write("{}", to: "\(coca)/snapshots/abc/open_clip_config.json")
        let stated = try ModelFolder(PathBytes(folder["\(coca)/snapshots/abc"])).openCLIPConfiguration()
        #expect(stated?.architecture == nil && stated?.json == Array("{}".utf8))
        // Elsewhere the weights alone say nothing.
        try folder.write(weights, to: "x/open_clip_pytorch_model.bin")
        #expect(problem(folder["x"]).contains("has neither config.json nor open_clip_config.json"))
    }

    @Test func `A folder of sentence-transformers leads to the model inside`() throws {
        func modules(_ entries: String...) throws {
            try folder.write("[\(entries.joined(separator: ","))]", to: "st/modules.json")
        }
        let clip = #"{"idx": 0, "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}"#
        try folder.write("{}", to: "st/0_CLIPModel/config.json")
        try modules(clip, #"{"idx": 1, "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"}"#)
        #expect(try locate(folder["st"]) == .huggingFace(folder: PathBytes(folder["st/0_CLIPModel"])))
        try modules(clip, #"{"idx": 1, "path": "1_Dense", "type": "sentence_transformers.models.Dense"}"#)
        #expect(problem(folder["st"]).contains("modules.json: names the module \"Dense\" behind the CLIP"))
        try modules(#"{"path": "", "type": "sentence_transformers.models.Pooling"}"#)
        #expect(problem(folder["st"]).contains("begins with the module \"Pooling\""))
        try modules(#"{"path": "../x", "type": "sentence_transformers.models.CLIPModel"}"#)
        #expect(problem(folder["st"]).contains("names the folder \"../x\""))
        try folder.write("[", to: "st/modules.json")
        #expect(problem(folder["st"]).contains("st/modules.json: byte 1"))
        // At the root, and of another program.
        try folder.write("{}", to: "st/config.json")
        try modules(#"{"path": "", "type": "sentence_transformers.models.Transformer"}"#)
        #expect(try locate(folder["st"]) == .huggingFace(folder: PathBytes(folder["st"])))
        try folder.write(#"{"a": 1}"#, to: "st/modules.json")
        #expect(try locate(folder["st"]) == .huggingFace(folder: PathBytes(folder["st"])))
        // A folder that leads to itself ends.
        try modules(clip)
        try FileManager.default.removeItem(atPath: folder["st/0_CLIPModel"])
        try folder.link("st/0_CLIPModel", to: ".")
        #expect(try locate(folder["st"]) == .huggingFace(folder: PathBytes(folder["st/0_CLIPModel"])))
    }

    @Test func `An adapter without its base model is named`() throws {
        try folder.write("{}", to: "lora/adapter_config.json")
        #expect(problem(folder["lora"]).contains("holds an adapter without the model that it adapts"))
    }

    @Test func `An open_clip folder whose config json is a wrapper's is still open_clip`() throws {
        try folder.write("{}", to: "y/config.json")
        try folder.write("{}", to: "y/open_clip_config.json")
        try folder.write(weights, to: "y/open_clip_model.safetensors")
        let source = try locate(folder["y"])
        #expect(source == .openCLIP(folder: PathBytes(folder["y"])))
        #expect(try Checkpoint(source).path == folder["y/open_clip_model.safetensors"])
    }

    @Test func `The cache is where Python's client has it`() {
        func root(_ environment: [String: String]) -> String? { HubCache(environment: environment)?.root }
        var environment = ["HOME": "/home/me"]
        #expect(root(environment) == "/home/me/.cache/huggingface/hub")
        environment["XDG_CACHE_HOME"] = "/xdg"
        #expect(root(environment) == "/xdg/huggingface/hub")
        environment["HF_HOME"] = "~/hf"
        #expect(root(environment) == "/home/me/hf/hub")
        environment["HUGGINGFACE_HUB_CACHE"] = "/old"
        #expect(root(environment) == "/old")
        environment["HF_HUB_CACHE"] = "/new"
        #expect(root(environment) == "/new")
        environment["HF_HUB_CACHE"] = ""
        #expect(root(environment) == "/old")
        #expect(root([:]) == nil)
    }

    @Test func `A name is found in the cache, links read through`() throws {
        try cacheRepository("hub", "org--name", commits: ["aaa", "bbb"], main: "bbb\n")
        let environment = ["HF_HOME": folder.path]
        let snapshots = folder["hub/models--org--name/snapshots"]
        #expect(try locate("org/name", environment) == .huggingFace(folder: PathBytes("\(snapshots)/bbb")))
        #expect(try locate("org/name@main", environment) == .huggingFace(folder: PathBytes("\(snapshots)/bbb")))
        #expect(try locate("org/name@aaa", environment) == .huggingFace(folder: PathBytes("\(snapshots)/aaa")))
        let checkpoint = try Checkpoint(locate("org/name", environment))
        #expect(try checkpoint.tensor("a")?.withBytes(Array.init) == [42])
        #expect(try ModelFolder(PathBytes("\(snapshots)/bbb")).readText("config.json") == Array("{}".utf8))
        #expect(problem("org/name@ccc", environment).contains(#"has no snapshot "ccc" (revision ccc), found aaa, bbb"#))
    }

    @Test func `Without refs a single snapshot will do, more are a question`() throws {
        try cacheRepository("hub", "one", commits: ["aaa"], main: nil)
        try cacheRepository("hub", "org--two", commits: ["aaa", "bbb"], main: nil)
        let environment = ["HF_HUB_CACHE": folder["hub"]]
        let only = folder["hub/models--one/snapshots/aaa"]
        #expect(try locate("one", environment) == .huggingFace(folder: PathBytes(only)))
        #expect(problem("org/two", environment).contains("has no refs/main, found aaa, bbb: choose one"))
    }

    @Test func `Incomplete and hostile caches are errors`() throws {
        let environment = ["HF_HUB_CACHE": folder["hub"]]
        try cacheRepository("hub", "gone", commits: [], main: "aaa")
        #expect(problem("gone", environment).contains(#"has no snapshot "aaa" (revision main), found no snapshot"#))
        try cacheRepository("hub", "evil", commits: ["aaa"], main: "../../..")
        #expect(problem("evil", environment).contains("should hold a commit"))
        try cacheRepository("hub", "empty", commits: ["aaa"], main: "")
        #expect(problem("empty", environment).contains("should hold a commit"))
        try folder.link("hub/models--half/snapshots/aaa/model.safetensors", to: "../../blobs/missing")
        try folder.write("{}", to: "hub/models--half/snapshots/aaa/config.json")
        let half = try locate("half", environment)
        #expect { try Checkpoint(half) } throws: { "\($0)".contains("the download is incomplete, fetch it again") }
    }

    @Test func `What is not found says where it was looked for`() {
        let environment = ["HF_HUB_CACHE": folder["hub"]]
        let text = problem("org/name", environment)
        #expect(text.contains("org/name: no such file or folder, and not in the hub cache"))
        #expect(text.contains(folder["hub/models--org--name"]))
        #expect(text.contains("fetch it with HubClient.pull(\"org/name\")"))
        #expect(problem("org/name@v1", environment).contains("pull(\"org/name@v1\")"))
        #expect(problem("org/name").contains("set HOME or HF_HOME"))
        #expect(problem("/no/such/model.clip", environment).contains("no such file or folder: give a .clip file"))
        #expect(problem("", environment).contains("no such file or folder"))
        #expect(problem("/dev/null", environment).contains("a device or a pipe"))
    }

    @Test func `A short name is found where its repository is, else it says how to fetch it`() throws {
        let environment = ["HF_HUB_CACHE": folder["hub"]]
        try cacheRepository("hub", "openai--clip-vit-base-patch32", commits: ["aaa"], main: "aaa")
        let snapshot = folder["hub/models--openai--clip-vit-base-patch32/snapshots/aaa"]
        #expect(try locate("ViT-B/32", environment) == .huggingFace(folder: PathBytes(snapshot)))
        #expect(try locate("ViT-B-32:openai", environment) == .huggingFace(folder: PathBytes(snapshot)))
        #expect(
            problem("ViT-L-14 laion2b", environment).contains("pull(\"laion/CLIP-ViT-L-14-laion2B-s32B-b82K\")"))
        #expect(problem("siglip2", environment).contains("may be 17 models, say which"))
        #expect(problem("clap-htsat", environment).contains("hears sounds"))
        // What is in the cache under a name is what the name means.
        try cacheRepository("hub", "ViT-B--32", commits: ["bbb"], main: "bbb")
        let own = folder["hub/models--ViT-B--32/snapshots/bbb"]
        #expect(try locate("ViT-B/32", environment) == .huggingFace(folder: PathBytes(own)))
    }

    @Test func `An installed model is called by its bare name`() throws {
        let path = try folder.write(weights, to: "models/b32.clip")
        let environment = ["CLIP_MODELS": folder["models"]]
        #expect(try locate("b32", environment) == .flat(file: PathBytes(path)))
        #expect(try locate("b32.clip", environment) == .flat(file: PathBytes(path)))
        #expect(problem("../models/b32", environment).contains("no such file or folder"))
        #expect(try InstalledModels(environment: environment)?.models().map(\.name) == ["b32"])
        #expect(InstalledModels(environment: ["HOME": "/me"])?.location.text == "/me/.local/share/clip/models")
        #expect(
            InstalledModels(environment: ["HOME": "/me", "XDG_DATA_HOME": "/d"])?.location.text == "/d/clip/models")
        #expect(InstalledModels(environment: [:]) == nil)
    }

    @Test func `The cache is listed`() throws {
        try cacheRepository("hub", "org--two--three", commits: ["aaa"], main: "aaa")
        try cacheRepository("hub", "one", commits: ["aaa", "bbb"], main: nil)
        try folder.write("", to: "hub/datasets--x--y/refs/main")
        let listed = try HubCache(root: folder["hub"]).repositories()
        #expect(listed.map(\.name) == ["one", "org/two--three"])
        guard case .unclear = try listed[0].holding.get() else {
            Issue.record("found \(listed[0].holding) where nothing says which snapshot is meant")
            return
        }
        #expect(try listed[1].holding.get() == .snapshot(folder["hub/models--org--two--three/snapshots/aaa"]))
    }

    @Test(arguments: [
        ("https://huggingface.co/org/name", "org/name"), (" org/name\n", "org/name"),
        ("https://huggingface.co/org/name/tree/main", "org/name"), ("hf.co/org/name/", "org/name"),
        ("http://www.huggingface.co/org/name/blob/refs%2Fpr%2F1/a.json?x#y", "org/name@refs/pr/1"),
        ("hf-hub:org/name", "org/name"), ("HF-HUB:org/name", "org/name"), ("ViT-B/32", "ViT-B/32"),
        ("https://example.org/org/name", "https://example.org/org/name"), ("https://huggingface.co/", ""), ("", ""),
        ("https://hf-hub:org/name", "https://hf-hub:org/name"),
    ])
    func `Names as people paste them`(text: String, expected: String) {
        #expect(HubName.bare(text) == expected)
    }

    @Test func `Names that can't be on the hub are not looked up`() {
        #expect(HubName("org/name@refs/pr/1")?.revision == "refs/pr/1")
        #expect(HubName("name") == HubName("name"))
        for text in ["", "/", "a/b/c", "../a", "a/..", "-a/b", "a b", "a/b@", "a/b@../c", "a/é", "a/\u{0}"] {
            #expect(HubName(text) == nil, "\(text)")
        }
    }
}
