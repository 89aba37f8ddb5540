import CLIPJSON

@testable import CLIPTokenizers

/// A tokenizer's files, written again from its pieces.
enum VocabularyFiles {
    /// CLIP's vocab.json and merges.txt.
    static func clip() -> TokenizerFiles {
        let tokenizer = BytePairTokenizer.builtIn()
        let entries = (0..<Int32(49_408)).map { "\(jsonString(tokenizer.piece($0))): \($0)" }
        let pairs = SixBitTable(CLIPMerges.pairs)
        var merges = "#version: 0.2\n"
        for rank in 0..<CLIPMerges.count {
            let left = tokenizer.piece(Int32(pairs.number(at: 6 * rank, count: 3)))
            let right = tokenizer.piece(Int32(pairs.number(at: 6 * rank + 3, count: 3)))
            merges += "\(left) \(right)\n"
        }
        return TokenizerFiles(
            vocabulary: Array("{\(entries.joined(separator: ", "))}".utf8), merges: Array(merges.utf8))
    }
}
