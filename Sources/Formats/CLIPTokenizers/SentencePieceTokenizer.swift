/// A tokenizer whose vocabulary has pieces of running text, spaces included: SentencePiece's unigram models (Kudo, 2018),
/// and byte-pair models with byte fallback.
///
/// Immutable, so one serves many tasks. Whatever it was made from, it encodes with the same flat tables.
package struct SentencePieceTokenizer: Tokenizer {
    let table: SentencePieceTable
    private let cutter: SentencePieceEncoder.Cutter

    /// A tokenizer from its compiled form, used where it lies.
    ///
    /// - Parameters:
    ///   - compiled: what `compiled()` gave; valid and unchanged for as long as `owner` lives, at any alignment.
    ///   - owner: kept as long as this tokenizer.
    package init(
        compiled: UnsafeRawBufferPointer, owner: any AnyObject & Sendable
    ) throws(TokenizerError) {
        self.init(try SentencePieceTable(compiled, owner: owner))
    }

    init(_ table: SentencePieceTable) {
        self.table = table
        cutter = SentencePieceEncoder.Cutter(table)
    }

    package func compiled() -> [UInt8] { Array(table.bytes) }

    package var startTokens: [Int32] { table.rules.startTokens.map { Int32($0) } }
    package var endTokens: [Int32] { table.rules.endTokens.map { Int32($0) } }
    package var paddingToken: Int32? { table.rules.padding.map { Int32($0) } }
    package var vocabularySize: Int { table.pieceCount }

    /// The token as the vocabulary spells it: `▁` for a space, `<0x0A>` for a byte.
    package func piece(_ id: Int32) -> String { String(decoding: table.piece(Int(id)), as: UTF8.self) }

    package func tokenize(_ text: String) -> Tokenization {
        var text = text
        let (ids, offsets) = text.withUTF8 { bytes in
            var encoder = SentencePieceEncoder(cutter, bytes)
            encoder.encode()
            return (encoder.ids, encoder.wordOffsets)
        }
        return Tokenization(
            text: text, ids: startTokens + ids + endTokens, wordOffsets: offsets, tokenizer: self)
    }
}
