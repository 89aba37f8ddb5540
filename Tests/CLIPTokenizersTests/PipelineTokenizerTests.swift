import CLIPTestSupport
import Testing

@testable import CLIPTokenizers

/// Tokenizers of SigLIP's, SigLIP 2's and XLM-RoBERTa's kind against transformers.
@Suite struct PipelineTokenizerTests {
    static let folders = ["siglip", "siglip2", "unigram-json", "fairseq"]

    static func files(_ folder: String) throws -> TokenizerFiles {
        var files = TokenizerFiles(
            tokenizerJSON: try? Fixtures.bytes("\(folder)/tokenizer.json"),
            configuration: try? Fixtures.bytes("\(folder)/tokenizer_config.json"),
            sentencePiece: try? Fixtures.bytes("\(folder)/spiece.model"))
        files.fairseqModel = try? Fixtures.bytes("\(folder)/sentencepiece.bpe.model")
        return files
    }

    static func load(_ folder: String, _ files: TokenizerFiles) throws -> PipelineTokenizer {
        if folder == "fairseq" { return try #require(try loadTokenizer(files) as? PipelineTokenizer) }
        return folder == "siglip"
            ? try PipelineTokenizer(siglip: files)
            : try PipelineTokenizer(tokenizerJSON: files, isLowercased: folder == "siglip2")
    }

    static func load(_ folder: String) throws -> PipelineTokenizer { try load(folder, files(folder)) }

    @Test(arguments: PipelineTokenizerTests.folders)
    func `Tokens equal the reference's`(folder: String) throws {
        let tokenizer = try PipelineTokenizerTests.load(folder)
        let golden = try Fixtures.golden("\(folder)/golden.json")
        #expect(golden.count == 400)
        for (text, ids) in golden { #expect(tokenizer.tokenize(text).ids == ids, "\(text.debugDescription)") }
    }

    @Test(arguments: PipelineTokenizerTests.folders)
    func `The compiled form gives the same tokens, at any alignment`(folder: String) throws {
        let tokenizer = try PipelineTokenizerTests.load(folder)
        let compiled = tokenizer.compiled()
        for shift in 0..<3 {
            let memory = OwnedBytes(count: compiled.count + shift)
            let place = UnsafeMutableRawBufferPointer(rebasing: memory.mutableBytes[shift...])
            place.copyBytes(from: compiled)
            let mapped = try loadTokenizer(compiled: UnsafeRawBufferPointer(place), owner: memory)
            #expect(mapped.compiled() == compiled && mapped.vocabularySize == tokenizer.vocabularySize)
            for (text, ids) in try Fixtures.golden("\(folder)/golden.json").prefix(60) {
                #expect(mapped.tokenize(text).ids == ids)
            }
        }
    }

    @Test func `Files say how texts begin, end and are filled up`() throws {
        let unigram = try PipelineTokenizerTests.load("siglip")
        #expect(unigram.startTokens == [] && unigram.endTokens == [1] && unigram.paddingToken == 1)
        let merged = try PipelineTokenizerTests.load("siglip2")
        #expect(merged.startTokens == [] && merged.endTokens == [1] && merged.paddingToken == 0)
        let described = try PipelineTokenizerTests.load("unigram-json")
        #expect(described.startTokens == [0] && described.endTokens == [1])
        let fairseq = try PipelineTokenizerTests.load("fairseq")
        #expect(fairseq.startTokens == [0] && fairseq.endTokens == [2] && fairseq.tokenize("<mask>").ids.count == 3)
        #expect(try paddingToken(PipelineTokenizerTests.files("siglip")) == 1)
        #expect(try paddingToken(PipelineTokenizerTests.files("siglip2")) == 0)
        #expect(TokenizerJSON.isByteLevel(try Fixtures.bytes("tokenizer-json/tokenizer.json")))
        #expect(!TokenizerJSON.isByteLevel(try Fixtures.bytes("siglip2/tokenizer.json")))
    }

    @Test func `A long text is cut before a word, its end token kept`() throws {
        let tokenizer = try PipelineTokenizerTests.load("siglip")
        let text = "a photo of a dog " + String(repeating: "and a cat ", count: 30)
        let tokens = tokenizer.tokenize(text)
        let (ids, dropped) = tokens.truncated(to: 12)
        #expect(ids.count == 12 && ids.last == 1 && ids.prefix(11) == tokens.ids.prefix(11))
        let start = try #require(dropped)
        #expect(text.hasSuffix(start) && !start.isEmpty)
        let chunks = tokens.chunks(contextLength: 12)
        #expect(chunks.allSatisfy { $0.count <= 12 && $0.last == 1 })
        #expect(chunks.flatMap { $0.dropLast() } == Array(tokens.ids.dropLast()))
        #expect(tokenizer.tokenize("dog").pieces.last == "</s>")
    }

    @Test func `Bytes stand for what no piece has`() throws {
        let tokenizer = try PipelineTokenizerTests.load("siglip2")
        #expect(tokenizer.tokenize("\u{1F99C}").pieces == ["<0xF0>", "<0x9F>", "<0xA6>", "<0x9C>", "<eos>"])
    }

    /// Half of a megabyte without a space takes no quadratic time.
    @Test(arguments: PipelineTokenizerTests.folders)
    func `A word of half a megabyte`(folder: String) throws {
        let tokenizer = try PipelineTokenizerTests.load(folder)
        let tokens = tokenizer.tokenize(String(repeating: "kato", count: 1 << 17))
        #expect(tokens.ids.count > 1 << 15 && tokens.ids.last == tokenizer.endTokens.last)
    }

    private static let text =
        "A photo's of </s> <eos> 東京 ﬁ \u{1F99C}\n\n\n a\u{308} <table> \(String(repeating: "kato", count: 20))"

    @Test(arguments: [("siglip", 1500), ("siglip2", 250), ("unigram-json", 400), ("fairseq", 1000)])
    func `Damaged files load or are refused`(folder: String, rounds: Int) throws {
        var random = SeededGenerator(seed: 0x51611)
        let whole = try PipelineTokenizerTests.files(folder)
        var refused = 0
        for _ in 0..<rounds {
            var files = whole
            if folder == "siglip" {
                files.sentencePiece = files.sentencePiece.map { random.damaged($0) }
            } else if folder == "fairseq" {
                files.fairseqModel = files.fairseqModel.map { random.damaged($0) }
            } else {
                files.tokenizerJSON = files.tokenizerJSON.map { random.damaged($0) }
            }
            if try isRefused(PipelineTokenizerTests.text, { try PipelineTokenizerTests.load(folder, files) }) {
                refused += 1
            }
        }
        #expect((rounds / 20..<rounds).contains(refused))
    }

    @Test(arguments: PipelineTokenizerTests.folders)
    func `Damaged compiled forms load or are refused`(folder: String) throws {
        var random = SeededGenerator(seed: 0xF1A7)
        let original = try PipelineTokenizerTests.load(folder).compiled()
        let refused = try (0..<1000).count { round in
            try isRefused(PipelineTokenizerTests.text) {
                let (bytes, memory) = random.damagedForm(original, head: 400, round: round)
                return try PipelineTokenizer(compiled: bytes, owner: memory)
            }
        }
        #expect((100..<1000).contains(refused))
    }

    @Test func `XLM-RoBERTa's SentencePiece model is no other tokenizer's`() throws {
        var files = try PipelineTokenizerTests.files("fairseq")
        for name in ["CamembertTokenizer", "NllbTokenizer"] {
            files.configuration = Array(#"{"tokenizer_class": "\#(name)"}"#.utf8)
            #expect {
                try loadTokenizer(files)
            } throws: {
                "\($0)".contains("sentencepiece.bpe.model: is of another tokenizer than XLMRobertaTokenizer")
            }
        }
        files = try PipelineTokenizerTests.files("fairseq")
        files.fairseqModel = try Fixtures.bytes("siglip/spiece.model")
        #expect {
            try loadTokenizer(files)
        } throws: {
            "\($0)".contains("sentencepiece.bpe.model: has other special tokens than <unk>, <s> and </s>")
        }
    }

    @Test func `Steps that are not supported are named`() throws {
        var files = try PipelineTokenizerTests.files("siglip2")
        let json = String(decoding: try #require(files.tokenizerJSON), as: UTF8.self)
        func message(_ edited: String) -> String? {
            files.tokenizerJSON = Array(edited.utf8)
            do {
                _ = try PipelineTokenizer(tokenizerJSON: files)
                return nil
            } catch { return error.description }
        }
        #expect(message(json) == nil)
        let strange = json.replacing(#""type": "Replace""#, with: #""type": "Rot13""#)
            .replacing(#""type":"Replace""#, with: #""type":"Rot13""#)
        // The class that tokenizer_config.json names has steps of its own; without it the file's count.
        #expect(message(strange) == nil)
        files.configuration = nil
        #expect(message(strange)?.contains("normalizer \"Rot13\" is not supported") == true)
        #expect(ScalarRun(pattern: "\\s+")?.members == .space && ScalarRun(pattern: " {2,}")?.shortest == 2)
        #expect(ScalarRun(pattern: #"[!"\-\]]"#)?.members == .scalars([0x21, 0x22, 0x2D, 0x5D]))
        #expect(["(a|b)", "[^a]", "[a-z]", "\\w+", "a*", ""].allSatisfy { ScalarRun(pattern: $0) == nil })
    }
}
