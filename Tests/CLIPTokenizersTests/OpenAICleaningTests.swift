import CLIPSystem
import CLIPJSON
import CLIPTestSupport
import Testing

@testable import CLIPTokenizers

@Suite struct OpenAICleaningTests {
    private func cleaned(_ text: String) -> String {
        var cleaned = CleanedText()
        Array(text.utf8).withUnsafeBufferPointer { OpenAICleaning().clean($0, into: &cleaned) }
        return String(decoding: cleaned.bytes, as: UTF8.self)
    }

    @Test(arguments: [
        ("It’s “so” ﬁne", "it's \"so\" fine"), ("ＡＢＣ１２　ｶﾅ", "abc12 カナ"), ("ΑΣ ΑΣΑ Σ", "ας ασα σ"),
        ("Tom &amp; Jerry &lt;3 &#233; &#xE9; &EACUTE; &#x92;", "tom & jerry <3 é é é '"),
        ("&amp;amp;amp;amp;amp; twice and more", "& twice and more"),
        // After a tag only the two plain rounds are left, which know no names in capitals.
        ("&amp;amp;amp;amp; <b> &EACUTE;", "&amp;amp; <b> &eacute;"),
        ("&notit; &notin &amp &ampx &#59 &; & &#; &#x; &bogus;", "¬it; ¬in & &x ; &; & &#; &#x; &bogus;"),
        ("&#0; &#1114112; &#xD800; &#1; &#128; &#99999999999999999999;", "\u{FFFD} \u{FFFD} \u{FFFD} € \u{FFFD}"),
        ("\u{1B}[1;31mred\u{1B}[0m \u{7}bell\u{FEFF} \u{85}", "red bell …"),
        ("e\u{301} \u{1100}\u{1161}\u{11A8} ŉ", "é 각 'n"),
        ("tab\t\n\u{2003}\u{3000} end ", "tab end "),
    ])
    func `Texts are cleaned as the reference does`(text: String, expected: String) {
        #expect(Array(cleaned(text).utf8) == Array(expected.utf8))
    }

    @Test func `Special tokens count in the spelling of their own tokenizer alone`() {
        let text = "<|endoftext|> <END_OF_TEXT>"
        let openAI = BytePairTokenizer.builtIn(cleaning: .openAI).tokenize(text)
        #expect(openAI.ids.dropFirst().first == 49_407)
        #expect(openAI.ids.dropLast().last != 49_407)
        let openCLIP = BytePairTokenizer.builtIn(cleaning: .openCLIP).tokenize(text)
        #expect(openCLIP.ids.dropFirst().first != 49_407)
        #expect(openCLIP.ids.dropLast().last == 49_407)
    }

    @Test func `What a cut drops comes back as it was written`() {
        let tokenization = BytePairTokenizer.builtIn(cleaning: .openAI).tokenize("&quot;Ａ ﬁne&quot; it’s &amp;  B")
        #expect(tokenization.pieces.dropFirst().first == "\"</w>")
        #expect(tokenization.truncated(to: 6).droppedText == "it’s &amp;  B")
    }

    @Test func `A text escaped over and over takes no quadratic time`() {
        let text = "&" + String(repeating: "amp;", count: 50_000)
        #expect(cleaned(text).utf8.count > 100_000)
        #expect(!cleaned(String(repeating: "&#38;Σ'\u{345}", count: 20_000)).isEmpty)
    }

    /// Captions that were decoded with a wrong encoding, once or several times, whole or in parts.
    @Test func `Text in a wrong encoding is decoded again`() throws {
        let golden = try Fixtures.golden("mojibake.json")
        #expect(golden.count > 200)
        let tokenizer = BytePairTokenizer.builtIn(cleaning: .openCLIP)
        for (text, ids) in golden { #expect(tokenizer.tokenize(text).ids == ids, "\(text.debugDescription)") }
        #expect(cleaned("CafÃ© itâ€™s") == "café it's")
        // What is meant stays.
        #expect(cleaned("Ångström, naïve café, 5€") == "ångström, naïve café, 5€")
        // Of text that was repaired, too, a cut gives back what was written.
        let tokens = tokenizer.tokenize("cafÃ© dâ€™or")
        #expect((3..<tokens.ids.count).contains { tokens.truncated(to: $0).droppedText == "dâ€™or" })
    }

    @Test func `Repair takes no quadratic time`() {
        for part in ["Ã", "â€", "Ã©", "Ã ", "ðŸ", "é ", "Â\n", "ÃƒÆ’"] {
            #expect(!cleaned(String(repeating: part, count: 30_000)).isEmpty)
        }
    }

    @Test func `More additional tokens than a table has room for are refused, not a trap`() {
        let tokens = (0...1 << 16).map { "<\($0)>" }
        #expect(!BytePairTokenizer.canBeAdditional(tokens) && !BytePairTokenizer.canBeAdditional(["a", "a"]))
        let most = Array(tokens.dropLast())
        #expect(BytePairTokenizer.canBeAdditional(most))
        let tokenizer = BytePairTokenizer.builtIn(cleaning: .openCLIP, additionalTokens: most)
        #expect(tokenizer.tokenize("a <65535>").ids == [49406, 320, 49408 + 65535, 49407] as [Int32])
    }

    @Test(arguments: [
        ("lower", TextCleaning.openCLIP), ("whitespace", .openCLIPWhitespace), ("canonicalize", .openCLIPCanonical),
    ])
    func `Other settings of open_clip's tokenizer`(name: String, cleaning: TextCleaning) throws {
        let rows = try #require(JSONValue(parsing: Fixtures.bytes("openclip-options.json"))[name]?.array)
        #expect(rows.count == 80)
        let loaded = BytePairTokenizer.builtIn(cleaning: cleaning, additionalTokens: ["<PET>", "sks", "<my-token>"])
        let compiled = loaded.compiled()
        let memory = OwnedBytes(count: compiled.count)
        memory.mutableBytes.copyBytes(from: compiled)
        let mapped = try loadTokenizer(compiled: UnsafeRawBufferPointer(memory.mutableBytes), owner: memory)
        for row in rows {
            let text = row["text"]?.string ?? ""
            let ids = (row["tokens"]?.array ?? []).map { Int32($0.int ?? -1) }
            for tokenizer in [loaded, mapped] as [any Tokenizer] {
                #expect(tokenizer.tokenize(text).ids == ids, "\(text.debugDescription)")
            }
        }
        #expect(throws: CLIPError.self) { try loaded.files(contextLength: 77) }
        #expect(!BytePairTokenizer.canBeAdditional(["a|b"]) && !BytePairTokenizer.canBeAdditional(["<a b>"]))
    }
}
