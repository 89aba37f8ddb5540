package import CLIPSystem

/// CLIP's byte-level byte-pair tokenizer (Radford et al., 2021, section 2.4): text to token ids.
///
/// Immutable, so one serves many tasks. Whatever it was made from, it encodes with the same flat tables.
package struct BytePairTokenizer: Tokenizer {
    let table: BytePairTable

    /// A tokenizer from its compiled form, used where it lies.
    ///
    /// - Parameters:
    ///   - compiled: what `compiled()` gave; valid and unchanged for as long as `owner` lives, at any alignment.
    ///   - owner: kept as long as this tokenizer.
    package init(
        compiled: UnsafeRawBufferPointer, owner: any AnyObject & Sendable
    ) throws(CLIPError) {
        table = try BytePairTable(compiled, owner: owner)
    }

    init(_ table: BytePairTable) { self.table = table }

    /// CLIP's own vocabulary of 49,408 tokens, for models that bring none.
    ///
    /// - Parameters:
    ///   - cleaning: how the model's own tokenizer treats a text.
    ///   - additionalTokens: what open_clip has beyond the vocabulary, which meets `canBeAdditional`.
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

    /// Whether these can be beyond the vocabulary: all different, and no more than a table has room for.
    package static func canBeAdditional(_ tokens: [String]) -> Bool {
        tokens.count <= 1 << 16 && Set(tokens).count == tokens.count && tokens.allSatisfy(isFoundAsSpelled)
    }

    /// Whether open_clip finds a token as it is spelled: it takes each for a regular expression.
    private static func isFoundAsSpelled(_ token: String) -> Bool {
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
            var encoder = BytePairEncoder(table, bytes)
            encoder.encode()
            return (encoder.ids, encoder.wordOffsets)
        }
        return Tokenization(text: text, ids: ids, wordOffsets: offsets, tokenizer: self)
    }
}

/// CLIP's own vocabulary: 256 bytes, 256 bytes at a word's end, 48,894 merges, two special tokens.
enum CLIPVocabulary {
    static let endOfWord = Array("</w>".utf8)
    static let startToken: UInt32 = 512 + UInt32(CLIPMerges.count)
    static let endToken: UInt32 = startToken + 1

    static func builder() -> BytePairTableBuilder {
        var builder = BytePairTableBuilder()
        builder.pieceBytes.reserveCapacity(400_000)
        builder.pieceOffsets.reserveCapacity(Int(endToken) + 2)
        builder.merges.reserveCapacity(CLIPMerges.count)
        func finishPiece() { builder.pieceOffsets.append(UInt32(truncatingIfNeeded: builder.pieceBytes.count)) }

        for endsWord in [false, true] {
            for byte in ByteAlphabet.bytesInTokenOrder {
                builder.byteSymbols[Int(byte) + (endsWord ? 256 : 0)] = UInt32(builder.pieceOffsets.count - 1)
                builder.pieceBytes += Array(String(ByteAlphabet.scalars[Int(byte)]).utf8)
                if endsWord { builder.pieceBytes += endOfWord }
                finishPiece()
            }
        }
        let pairs = SixBitTable(CLIPMerges.pairs)
        for rank in 0..<CLIPMerges.count {
            let merge = Merge(
                left: pairs.number(at: 6 * rank, count: 3), right: pairs.number(at: 6 * rank + 3, count: 3),
                result: UInt32(512 + rank))
            builder.merges.append(merge)
            for part in [merge.left, merge.right] {
                let start = Int(builder.pieceOffsets[Int(part)])
                let end = Int(builder.pieceOffsets[Int(part) + 1])
                for offset in start..<end { builder.pieceBytes.append(builder.pieceBytes[offset]) }
            }
            finishPiece()
        }
        for special in ["<|startoftext|>", "<|endoftext|>"] {
            builder.pieceBytes += Array(special.utf8)
            finishPiece()
        }
        builder.startToken = startToken
        builder.endToken = endToken
        builder.addedTokens = [
            AddedToken(id: startToken, content: Array("<|startoftext|>".utf8), options: []),
            AddedToken(id: endToken, content: Array("<|endoftext|>".utf8), options: []),
        ]
        return builder
    }
}
