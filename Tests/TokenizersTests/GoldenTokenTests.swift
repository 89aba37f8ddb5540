import Testing

@testable import Tokenizers

/// Token ids equal to the reference's, from every source of the same vocabulary.
@Suite struct GoldenTokenTests {
    @Test func `The built-in vocabulary gives the reference's tokens for every text`() throws {
        let tokenizer = BytePairTokenizer.builtIn(cleaning: .transformers)
        #expect(tokenizer.vocabularySize == 49_408)
        #expect((tokenizer.startToken, tokenizer.endToken) == (49_406, 49_407))
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
}
