import CLIPTestSupport
import Testing

@testable import CLIPTokenizers

@Suite struct TokenizationTests {
    let tokenizer = BytePairTokenizer.builtIn(cleaning: .transformers)

    @Test func `Pieces are spelled as in the vocabulary`() {
        let tokenization = tokenizer.tokenize("A photo, naïve 🐶")
        #expect(
            tokenization.pieces == [
                "<|startoftext|>", "a</w>", "photo</w>", ",</w>", "na", "Ã¯", "ve</w>", "ðŁĲ¶</w>", "<|endoftext|>",
            ])
        #expect(tokenizer.piece(-1).isEmpty)
        #expect(tokenizer.piece(49_408).isEmpty)
    }

    @Test func `A text that fits loses nothing`() {
        let tokenization = tokenizer.tokenize("two dogs")
        #expect(tokenization.truncated(to: 4).ids == tokenization.ids)
        #expect(tokenization.truncated(to: 4).droppedText == nil)
        #expect(tokenizer.tokenize("").ids == [49_406, 49_407])
        #expect(tokenizer.tokenize(" \u{3000}\n").ids == [49_406, 49_407])
    }

    @Test(arguments: [
        ("Two DOGS play in the Snow", 5, "in the Snow"),
        // Cut within a word, the word counts as lost.
        ("a supercalifragilisticexpialidocious dog", 5, "supercalifragilisticexpialidocious dog"),
        // The text comes back as it was written, cleaning or not.
        ("İ İ  É e\u{301}\u{323} \u{2003}ﬁn  Å end", 12, "ﬁn  Å end"),
        ("x <|endoftext|>  y Z", 4, "y Z"),
        ("a b c", 2, "a b c"), ("a b c", 1, "a b c"), ("a b c", 0, "a b c"),
    ])
    func `A cut keeps the end token and tells what it drops`(text: String, length: Int, dropped: String) {
        let tokenization = tokenizer.tokenize(text)
        let (ids, droppedText) = tokenization.truncated(to: length)
        #expect(ids.count == length)
        #expect(ids.dropLast() == tokenization.ids.prefix(max(length - 1, 0)))
        #expect(length == 0 || ids.last == 49_407)
        #expect(droppedText.map { Array($0.utf8) } == Array(dropped.utf8))
    }

    @Test func `Windows of a long text hold all its tokens and end between words`() {
        let text = "one supercalifragilistic two three \(String(repeating: "q", count: 40)) four"
        let tokenization = tokenizer.tokenize(text)
        for length in 3...20 {
            let chunks = tokenization.chunks(contextLength: length)
            #expect(chunks.allSatisfy { $0.count <= length && $0.first == 49_406 && $0.last == 49_407 })
            #expect(chunks.flatMap { $0.dropFirst().dropLast() } == Array(tokenization.ids.dropFirst().dropLast()))
        }
        #expect(tokenizer.tokenize("two three four five").chunks(contextLength: 4).map(\.count) == [4, 4])
        #expect(tokenizer.tokenize("red bumblebees bumblebees").chunks(contextLength: 4).count == 3)
        #expect(tokenizer.tokenize("").chunks(contextLength: 77) == [[49_406, 49_407]])
    }

    @Test func `A word of a megabyte is encoded like a short one`() {
        let word = String(repeating: "ab", count: 500_000)
        let ids = tokenizer.tokenize(word).ids
        #expect(ids.count < 600_000)
        let bytes = ids.dropFirst().dropLast().map { tokenizer.piece($0) }.joined()
        #expect(bytes == word + "</w>")
    }

    @Test(arguments: [2, 31, 32, 33, 34, 200])
    func `The two ways to merge a word agree`(length: Int) {
        var random = SeededGenerator(seed: UInt64(length))
        for _ in 0..<200 {
            let word = (0..<length).map { _ in UInt8.random(in: 97...105, using: &random) }
            var merger = PairMerger(tokenizer.table.merges)
            var ids: [Int32] = []
            merger.encode(word.count, into: &ids) {
                tokenizer.table.symbol(word[$0], endsWord: $0 == word.count - 1)
            }
            #expect(ids == slowlyMerged(word))
        }
    }

    /// Byte-pair encoding as its definition says.
    private func slowlyMerged(_ word: [UInt8]) -> [Int32] {
        var tokens = word.indices.map { tokenizer.table.symbol(word[$0], endsWord: $0 == word.count - 1) }
        let merges = tokenizer.table.merges
        while true {
            let ranks = tokens.indices.dropLast().map { merges.rank(tokens[$0], tokens[$0 + 1]) }
            guard let best = ranks.min(), best != MergeTable.noRank, let place = ranks.firstIndex(of: best) else {
                break
            }
            tokens.replaceSubrange(place...place + 1, with: [merges.result(best)])
        }
        return tokens.map { Int32($0) }
    }
}
