import CLIPTestSupport
import Testing

@testable import CLIPTokenizers

/// The files that a tokenizer is written as, read again.
@Suite struct ExportedFilesTests {
    private func files(_ tokenizer: BytePairTokenizer) throws -> TokenizerFiles {
        let texts = Dictionary(uniqueKeysWithValues: try tokenizer.files(contextLength: 77).map { ($0.name, $0.text) })
        func bytes(_ name: String) -> [UInt8]? { texts[name].map { Array($0.utf8) } }
        var files = TokenizerFiles(
            tokenizerJSON: bytes("tokenizer.json"), vocabulary: bytes("vocab.json"), merges: bytes("merges.txt"),
            configuration: bytes("tokenizer_config.json"))
        files.modelType = "clip"
        return files
    }

    @Test(arguments: ["small", "described-tokens", "added-tokens", "added-decoder", "tokenizer-json"])
    func `Added tokens are kept with what they do`(folder: String) throws {
        let original = try BytePairTokenizer(Fixtures.files(folder))
        let again = try loadTokenizer(files(original))
        #expect(again.compiled() == original.compiled())
        guard folder != "small" else { return }
        for (text, ids) in try Fixtures.golden("\(folder)/golden.json") { #expect(again.tokenize(text).ids == ids) }
    }

    @Test(arguments: [TextCleaning.openAI, .openCLIP, .openCLIPWhitespace, .openCLIPCanonical])
    func `Quotes, widths and controls are repaired by the written normalizer`(cleaning: TextCleaning) throws {
        let original = BytePairTokenizer.builtIn(cleaning: cleaning)
        let written = try files(original)
        #expect(written.vocabulary == nil)
        let again = try loadTokenizer(written)
        for text in [
            "a photo of a dog", "It’s “so” ﬁne – ＡＢＣ１２　ｶﾞ", "snake_case, C++ & Co.!",
            "\u{1B}[1;31mred\u{1B}[0m \u{7}bell\u{FEFF}",
            "e\u{301} \u{1100}\u{1161}\u{11A8} ŉ İstanbul ǅ", "tab\t\n\u{2003}\u{3000} end ", "", "I'LL don’t 3.14",
            "a\u{345}b α\u{345}",
            "the end of text", cleaning == .openCLIPCanonical ? "" : "end <|endoftext|> <end_of_text>",
        ] { #expect(again.tokenize(text).ids == original.tokenize(text).ids, "\(text.debugDescription)") }
        // What can't be said is named.
        #expect(original.exportedDifference?.contains("&amp;") == true)
        #expect(again.tokenize("Tom &amp; Jerry").ids != original.tokenize("Tom &amp; Jerry").ids)
    }
}
