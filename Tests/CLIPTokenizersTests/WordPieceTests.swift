import CLIPSystem
import CLIPTestSupport
import Testing

@testable import CLIPTokenizers

/// BERT's tokenizer against transformers, and against open_clip's wrapper around it.
@Suite struct WordPieceTests {
    /// vocab.txt, or tokenizer.json.
    enum Source: CaseIterable { case vocabulary, json }

    private static let text = "A Photo's of [SEP] 東京 ﬁ é \u{1F99C} " + String(repeating: "kato", count: 20)

    private func files(_ source: Source) throws -> TokenizerFiles {
        TokenizerFiles(
            tokenizerJSON: source == .json ? try Fixtures.bytes("bert/tokenizer.json") : nil,
            configuration: try Fixtures.bytes("bert/tokenizer_config.json"),
            wordPieces: source == .vocabulary ? try Fixtures.bytes("bert/vocab.txt") : nil)
    }

    @Test(arguments: Source.allCases)
    func `Tokens equal the reference's`(source: Source) throws {
        let tokenizer = try loadTokenizer(files(source))
        let golden = try Fixtures.golden("bert/golden.json")
        #expect(golden.count == 400)
        for (text, ids) in golden { #expect(tokenizer.tokenize(text).ids == ids, "\(text.debugDescription)") }
        #expect(tokenizer.startTokens == [2] && tokenizer.endTokens == [3] && tokenizer.paddingToken == 0)
    }

    @Test(arguments: Source.allCases)
    func `Tokens equal those of open_clip, which repairs texts and strips the separator`(source: Source) throws {
        let tokenizer = try loadTokenizer(files(source), wrapping: OpenCLIPWrapping(stripsSeparator: true))
        for (text, ids) in try Fixtures.golden("bert/golden-openclip.json") {
            #expect(tokenizer.tokenize(text).ids == ids, "\(text.debugDescription)")
        }
        #expect(tokenizer.tokenize("a &amp; b").ids == tokenizer.tokenize("a & b").ids)
        #expect(tokenizer.endTokens == [0])
    }

    @Test func `The compiled form gives the same tokens`() throws {
        let tokenizer = try loadTokenizer(files(.vocabulary), wrapping: OpenCLIPWrapping(cleaning: .canonicalize))
        let compiled = tokenizer.compiled()
        let memory = OwnedBytes(count: compiled.count)
        memory.mutableBytes.copyBytes(from: compiled)
        let mapped = try loadTokenizer(compiled: UnsafeRawBufferPointer(memory.mutableBytes), owner: memory)
        #expect(mapped.compiled() == compiled)
        for (text, _) in try Fixtures.golden("bert/golden.json") {
            #expect(mapped.tokenize(text).ids == tokenizer.tokenize(text).ids)
        }
    }

    @Test func `A text without small letters made keeps its accents`() throws {
        var files = try files(.vocabulary)
        files.configuration = Array(#"{"do_lower_case": false, "tokenize_chinese_chars": false}"#.utf8)
        files.wordPieces = Array("[PAD]\n[UNK]\n[CLS]\n[SEP]\nÉ\nE\ne\n東京\n".utf8)
        let tokenizer = try PipelineTokenizer(wordPiece: files)
        #expect(tokenizer.tokenize("É e E É 東京").pieces == ["[CLS]", "É", "e", "E", "É", "東京", "[SEP]"])
        files.configuration = nil
        let usual = try PipelineTokenizer(wordPiece: files)
        #expect(usual.tokenize("É e E 東京").pieces == ["[CLS]", "e", "e", "e", "[UNK]", "[UNK]", "[SEP]"])
    }

    @Test func `A text is cut between words, a long word is unknown`() throws {
        let tokenizer = try loadTokenizer(files(.vocabulary))
        let long = tokenizer.tokenize("a " + String(repeating: "kato", count: 1 << 16) + " dog")
        #expect(long.ids.count == 5 && long.pieces[2] == "[UNK]")
        let text = "a photo of a dog " + String(repeating: "and a cat ", count: 30)
        let (ids, dropped) = tokenizer.tokenize(text).truncated(to: 12)
        #expect(ids.count == 12 && ids.last == 3)
        #expect(try text.hasSuffix(#require(dropped)))
    }

    @Test func `Missing special tokens are named`() throws {
        var files = try files(.vocabulary)
        files.wordPieces = Array("[PAD]\n[UNK]\n[CLS]\na".utf8)
        #expect(throws: CLIPError.self) { try PipelineTokenizer(wordPiece: files) }
        do { _ = try PipelineTokenizer(wordPiece: files) } catch {
            #expect(error.description.contains("vocab.txt: has no token \"[SEP]\""))
        }
    }

    @Test(arguments: Source.allCases)
    func `Damaged files load or are refused`(source: Source) throws {
        var random = SeededGenerator(seed: 0xBE27)
        let whole = try files(source)
        var refused = 0
        for _ in 0..<600 {
            var files = whole
            files.tokenizerJSON = files.tokenizerJSON.map { random.damaged($0) }
            files.wordPieces = files.wordPieces.map { random.damaged($0) }
            let load = { try loadTokenizer(files, wrapping: OpenCLIPWrapping(stripsSeparator: true)) }
            if try isRefused(WordPieceTests.text, load) { refused += 1 }
        }
        #expect((source == .json ? 30..<600 : 1..<600).contains(refused))
    }

    @Test func `Damaged compiled forms load or are refused`() throws {
        var random = SeededGenerator(seed: 0xF1A8)
        let original = try loadTokenizer(files(.vocabulary)).compiled()
        for round in 0..<1000 {
            let (bytes, memory) = random.damagedForm(original, head: 300, round: round)
            if let tokenizer = try? loadTokenizer(compiled: bytes, owner: memory) {
                _ = tokenizer.tokenize("a photo of [SEP] 東京 kato").pieces
            }
        }
    }
}
