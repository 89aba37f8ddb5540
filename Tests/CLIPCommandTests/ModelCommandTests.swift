import CLIPTestSupport
import Foundation
import Testing

@Suite struct ModelCommandTests {
    private let picture = Fixtures.pictures + "/waves.png"

    @Test(arguments: Fixtures.models)
    func `Pixels are the reference's`(model: String) throws {
        let folder = try TemporaryFolder()
        let golden = try #require(try Fixtures.golden(model)["pictures"] as? [[String: Any]])
        let paths = golden.map { "\(Fixtures.pictures)/\($0["picture"]!)" }
        let arguments = ["preprocess", "--model", model, "-o", folder["pixels.npy"]] + paths
        #expect(try ClipProcess.run(ClipProcess.path, arguments).status == 0)
        let array = try NumPyArray(folder.data("pixels.npy"))
        #expect(array.shape.prefix(2) == [4, 3] && array.shape[2] == array.shape[3])
        for (index, entry) in golden.enumerated() {
            for (found, expected) in zip(array.row(index), floats(entry["pixels_first_row"])) {
                #expect(abs(found - expected) <= 1e-5)
            }
        }
        #expect(try jsonObject(folder.data("pixels.npy.json"))["inputs"] as? [String] == paths)
    }

    @Test func `The fitted picture is a picture that fits`() throws {
        let folder = try TemporaryFolder()
        func preprocess(_ arguments: String...) throws -> ClipProcess {
            try ClipProcess.run(
                ClipProcess.path, ["preprocess", "--model", Fixtures.model] + arguments, in: folder.path)
        }
        #expect(try preprocess(picture, "-o", "seen.png").status == 0)
        #expect(try preprocess(picture, "-o", "a.npy").status == 0)
        #expect(try preprocess("seen.png", "-o", "b.npy").status == 0)
        #expect(try NumPyArray(folder.data("a.npy")).values == NumPyArray(folder.data("b.npy")).values)
        #expect(try preprocess(picture, "--fit", "multicrop", "-o", "c.npy").status == 0)
        let crops = try NumPyArray(folder.data("c.npy")).shape[0]
        let sidecar = try jsonObject(folder.data("c.npy.json"))
        #expect(crops > 1 && (sidecar["inputs"] as? [String])?.count == crops)
        let piped = try preprocess(picture)
        #expect(try NumPyArray(piped.output).values == NumPyArray(folder.data("a.npy")).values)
        let missing = try preprocess("nowhere.png", "-o", "d.png")
        #expect(missing.status == 1 && missing.errors.hasPrefix("clip: nowhere.png: can't be read: No such file"))
        #expect(try !folder.contents().contains { $0.hasPrefix("d.") || $0.hasPrefix(".") })
    }

    @Test func `Of a model with one encoder it is said, and pictures are refused without theirs`() throws {
        let folder = try TemporaryFolder()
        func clip(_ arguments: String...) throws -> ClipProcess {
            try ClipProcess.run(ClipProcess.path, arguments, in: folder.path)
        }
        for (option, name) in [("--texts-only", "t.clip"), ("--images-only", "i.clip")] {
            #expect(try clip("pack", Fixtures.model, option, "-o", name).status == 0)
            let isText = name == "t.clip"
            let record = try jsonObject(clip("info", name, "--format", "json").output)
            #expect((record["vision"] is NSNull) == isText && (record["text"] is NSNull) == !isText)
            let text = try clip("info", name, "--format", "text").text
            #expect(text.contains("image encoder none") == isText && text.contains("text encoder  none") == !isText)
        }
        for output in ["x.npy", "x.png"] {
            let refused = try clip("preprocess", "--model", "t.clip", picture, "-o", output)
            #expect(refused.status == 1 && refused.errorLines.count == 1)
            #expect(refused.errors.contains("t.clip: holds a text encoder alone"))
        }
        try FileManager.default.createDirectory(atPath: folder["in"], withIntermediateDirectories: true)
        try folder.copyPicture("waves.png", to: "in/a.png")
        #expect(try clip("index", "--model", "t.clip", "in").status == 1)
        #expect(try folder.contents() == ["i.clip", "in", "t.clip"])
    }

