import CLIPSystem
import CLIPTestSupport
import Testing

@testable import CLIPTokenizers

@Suite struct ErrorTests {
    private func message(_ change: (inout TokenizerFiles) -> Void) throws -> String {
        var files = try Fixtures.files()
        change(&files)
        let error = #expect(throws: CLIPError.self) { try BytePairTokenizer(files) }
        return error?.description ?? ""
    }

    private func replacing(_ old: String, _ new: String, in bytes: [UInt8]?) -> [UInt8] {
        Array(String(decoding: bytes ?? [], as: UTF8.self).replacing(old, with: new).utf8)
    }

    @Test func `What is missing is named`() throws {
        #expect(try message { $0.vocabulary = nil }.hasPrefix("vocab.json: is missing"))
        #expect(try message { $0.merges = nil }.hasPrefix("merges.txt: is missing"))
    }

    @Test func `A merge that the vocabulary doesn't know is named`() throws {
        let text = try message { $0.merges = replacing("\ni n\n", "\ni n\nq zz\n", in: $0.merges) }
        #expect(text.hasPrefix("merges.txt: merge 1 needs the piece \"zz\", which is not in the vocabulary"))
    }

    @Test func `A line that is no merge is quoted`() throws {
        let text = try message { $0.merges = replacing("\ni n\n", "\ni n g\n", in: $0.merges) }
        #expect(text.hasPrefix("merges.txt: line 2: expected two pieces with a space between, found \"i n g\""))
    }

    @Test func `Broken JSON names the byte`() throws {
        #expect(
            try message { $0.vocabulary = Array("{\"a\": -1}".utf8) } == "vocab.json: byte 6: expected a whole number")
        #expect(try message { $0.configuration = Array("[]".utf8) }.hasPrefix("tokenizer_config.json: is a list"))
        #expect(try message { $0.tokenizerJSON = Array("{}".utf8) }.hasPrefix("tokenizer.json: has no \"model\""))
        let other = try message { $0.tokenizerJSON = Array(#"{"model": {"type": "Unigram", "vocab": []}}"#.utf8) }
        #expect(other.contains("the model is \"Unigram\", expected \"BPE\""))
    }

    @Test func `An id too large for the tables is refused before memory is taken`() throws {
        let text = try message { $0.vocabulary = replacing("\"!\": 0,", "\"!\": 4000000000,", in: $0.vocabulary) }
        #expect(text.contains("token \"!\" has id 4000000000, the largest possible is 2097150"))
    }

    @Test func `A byte without a token needs the unknown token`() throws {
        let renamed = try message {
            $0.vocabulary = replacing("\"?\": ", "\"gone\": ", in: $0.vocabulary)
            $0.configuration = Array(#"{"unk_token": "<unk>"}"#.utf8)
        }
        #expect(renamed.contains("has no token \"?\" for byte 63 and no unknown token"))
        var files = try Fixtures.files()
        files.vocabulary = replacing("\"?</w>\": ", "\"gone\": ", in: files.vocabulary)
        #expect(try BytePairTokenizer(files).tokenize("?").ids == [812, 813, 813])
    }

    @Test func `A compiled form says what is wrong with it`() throws {
        let compiled = try BytePairTokenizer(Fixtures.files()).compiled()
        func message(_ change: (inout [UInt8]) -> Void) throws -> String {
            var damaged = compiled
            change(&damaged)
            let error = #expect(throws: CLIPError.self) { try withCompiled(damaged) { $0.tokenize("a").ids } }
            return error?.description ?? ""
        }
        #expect(try message { $0[0] = 0 }.hasPrefix("compiled tokenizer: byte 0: not a compiled tokenizer"))
        #expect(try message { $0[4] = 9 }.contains("has version 9, expected 1"))
        #expect(
            try message { $0.removeLast() }.contains("describes \(compiled.count) bytes, found \(compiled.count - 1)"))
        #expect(try message { $0.removeSubrange(10...) }.contains("has 10 bytes, expected at least 64"))
        #expect(try message { $0[29] = 0xFF }.contains("is not below 814"))
    }
}
