import CLIPTestSupport
import Foundation
import CLIPJSON
import Testing

@testable import CLIPTokenizers

extension Fixtures {
    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder(of: "CLIPTokenizersTests").appending(path: path)))
    }

    /// The small vocabulary of 814 tokens, with what a folder has beside it.
    static func files(_ folder: String = "small") throws -> TokenizerFiles {
        TokenizerFiles(
            tokenizerJSON: try? bytes("\(folder)/tokenizer.json"),
            vocabulary: try bytes("small/vocab.json"), merges: try bytes("small/merges.txt"),
            configuration: try? bytes("\(folder)/tokenizer_config.json"),
            specialTokensMap: try? bytes("\(folder)/special_tokens_map.json"),
            addedTokens: try? bytes("\(folder)/added_tokens.json"))
    }

    /// Texts and the ids that the reference gives for them.
    static func golden(_ path: String) throws -> [(text: String, ids: [Int32])] {
        try #require(JSONValue(parsing: bytes(path)).array).map { entry in
            let ids = try #require(entry["tokens"]?.array).map { try Int32(#require($0.int)) }
            return (try #require(entry["text"]?.string), ids)
        }
    }
}