    @Test func `What is no model is named, and info says so too`() throws {
        let info = try ClipProcess.run("info", picture)
        #expect(info.status == 1 && info.errors.contains("is a picture (PNG), not a model"), "\(info.errors)")
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: Fixtures.model, toPath: folder["m"])
        let weights = try folder.data("m/model.safetensors")
        // The same file without a projection: another name of the same length.
        var bytes = [UInt8](weights)
        let name = Array("visual_projection.weight".utf8)
        let place = try #require(
            (0..<bytes.count - name.count).first { bytes[$0..<$0 + name.count].elementsEqual(name) })
        bytes[place] = UInt8(ascii: "V")
        try folder.write(Data(bytes), to: "m/model.safetensors")
        let towers = try ClipProcess.run("info", "m", in: folder.path)
        #expect(towers.status == 1 && towers.errors.contains("has no tensor \"visual_projection.weight\""))
    }

    @Test func `Of two files that contradict each other it is said which counts`() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: Fixtures.model, toPath: folder["m"])
        let old = try folder.text("m/preprocessor_config.json")
        let new = old.replacingOccurrences(of: "\"resample\": 3", with: "\"resample\": 0")
        try folder.write("{\"image_processor\": \(new)}", to: "m/processor_config.json")
        let run = try ClipProcess.run("embed-image", "--model", "m", picture, in: folder.path)
        #expect(run.status == 0 && run.errorLines.count == 1)
        #expect(
            run.errors.contains("processor_config.json counts: preprocessor_config.json beside it says otherwise "),
            "\(run.errors)")
        let quiet = try ClipProcess.run("embed-image", "--quiet", "--model", "m", picture, in: folder.path)
        #expect(quiet.status == 0 && quiet.errors.isEmpty)
    }

    @Test func `Packing, then everything works as before, and verifies`() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: Fixtures.model, toPath: folder["m"])
        // Without golden values of its own a model gets the probes that every model can have.
        try FileManager.default.removeItem(atPath: folder["m/golden.json"])
        let packed = try ClipProcess.run(
            "pack", "m", "-o", "m.clip", "--dtype", "f32", in: folder.path)
        #expect(packed.status == 0, "\(packed.errors)")
        let record = try packed.record
        #expect(record["path"] as? String == "m.clip" && record["dtype"] as? String == "f32")
        #expect(record["bytes"] as? Int == (try folder.data("m.clip").count))
        #expect(record["image_cosine"] as? Double == 1 && record["text_cosine"] as? Double == 1)
        #expect(try folder.contents() == ["m", "m.clip"])

        let from = { (model: String) in
            try ClipProcess.run("embed-image", "--model", model, self.picture, in: folder.path).record
        }
        #expect(try floats(from("m.clip")["embedding"]) == floats(from(Fixtures.model)["embedding"]))
        #expect(try from("m.clip")["model"] as? String == record["model"] as? String)
        let variable = try ClipProcess.run("embed-text", "x", in: folder.path, environment: ["CLIP_MODEL": "m.clip"])
        #expect(try variable.record["model"] as? String == record["model"] as? String)

        let verified = try ClipProcess.run("verify", "m.clip", in: folder.path)
        #expect(verified.status == 0 && verified.errors.isEmpty)
        let probes = try verified.records
        #expect(!probes.isEmpty && probes.allSatisfy { $0["passes"] as? Bool == true })
        let table = try ClipProcess.run("verify", "m.clip", "--format", "text", in: folder.path)
        #expect(table.lines.last?.hasPrefix("all ") == true && table.lines.count == probes.count + 2)
    }

    @Test func `Info names every setting with its source`() throws {
        let result = try ClipProcess.run("info", Fixtures.model, "--format", "json")
        #expect(result.status == 0)
        let record = try jsonObject(result.output)
        let settings = try #require(record["settings"] as? [[String: Any]])
        #expect(settings.count > 5 && settings.allSatisfy { ($0["source"] as? String)?.isEmpty == false })
        #expect((record["model"] as? String)?.count == 64 && record["embedding_dimension"] as? Int == 20)
        #expect(try jsonObject(ClipProcess.run("info", "--model", Fixtures.model).output)["path"] is String)
        #expect((record["operations_per_picture"] as? Int ?? 0) > 1000 && record["licence"] is NSNull)
        let text = try ClipProcess.run("info", Fixtures.model, "--format", "text").text
        #expect(text.contains("licence       not said: look at the model's origin"))
        for setting in settings { #expect(text.contains(setting["name"] as! String)) }
    }

    @Test func `Models are listed, wherever they are`() throws {
        let folder = try TemporaryFolder()
        let environment = ["HF_HUB_CACHE": folder["hub"], "CLIP_MODELS": folder["own"]]
        try folder.makeFolder("own")
        let packed = try ClipProcess.run("pack", Fixtures.model, "-o", folder["own/tiny.clip"])
        #expect(packed.status == 0, "\(packed.errors)")
        let snapshots = "hub/models--org--tiny/snapshots"
        try folder.makeFolder(snapshots)
        try FileManager.default.copyItem(atPath: Fixtures.model, toPath: folder[snapshots + "/abc"])
        try folder.write(#"{"model_type":"clip"}"#, to: "hub/models--org--half/snapshots/abc/config.json")
        try folder.write(#"{"model_type":"bert"}"#, to: "hub/models--org--words/snapshots/abc/config.json")
        let records = try ClipProcess.run("models", environment: environment).records
        #expect(records.map { $0["name"] as? String } == ["embedded", "tiny", "org/half", "org/tiny"])
        #expect(records.map { $0["kind"] as? String } == ["embedded", "file", "hub", "hub"])
        #expect(records.map { $0["dtypes"] as? [String] } == [["f16"], ["f16"], [], ["f32"]])
        #expect(records[3]["family"] as? String == "CLIP" && records[3]["embedding_dimension"] as? Int == 20)
        #expect((records[2]["problem"] as? String)?.contains("has no weights") == true)
        let text = try ClipProcess.run("models", "--format", "text", environment: environment)
        #expect(text.text.contains("can't be loaded: has no weights") && text.text.contains("  org/tiny"))
        // By the name that the list has, a model is found.
        for name in ["tiny", "org/tiny"] {
            #expect(try ClipProcess.run("info", name, environment: environment).status == 0)
        }

        let known = try ClipProcess.run("models", "--known", environment: environment).records
        let entry = try #require(known.first { $0["name"] as? String == "ViT-B-32:laion2b_s34b_b79k" })
        #expect(entry["repository"] as? String == "laion/CLIP-ViT-B-32-laion2B-s34B-b79K")
        #expect(entry["quick_gelu"] as? Bool == false && entry["present"] as? Bool == false)
        #expect(entry["parameters"] as? Int == 151_000_000 && entry["license"] as? String == "mit")
        #expect(entry["languages"] as? String == "English" && entry["loads"] as? Bool == true)
    }

    @Test func `A model that is missing or damaged is one clear line`() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: Fixtures.model, toPath: folder["m"])
        let weights = try folder.data("m/model.safetensors")
        try folder.write(weights.prefix(weights.count / 2), to: "m/model.safetensors")
        try folder.write("nothing", to: "x.clip")
        for model in ["nowhere", "no/where", "m", "x.clip", "."] {
            for command in ["embed-image", "embed-text", "tokenize", "classify", "info", "verify"] {
                var arguments = [command, "--model", model]
                if command == "classify" { arguments += ["--labels", "a,b"] }
                if !["info", "verify"].contains(command) { arguments += [picture, picture] }
                let result = try ClipProcess.run(ClipProcess.path, arguments, in: folder.path)
                // Half a weights file still has a whole vocabulary.
                if model == "m", command == "tokenize", result.status == 0 { continue }
                #expect(result.status == 1 && !result.wasKilled, "\(command) \(model): \(result.errors)")
                #expect(result.output.isEmpty && result.errorLines.count == 1, "\(command) \(model): \(result.errors)")
                #expect(result.errors.hasPrefix("clip: "))
            }
        }
        let packed = try ClipProcess.run("pack", "m", "-o", "out.clip", in: folder.path)
        #expect(packed.status == 1 && packed.errorLines.count == 1)
        #expect(try folder.contents() == ["m", "x.clip"])
    }
}
