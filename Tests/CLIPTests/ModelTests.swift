import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP

/// Fixture models through the public interface, from their folders and from packed files, against transformers.
@Suite struct ModelTests {
    /// How a model is loaded.
    enum Form: String, CaseIterable {
        case folder, packedF32, packedF16
    }

    private func load(_ name: String, _ form: Form, in scratch: ScratchFolder, threads: Int? = nil) throws -> CLIPModel
    {
        let model = try CLIPModel(contentsOf: Fixtures.model(name), threads: threads)
        guard form != .folder else { return model }
        let file = scratch["\(name)-\(form.rawValue).clip"]
        try model.pack(to: file, weights: form == .packedF32 ? .float32 : .float16)
        return try CLIPModel(contentsOf: file, threads: threads)
    }

    @Test func `An error is described in its own words`() {
        let error: any Error = CLIPError(.model, path: "m", "is missing: fetch it again")
        #expect(error.localizedDescription == "m: is missing: fetch it again")
    }

    @Test func `A model may lie in a folder whose name is not UTF-8, and be written there`() throws {
        let scratch = try ScratchFolder()
        let folder = PathBytes(scratch[""]).map { $0.appending([0x6D, 0xE9]) }
        let place = try #require(folder)
        try place.makeFolders(.storage)
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        let expected = try model.embed("a dog")
        try model.pack(to: place.appending("m.clip").url, weights: .float32)
        let packed = try CLIPModel(contentsOf: place.appending("m.clip").url)
        #expect(try packed.embed("a dog") == expected)
        #expect(packed.info.url == place.appending("m.clip").url)
        try packed.export(to: place.appending("folder").url)
        #expect(try CLIPModel(contentsOf: place.appending("folder").url).embed("a dog") == expected)
    }

    @Test(arguments: Fixtures.modelNames, Form.allCases)
    func `Embeddings are the reference's`(name: String, form: Form) throws {
        let scratch = try ScratchFolder()
        let model = try load(name, form, in: scratch)
        let golden = try Golden.of(name)
        // Packed as f16, weights of an f32 checkpoint are rounded; those of an f16 one are not.
        let isRounded = form == .packedF16 && name.contains("f32")
        let leastCosine: Float = isRounded ? 0.9999 : 0.999999
        #expect(abs(model.logitScale / golden.logit_scale - 1) < 1e-6)
        for text in golden.texts {
            #expect(try model.tokenize(text.text).tokens.prefix(text.tokens.count - 1) == text.tokens.dropLast())
            let embedding = try model.embed(text.text, normalize: false)
            #expect(embedding.similarity(to: Embedding(values: text.embedding)) >= leastCosine, "\(text.text)")
            if !isRounded { #expect(relativeError(embedding.values, text.embedding) <= 1e-4, "\(text.text)") }
        }
        for picture in golden.pictures {
            let image = try Picture(contentsOf: Fixtures.picture(picture.picture))
            let pixels = try model.preprocess(image)
            let side = model.info.preprocessing.cropSize
            #expect(pixels.shape == [1, 3, side, side] && pixels.values.count == 3 * side * side)
            for (value, expected) in zip(pixels.values, picture.pixels_first_row) {
                #expect(abs(value - expected) <= 1e-5)
            }
            let embedding = try model.embed(image, normalize: false)
            #expect(embedding.similarity(to: Embedding(values: picture.embedding)) >= leastCosine, "\(picture.picture)")
            if !isRounded { #expect(relativeError(embedding.values, picture.embedding) <= 1e-4, "\(picture.picture)") }
        }
    }

    @Test(arguments: Fixtures.modelNames)
    func `Any batch and any number of threads give the same bits`(name: String) throws {
        let golden = try Golden.of(name)
        let pictures = try golden.pictures.map { try Picture(contentsOf: Fixtures.picture($0.picture)) }
        let images = (0..<33).map { pictures[$0 * 7 % pictures.count] }
        let texts = (0..<70).map { golden.texts[$0 * 3 % golden.texts.count].text + " \($0 % 9)" }
        let single = try CLIPModel(contentsOf: Fixtures.model(name), threads: 1)
        let expectedImages = try images.map { try single.embed($0) }
        let expectedTexts = try texts.map { try single.embed($0) }
        for threads in [1, 2, 3] {
            let model = try CLIPModel(contentsOf: Fixtures.model(name), threads: threads)
            #expect(model.threads == threads)
            for count in [1, 7, 32, 33] {
                #expect(try model.embed(Array(images.prefix(count))) == Array(expectedImages.prefix(count)))
            }
            for count in [1, 7, 32, 70] {
                #expect(try model.embed(Array(texts.prefix(count))) == Array(expectedTexts.prefix(count)))
            }
        }
    }

    @Test func `Equal texts are encoded once, and those that begin alike stand side by side`() throws {
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        let texts = ["a photo of a dog", "blue", "a photo of a cat", "a photo of a dog", "a photo", "blue"]
        let plan = TextPlan(try model.loaded.windows(of: texts, .truncate))
        #expect(plan.windows.count == 4)
        #expect(zip(plan.windows, plan.windows.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
        // Each text gets its own window's result.
        let marked = plan.embeddings(
            plan.windows.map { Embedding(values: $0.map { Float($0) }) }, normalize: false)
        #expect(try marked.map(\.values) == texts.map { try model.tokenize($0).tokens.map { Float($0) } })
    }

    @Test func `Embeddings are of length 1 unless asked otherwise`() throws {
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        let image = try Picture(contentsOf: Fixtures.picture("blocks.png"))
        let (raw, unit) = (try model.embed(image, normalize: false), try model.embed(image))
        #expect(abs(unit.length - 1) < 1e-6 && abs(raw.length - 1) > 0.1)
        #expect(unit == raw.normalized())
        #expect(unit.values.count == model.embeddingDimension)
        let none: [Embedding] = try model.embed([Picture]())
        #expect(none.isEmpty)
        #expect(try model.embed([String]()).isEmpty)
    }

    @Test func `Crops of a wide picture are embedded each and averaged`() throws {
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        let image = try Picture(contentsOf: Fixtures.picture("blocks.png"))
        let pixels = try model.preprocess(image, fit: .multicrop)
        let fitted = try model.fittedPictures(of: image, fit: .multicrop)
        #expect(pixels.shape[0] > 1 && fitted.count == pixels.shape[0])
        let parts = try fitted.map { try model.embed($0) }
        var mean = [Float](repeating: 0, count: model.embeddingDimension)
        for part in parts { for index in mean.indices { mean[index] += part.values[index] / Float(parts.count) } }
        let embedding = try model.embed(image, fit: .multicrop)
        #expect(relativeError(embedding.values, Embedding(values: mean).normalized().values) < 1e-5)
        let whole = try model.embed([image, image], fit: .multicrop)
        #expect(whole == [embedding, embedding])
        #expect(try model.fittedPictures(of: image, fit: .squash).map { [$0.width, $0.height] } == [[32, 32]])
    }

    @Test func `Long texts are cut, refused or chunked`() throws {
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        let context = model.info.configuration.text.contextLength
        let words = "one two three four five six seven eight nine ten eleven twelve"
        let count = try model.tokenize(words).tokens.count
        #expect(count > context)
        let dropped = try #require(try model.droppedText(of: words))
        #expect(words.hasSuffix(dropped) && dropped.count < words.count)
        #expect(try model.droppedText(of: "one") == nil)

        let cut = try model.tokenWindows(of: words)
        #expect(cut.count == 1 && cut[0].tokens.count == context && cut[0].pieces.count == context)
        let message = try #require(refusal { _ = try model.embed(words, longText: .error) })
        #expect(message.contains("has \(count) tokens, the model takes \(context)") && message.contains(dropped))
        #expect(refusal { _ = try model.embed("one", longText: .error) } == nil)

        let windows = try model.tokenWindows(of: words, longText: .chunk)
        #expect(windows.count > 1 && windows.allSatisfy { $0.tokens.count <= context })
        #expect(
            windows.flatMap { $0.tokens.dropFirst().dropLast() }
                == Array(try model.tokenize(words).tokens.dropFirst().dropLast()))
        let chunked = try model.embed(words, longText: .chunk)
        #expect(abs(chunked.length - 1) < 1e-6)
        #expect(try chunked.similarity(to: model.embed(words)) < 0.9999)
        // A text that fits is its only chunk.
        #expect(try model.embed("one", longText: .chunk) == model.embed("one"))
        #expect(
            try model.embed(["one", words, "one"], longText: .chunk) == [
                model.embed("one"), chunked, model.embed("one"),
            ])
    }

