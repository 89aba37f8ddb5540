import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP
@testable import CLIPWeights

/// Damaged model files load or throw one line: no trap, no hang.
@Suite struct DamagedModelTests {
    private let scratch: ScratchFolder
    private let image: Picture

    init() throws {
        scratch = try ScratchFolder()
        image = try Picture(contentsOf: Fixtures.picture("speck.png"))
    }

    /// Uses all of a model.
    private func use(_ url: URL) throws {
        let model = try CLIPModel(contentsOf: url, threads: 1)
        _ = (model.info.settings, model.info.card, model.fingerprint, model.info.weightCount)
        var failure: CLIPError?
        do { _ = try model.embed(image) } catch { failure = error }
        do { _ = try model.embed("a photo of a dog, naïve") } catch { failure = error }
        if let failure { throw failure }
    }

    /// - Returns: how many loaded and how many were refused.
    private func run(
        _ count: Int, seed: UInt64, _ original: [UInt8], limit: Int, to file: URL, model: URL
    ) throws -> (loaded: Int, refused: Int) {
        var random = SeededGenerator(seed: seed)
        var (loaded, refused) = (0, 0)
        for _ in 0..<count {
            try Data(random.damaged(original, within: limit)).write(to: file)
            if let message = refusal({ try use(model) }) {
                #expect(!message.utf8.contains(UInt8(ascii: "\n")), "\(message)")
                refused += 1
            } else {
                loaded += 1
            }
        }
        return (loaded, refused)
    }

    @Test(arguments: [
        ("quickgelu-f32", WeightType.float16, 0x5EED), ("gelu-f16-sharded", .float32, 0xC11B),
        ("quickgelu-f32", .int8, 0x1178), ("quickgelu-f32", .int16, 0x1616),
    ])
    func `Two thousand damaged .clip files of a model load or throw`(
        name: String, type: WeightType, seed: UInt64
    ) throws {
        let file = scratch["model.clip"]
        try CLIPModel(contentsOf: Fixtures.model(name)).pack(to: file, weights: type)
        try use(file)
        let whole = [UInt8](try Data(contentsOf: file))
        let header = 8 + Int(whole[0]) + Int(whole[1]) << 8
        let structure = try run(1200, seed: seed, whole, limit: header, to: file, model: file)
        let anywhere = try run(800, seed: seed + 1, whole, limit: whole.count, to: file, model: file)
        // Changed numbers may still be a model, changed structure is not.
        #expect(structure.refused > 300 && structure.loaded > 20)
        #expect(anywhere.refused > 100 && anywhere.loaded > 50)
    }

    @Test(arguments: [
        ("config.json", 500), ("model.safetensors", 500), ("preprocessor_config.json", 200), ("vocab.json", 150),
        ("merges.txt", 150), ("tokenizer_config.json", 100),
    ])
    func `Damaged files of a folder load or throw`(name: String, count: Int) throws {
        let folder = try scratch.copy(of: "quickgelu-f32")
        let file = folder.appending(path: name)
        let whole = [UInt8](try Data(contentsOf: file))
        let limit = name == "model.safetensors" ? 12_000 : whole.count
        let result = try run(count, seed: 0xDA7A, whole, limit: limit, to: file, model: folder)
        #expect(result.loaded + result.refused == count && result.refused > 0)
    }

    @Test func `A .clip file cut anywhere is refused`() throws {
        let file = scratch["model.clip"]
        try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32")).pack(to: file)
        let whole = try Data(contentsOf: file)
        for length in stride(from: 0, to: whole.count, by: whole.count / 97) {
            try whole.prefix(length).write(to: file)
            let message = refusal { _ = try CLIPModel(contentsOf: file) }
            #expect(message?.hasPrefix(file.path) == true, "\(length)")
        }
    }
}
