import CLIPSystem
import CLIPJSON
import CLIPTestSupport
import Testing

@testable import CLIPTokenizers

/// Each step of a tokenizer.json of each kind, alone and in sequences, against transformers.
@Suite struct StepTests {
    struct Variant: Sendable, CustomTestStringConvertible {
        let name: String
        let files: TokenizerFiles
        /// What a refusal says; nil if there must be none.
        let refused: String?
        let tokens: [[Int32]]

        var testDescription: String { name }
    }

    static let (texts, variants): ([String], [Variant]) = {
        do {
            let fixture = try JSONValue(parsing: try Fixtures.bytes("steps.json"))
            let vocabularies = (fixture["vocabularies"]?.array ?? []).compactMap(\.string)
            let variants = (fixture["variants"]?.array ?? []).map { row in
                // The file without its vocabulary: that of the model is put in front of the rest.
                let file = row["file"]?.string ?? ""
                let large = vocabularies[row["vocabulary"]?.int ?? 0].dropFirst().dropLast()
                let whole = file.replacing(#""model": {"#, with: #""model": {\#(large), "#, maxReplacements: 1)
                var files = TokenizerFiles(
                    tokenizerJSON: Array(whole.utf8), configuration: Array((row["configuration"]?.string ?? "").utf8))
                files.modelType = "clip"
                return Variant(
                    name: row["name"]?.string ?? "", files: files, refused: row["refused"]?.string,
                    tokens: (row["tokens"]?.array ?? []).map { ($0.array ?? []).map { Int32($0.int ?? -1) } })
            }
            return ((fixture["texts"]?.array ?? []).compactMap(\.string), variants)
        } catch {
            return ([], [])
        }
    }()

    @Test func `There are as many as expected`() {
        #expect(StepTests.texts.count == 16 && StepTests.variants.count >= 120)
        #expect(StepTests.variants.count { $0.refused != nil } >= 12)
    }

    @Test(arguments: StepTests.variants)
    func `Followed exactly, or refused by name`(variant: Variant) throws {
        if let refused = variant.refused {
            let error = #expect(throws: CLIPError.self) { try loadTokenizer(variant.files) }
            #expect(error?.description.contains(refused) == true, "\(error?.description ?? "")")
            return
        }
        let loaded = try loadTokenizer(variant.files)
        let compiled = loaded.compiled()
        let memory = OwnedBytes(count: compiled.count)
        memory.mutableBytes.copyBytes(from: compiled)
        let mapped = try loadTokenizer(compiled: UnsafeRawBufferPointer(memory.mutableBytes), owner: memory)
        #expect(mapped.compiled() == compiled)
        for (text, ids) in zip(StepTests.texts, variant.tokens) {
            for tokenizer in [loaded, mapped] {
                #expect(tokenizer.tokenize(text).ids == ids, "\(text.debugDescription)")
            }
        }
    }

    @Test func `Damaged compiled forms of other steps are refused, or used`() throws {
        var random = SeededGenerator(seed: 0x57E9)
        for name in [
            "BPE continuing_subword_prefix", "pre-tokenizer Split GPT-4", "WordLevel", "BPE GPT-2 ignore_merges",
        ] {
            let variant = try #require(StepTests.variants.first { $0.name == name })
            let original = try loadTokenizer(variant.files).compiled()
            let refused = try (0..<400).count { round in
                try isRefused("a photo, of <|endoftext|> 12 \u{1F436} don't") {
                    let (bytes, memory) = random.damagedForm(original, head: 400, round: round)
                    return try loadTokenizer(compiled: bytes, owner: memory)
                }
            }
            #expect((100..<400).contains(refused), "\(name)")
        }
    }

    @Test func `Damaged steps are refused in one line, or followed`() throws {
        var random = SeededGenerator(seed: 0x10AD)
        var refused = 0
        for variant in StepTests.variants where variant.files.tokenizerJSON.map({ $0.count < 12_000 }) ?? false {
            for _ in 0..<20 {
                var files = variant.files
                files.tokenizerJSON = random.damaged(try #require(files.tokenizerJSON))
                if try isRefused("a photo, of <|endoftext|> 12 \u{1F436} don't", { try loadTokenizer(files) }) {
                    refused += 1
                }
            }
        }
        #expect(refused > 20)
    }

    @Test func `An expression takes no more time than the text is long`() throws {
        // What an engine with backtracking would try in more ways than there are atoms.
        for source in [
            "(a+)+$", "(a|aa)+b", "a*a*a*a*b", "(?=a+)b", #"\p{Lu}"#, "[[a]]", "a+?", "^a", "a{3", "[^a", "",
        ] {
            #expect(ScalarPattern(source) == nil, "\(source)")
        }
        let long = String(repeating: "a", count: 200_000) + String(repeating: " ", count: 200_000)
        for name in ["pre-tokenizer Split GPT-4", "pre-tokenizer Split GPT-2"] {
            let variant = try #require(StepTests.variants.first { $0.name == name })
            #expect(try loadTokenizer(variant.files).tokenize(long).ids.count > 1000)
        }
    }
}