    @Test func `What a model says of itself`() throws {
        let scratch = try ScratchFolder()
        let folder = try CLIPModel(contentsOf: Fixtures.model("gelu-f16-sharded"))
        #expect(folder.info.hasImageEncoder && folder.info.hasTextEncoder)
        #expect(folder.info.weightTypes == ["f16"])
        #expect(folder.embeddingDimension == 40)
        #expect(folder.info.card?.name == "gelu-f16-sharded")
        #expect(folder.fingerprint.count == 64)
        #expect(try folder.fingerprint == CLIPModel(contentsOf: Fixtures.model("gelu-f16-sharded")).fingerprint)
        #expect(try folder.fingerprint != CLIPModel(contentsOf: Fixtures.model("quickgelu-f32")).fingerprint)
        let names = folder.info.settings.map(\.name)
        #expect(Set(names).count == names.count)
        for name in ["image activation", "text pooling", "logit scale", "tokenizer", "picture interpolation"] {
            #expect(names.contains(name), "\(name)")
        }
        #expect(folder.info.settings.first { $0.name == "text pooling" }?.warning?.contains("legacy") == true)

        let packed = try load("gelu-f16-sharded", .packedF16, in: scratch)
        #expect(packed.info.configuration == folder.info.configuration)
        #expect(packed.info.preprocessing == folder.info.preprocessing)
        #expect(packed.info.settings == folder.info.settings)
        #expect(packed.info.weightTypes == ["f16"] && packed.info.weightCount == folder.info.weightCount)
        #expect(packed.info.byteCount == (try Data(contentsOf: URL(filePath: packed.info.path))).count)
        #expect(packed.fingerprint != folder.fingerprint)
    }

    @Test func `Models are found by name in the hub's cache`() throws {
        let scratch = try ScratchFolder()
        let snapshots = scratch["models--tiny--clip/snapshots"]
        try FileManager.default.createDirectory(at: snapshots, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: Fixtures.model("quickgelu-f32"), to: snapshots.appending(path: "0123abc"))
        let model = try CLIPModel(contentsOf: snapshots.appending(path: "0123abc"))
        #expect(model.info.card?.name == "tiny/clip" && model.info.card?.version == "0123abc")
        #expect(throws: CLIPError.self) { try CLIPModel(named: "no-such/model-anywhere") }
        #expect(throws: CLIPError.self) { try CLIPModel(contentsOf: scratch["nothing.clip"]) }
        let remote = try #require(URL(string: "https://example.com/model.clip"))
        let message = try #require(refusal { _ = try CLIPModel(contentsOf: remote) })
        #expect(message == "https://example.com/model.clip: is not a file: download the model first")
        #expect(refusal { _ = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"), threads: 0) } != nil)
    }
}

extension Golden {
    static func of(_ model: String) throws -> Golden { try Fixtures.golden(model) }
}
