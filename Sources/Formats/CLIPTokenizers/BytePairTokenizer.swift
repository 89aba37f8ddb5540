/// CLIP's byte-level byte-pair tokenizer (Radford et al., 2021, section 2.4): text to token ids.
///
/// Immutable, so one serves many tasks. Whatever it was made from, it encodes with the same flat tables.
package struct BytePairTokenizer: Tokenizer {
    let table: FlatTable

    /// A tokenizer from its compiled form, used where it lies.
    ///
    /// - Parameters:
    ///   - compiled: what `compiled()` gave; valid and unchanged for as long as `owner` lives, at any alignment.
    ///   - owner: kept as long as this tokenizer.
    package init(
        compiled: UnsafeRawBufferPointer, owner: any AnyObject & Sendable
    ) throws(TokenizerError) {
        table = try FlatTable(compiled, owner: owner)
    }

    init(_ table: FlatTable) { self.table = table }

    /// CLIP's own vocabulary of 49,408 tokens, for models that bring none.
    ///
    /// - Parameters:
    ///   - cleaning: how the model's own tokenizer treats a text.
    ///   - additionalTokens: what open_clip has beyond the vocabulary; each meets `canBeAdditional`.
    package static func builtIn(
        cleaning: TextCleaning = .openAI, additionalTokens: [String] = []
    ) -> BytePairTokenizer {
        var builder = CLIPVocabulary.builder()
        builder.cleaning = cleaning
        for token in additionalTokens {
            let id = UInt32(builder.pieceOffsets.count - 1)
            builder.pieceBytes += Array(token.utf8)
            builder.pieceOffsets.append(UInt32(truncatingIfNeeded: builder.pieceBytes.count))
            builder.addedTokens.append(AddedToken(id: id, content: Array(token.utf8), options: []))
        }
        do {
            return BytePairTokenizer(try builder.build(file: "built-in tokenizer"))
        } catch {
            preconditionFailure(error.description)
        }
    }

    /// Whether open_clip finds a token as it is spelled: it takes each for a regular expression.
    package static func canBeAdditional(_ token: String) -> Bool {
        let isKnown = ["<|startoftext|>", "<|endoftext|>", "<start_of_text>", "<end_of_text>"].contains(token)
        return !isKnown && !token.isEmpty && token.utf8.count < 256
            && token.utf8.allSatisfy { byte in
                byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || "<>_-:!@=/,;~&%\"'`".utf8.contains(byte)
            }
    }

    package func compiled() -> [UInt8] { Array(table.bytes) }

    package var cleaning: TextCleaning { table.layout.cleaning }
    package var startTokens: [Int32] { [Int32(table.layout.startToken)] }
    package var endTokens: [Int32] { [Int32(table.layout.endToken)] }
    /// CLIP's encoder doesn't see what stands behind the end token: texts stay as long as they are.
    package var paddingToken: Int32? { nil }
    package var vocabularySize: Int { table.layout.pieceCount }

    /// The token as the vocabulary spells it: bytes as GPT-2's printable characters, `</w>` at a word's end.
    package func piece(_ id: Int32) -> String { String(decoding: table.piece(Int(id)), as: UTF8.self) }

    package func tokenize(_ text: String) -> Tokenization {
        var text = text
        let (ids, offsets) = text.withUTF8 { bytes in
            var encoder = TextEncoder(table, bytes)
            encoder.encode()
            return (encoder.ids, encoder.wordOffsets)
        }
        return Tokenization(text: text, ids: ids, wordOffsets: offsets, tokenizer: self)
    }
}
