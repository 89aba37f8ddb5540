import CLIPTestSupport
import Testing

@testable import CLIPTokenizers

/// Damaged files either load and can be used, or throw one line: no trap, no hang.
@Suite struct MutationTests {
    private static let text =
        "A photo's of <|endoftext|> <mine> bar  baz é 'll 12 🐶 \(String(repeating: "the", count: 40))"

    private func countRefused(
        _ folder: String, _ file: WritableKeyPath<TokenizerFiles, [UInt8]?>, rounds: Int, seed: UInt64
    ) throws -> Int {
        var random = SeededGenerator(seed: seed)
        let whole = try Fixtures.files(folder)
        let original = try #require(whole[keyPath: file])
        var refused = 0
        for _ in 0..<rounds {
            var files = whole
            files[keyPath: file] = random.damaged(original)
            if try isRefused(MutationTests.text, { try BytePairTokenizer(files) }) { refused += 1 }
        }
        return refused
    }

    @Test func `Damaged vocab.json`() throws {
        #expect(try (50..<750).contains(countRefused("small", \.vocabulary, rounds: 800, seed: 0x5EED)))
    }

    @Test func `Damaged merges.txt`() throws {
        #expect(try (50..<950).contains(countRefused("small", \.merges, rounds: 1000, seed: 0xC11B)))
    }

    @Test func `Damaged tokenizer.json`() throws {
        #expect(try (50..<750).contains(countRefused("tokenizer-json", \.tokenizerJSON, rounds: 800, seed: 0xBEE)))
    }

    @Test func `Damaged files of special and added tokens`() throws {
        #expect(try (50..<750).contains(countRefused("added-decoder", \.configuration, rounds: 800, seed: 1)))
        #expect(try (50..<350).contains(countRefused("described-tokens", \.specialTokensMap, rounds: 400, seed: 2)))
        #expect(try (50..<350).contains(countRefused("added-tokens", \.addedTokens, rounds: 400, seed: 3)))
    }

    @Test func `Damaged compiled forms`() throws {
        var random = SeededGenerator(seed: 0xF1A7)
        let original = try BytePairTokenizer(Fixtures.files("added-decoder")).compiled()
        let refused = try (0..<3000).count { round in
            try isRefused(MutationTests.text) {
                let (bytes, memory) = random.damagedForm(original, head: 64, round: round)
                return try BytePairTokenizer(compiled: bytes, owner: memory)
            }
        }
        #expect((1500..<2990).contains(refused))
    }
}
