/// Collects a vocabulary from any source and writes it as the flat form that encoding works on.
struct FlatTableBuilder {
    /// The pieces one after the other, and where each begins; one more offset than pieces.
    var pieceBytes: [UInt8] = []
    var pieceOffsets: [UInt32] = [0]
    /// In order of rank. Of a pair that is there twice the last one counts, as in the reference.
    var merges: [Merge] = []
    /// The token of each byte within a word, then of each byte that ends one.
    var byteSymbols = [UInt32](repeating: 0, count: 512)
    var addedTokens: [AddedToken] = []
    var startToken: UInt32 = 0
    var endToken: UInt32 = 0
    var cleaning = TextCleaning.transformers

    /// - Throws: if the vocabulary is larger than the flat form can hold. `file` names its source.
    func build(file: String) throws(TokenizerError) -> FlatTable {
        var layout = FlatLayout()
        layout.pieceCount = pieceOffsets.count - 1
        layout.mergeCount = merges.count
        layout.startToken = startToken
        layout.endToken = endToken
        layout.cleaning = cleaning
        layout.pieceByteCount = pieceBytes.count
        layout.addedTokenCount = addedTokens.count
        layout.addedByteCount = addedTokens.reduce(0) { $0 + $1.content.count }
        guard layout.pieceCount <= FlatLayout.largestVocabulary else {
            throw TokenizerError(
                file: file,
                problem: "\(layout.pieceCount) tokens, expected at most \(FlatLayout.largestVocabulary)")
        }
        let merged = try MergeSlots(merges, file: file)
        layout.slotBits = merged.bits
        layout.hashAttempt = merged.hashAttempt
        layout.longestProbe = merged.longestProbe

        let memory = OwnedBytes(count: layout.byteCount)
        let bytes = memory.mutableBytes
        layout.write(to: bytes)
        bytes.copy(merged.slots, to: layout.slotsStart)
        for (rank, merge) in merges.enumerated() { bytes.setWord(merge.result, at: layout.resultsStart + 4 * rank) }
        bytes.copy(byteSymbols, to: layout.byteSymbolsStart)
        bytes.copy(pieceOffsets, to: layout.pieceOffsetsStart)
        bytes.copy(pieceBytes, to: layout.pieceBytesStart)
        var start = 0
        let sorted = addedTokens.sorted { $0.isBefore($1) }
        for (index, token) in sorted.enumerated() {
            let record = layout.addedTokensStart + FlatLayout.addedTokenBytes * index
            bytes.setWord(token.id, at: record)
            bytes.setWord(token.options.rawValue, at: record + 4)
            bytes.setWord(UInt32(start), at: record + 8)
            bytes.setWord(UInt32(token.content.count), at: record + 12)
            bytes.copy(token.content, to: layout.addedBytesStart + start)
            start += token.content.count
        }
        return try FlatTable(UnsafeRawBufferPointer(bytes), owner: memory)
    }
}

/// Memory that lives as long as this object.
final class OwnedBytes: @unchecked Sendable {
    let mutableBytes: UnsafeMutableRawBufferPointer

    /// `count` zeros.
    init(count: Int) {
        mutableBytes = .allocate(byteCount: count, alignment: 64)
        mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit {
        mutableBytes.deallocate()
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Little-endian machines alone: no other is supported by Swift's own Linux and Darwin toolchains.
    func copy<Element: BitwiseCopyable>(_ elements: [Element], to offset: Int) {
        elements.withUnsafeBytes { source in
            UnsafeMutableRawBufferPointer(rebasing: self[offset..<offset + source.count]).copyMemory(from: source)
        }
    }
}
