import Testing

@testable import CLIPTokenizers

/// Tokenizers that begin every text with its language.
@Suite struct LanguageTests {
    private static let json = """
        {"added_tokens": [
        {"id": 0, "content": "<s>", "special": true}, {"id": 1, "content": "<pad>", "special": true},
        {"id": 2, "content": "</s>", "special": true}, {"id": 3, "content": "<unk>", "special": true},
        {"id": 7, "content": "eng_Latn", "special": true}, {"id": 8, "content": "deu_Latn", "special": true},
        {"id": 9, "content": "Not_Code", "special": true}],
        "normalizer": null, "pre_tokenizer": null, "post_processor": null,
        "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true,
        "vocab": {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "▁": 4, "a": 5, "▁a": 6}, "merges": ["▁ a"]}}
        """

    private func tokenizer(_ configuration: String) throws -> any Tokenizer {
        try loadTokenizer(
            TokenizerFiles(
                tokenizerJSON: Array(LanguageTests.json.utf8), configuration: Array(configuration.utf8)))
    }

    @Test func `Texts begin with the language that they are said to be in`() throws {
        let english = try tokenizer(#"{"tokenizer_class": "NllbTokenizer", "src_lang": "eng_Latn"}"#)
        #expect(english.languages == ["deu_Latn", "eng_Latn"])
        #expect(english.tokenize("a").ids == [7, 6, 2])
        let german = try #require(english.reading("deu_Latn"))
        #expect(german.tokenize("a").ids == [8, 6, 2] && german.startTokens == [8])
        #expect(german.tokenize("a a a").truncated(to: 3).ids == [8, 6, 2])
        #expect(english.reading("Not_Code") == nil && english.reading("fra_Latn") == nil)
    }

    @Test func `Others have none`() throws {
        let other = try tokenizer(#"{"tokenizer_class": "PreTrainedTokenizerFast"}"#)
        #expect(other.languages.isEmpty && other.reading("deu_Latn") == nil)
    }
}
