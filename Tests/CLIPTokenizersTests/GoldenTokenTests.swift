import CLIPTestSupport
import Testing

@testable import CLIPTokenizers

/// Token ids equal to the reference's, from every source of the same vocabulary.
@Suite struct GoldenTokenTests {
    @Test func `The built-in vocabulary gives the reference's tokens for every text`() throws {
        let tokenizer = BytePairTokenizer.builtIn(cleaning: .transformers)
        #expect(tokenizer.vocabularySize == 49_408)
        #expect(tokenizer.startTokens + tokenizer.endTokens == [49_406, 49_407])
        let golden = try Fixtures.golden("golden-tokens.json")
        #expect(golden.count == 119)
        for (text, ids) in golden {
            #expect(tokenizer.tokenize(text).truncated(to: 77).ids == ids, "\(text)")
        }
    }

    @Test func `vocab.json and merges.txt make the same tables as the built-in vocabulary`() throws {
        let builtIn = BytePairTokenizer.builtIn(cleaning: .transformers)
        let read = try BytePairTokenizer(VocabularyFiles.clip())
        #expect(read.compiled() == builtIn.compiled())
    }

    @Test func `The compiled form gives the same tokens at any alignment`() throws {
        let tokenizer = BytePairTokenizer.builtIn(cleaning: .transformers)
        let compiled = tokenizer.compiled()
        let owner = OwnedBytes(count: compiled.count + 8)
        for shift in [0, 1, 7] {
            let place = UnsafeMutableRawBufferPointer(
                rebasing: owner.mutableBytes[shift..<shift + compiled.count])
            place.copyBytes(from: compiled)
            let mapped = try BytePairTokenizer(compiled: UnsafeRawBufferPointer(place), owner: owner)
            #expect(mapped.compiled() == compiled)
            for (text, ids) in try Fixtures.golden("golden-tokens.json") {
                #expect(mapped.tokenize(text).truncated(to: 77).ids == ids)
            }
        }
    }

    @Test func `Random texts of many scripts give the reference's tokens`() throws {
        let tokenizer = BytePairTokenizer.builtIn(cleaning: .transformers)
        let golden = try Fixtures.golden("random-transformers.json")
        #expect(golden.count == 800)
        for (text, ids) in golden { #expect(tokenizer.tokenize(text).ids == ids, "\(text.debugDescription)") }
    }

    @Test func `Random texts give open_clip's tokens in its own cleaning`() throws {
        let tokenizer = BytePairTokenizer.builtIn(cleaning: .openCLIP)
        let golden = try Fixtures.golden("random-openclip.json")
        #expect(golden.count == 800)
        for (text, ids) in golden { #expect(tokenizer.tokenize(text).ids == ids, "\(text.debugDescription)") }
    }

    @Test(arguments: ["described-tokens", "added-tokens", "added-decoder", "tokenizer-json"])
    func `Added and special tokens are found as the reference finds them`(folder: String) throws {
        let tokenizer = try BytePairTokenizer(Fixtures.files(folder))
        let golden = try Fixtures.golden("\(folder)/golden.json")
        #expect(golden.count == 150)
        for (text, ids) in golden { #expect(tokenizer.tokenize(text).ids == ids, "\(text.debugDescription)") }
        let compiled = try withCompiled(tokenizer.compiled()) { copy in golden.map { copy.tokenize($0.text).ids } }
        #expect(compiled == golden.map(\.ids))
    }

    @Test func `Merges in tokenizer.json may be strings or lists, and count before vocab.json`() throws {
        var files = try Fixtures.files("tokenizer-json")
        let lists = try BytePairTokenizer(files)
        files.tokenizerJSON = try Fixtures.bytes("tokenizer-json-strings/tokenizer.json")
        files.vocabulary = Array("{}".utf8)
        #expect(try BytePairTokenizer(files).compiled() == lists.compiled())
    }

    @Test func `Lines of merges.txt may end in CR LF, and the last one may have no end`() throws {
        var files = try Fixtures.files()
        let expected = try BytePairTokenizer(files).compiled()
        let lines = try #require(files.merges).split(separator: 0x0A)
        files.merges = Array(lines.joined(separator: [0x0D, 0x0A]))
        #expect(try BytePairTokenizer(files).compiled() == expected)
    }

    @Test func `Without a word on special tokens they are CLIP's own`() throws {
        var files = try Fixtures.files()
        let expected = try BytePairTokenizer(files).compiled()
        files.configuration = nil
        #expect(try BytePairTokenizer(files).compiled() == expected)
    }
}

/// A tokenizer on a copy of a compiled form.
func withCompiled<Result>(_ compiled: [UInt8], _ body: (BytePairTokenizer) throws -> Result) throws -> Result {
    let memory = OwnedBytes(count: compiled.count)
    memory.mutableBytes.copyBytes(from: compiled)
    return try body(BytePairTokenizer(compiled: UnsafeRawBufferPointer(memory.mutableBytes), owner: memory))
}
