/// CLIP's own vocabulary: 256 bytes, 256 bytes at a word's end, 48,894 merges, two special tokens.
enum CLIPVocabulary {
    static let endOfWord = Array("</w>".utf8)
    static let startToken: UInt32 = 512 + UInt32(CLIPMerges.count)
    static let endToken: UInt32 = startToken + 1

    static func builder() -> FlatTableBuilder {
        var builder = FlatTableBuilder()
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
