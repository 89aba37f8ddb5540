import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP

/// A file of a model's folder that can't be examined is never passed over for another one, or for a default. A link that
/// leads to itself is such a file, for every user.
@Suite struct AbsenceTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    @Test(arguments: [
        "config.json", "tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json",
        "preprocessor_config.json", "open_clip_config.json", "adapter_config.json", "adapter_model.bin", "modules.json",
        "model_card.json", "README.md",
    ])
    func `A file that can't be examined is named`(name: String) throws {
        let folder = try scratch.copy(of: "quickgelu-f32")
        let tokens = try CLIPModel(contentsOf: folder).tokenize("a photo").tokens
        let path = folder.appending(path: name).path
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: name)
        let problem = refusal { _ = try CLIPModel(contentsOf: folder).tokenize("a photo").tokens }
        #expect(problem?.contains("\(name): can't be examined: ") == true, "\(name): \(problem ?? "not refused")")
        try FileManager.default.removeItem(atPath: path)
        // Those that the model has are needed or have a default; without the others it is as it was.
        if !["config.json", "vocab.json", "merges.txt", "tokenizer_config.json"].contains(name) {
            #expect(try CLIPModel(contentsOf: folder).tokenize("a photo").tokens == tokens)
        }
    }
}
