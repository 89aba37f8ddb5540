/// Collects a vocabulary from any source and writes it as the flat form that encoding works on.
struct FlatTableBuilder {
    struct Merge {
        var left: UInt32
        var right: UInt32
        var result: UInt32
    }

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
        guard layout.pieceCount <= FlatLayout.largestVocabulary, merges.count <= FlatLayout.largestMergeCount else {
            throw TokenizerError(
                file: file,
                problem: "\(layout.pieceCount) tokens and \(merges.count) merges, expected at most "
                    + "\(FlatLayout.largestVocabulary) and \(FlatLayout.largestMergeCount)")
        }
        let slots = try placeMerges(&layout, file: file)

        let memory = OwnedBytes(count: layout.byteCount)
        let bytes = memory.mutableBytes
        layout.write(to: bytes)
        bytes.copy(slots, to: layout.slotsStart)
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

    /// The merge slots. Sets their number, the hash and the longest probe in `layout`.
    private func placeMerges(_ layout: inout FlatLayout, file: String) throws(TokenizerError) -> [UInt64] {
        var bits = FlatLayout.slotBits.lowerBound
        // At most three quarters full: 48,894 merges then take 512 KiB, which stays in a core's own cache.
        while 3 << bits < 4 * merges.count + 4 { bits += 1 }
        layout.slotBits = bits
        for attempt in 0..<MergeHash.attempts {
            if let (slots, longestProbe) = slots(bits: bits, attempt: attempt) {
                layout.hashAttempt = attempt
                layout.longestProbe = longestProbe
                return slots
            }
        }
        throw TokenizerError(
            file: file, problem: "its merges collide in the hash table, as none of a real vocabulary do: not supported")
    }

    private func slots(bits: Int, attempt: Int) -> (slots: [UInt64], longestProbe: Int)? {
        let multiplier = MergeHash.multiplier(attempt: attempt)
        let mask = 1 << bits - 1
        var slots = [UInt64](repeating: MergeTable.empty, count: 1 << bits)
        var longestProbe = 0
        for (rank, merge) in merges.enumerated() {
            let key = MergeHash.key(merge.left, merge.right)
            var index = Int((key &* multiplier) >> UInt64(64 - bits))
            var probe = 0
            while slots[index] != MergeTable.empty, slots[index] >> MergeTable.rankBits != key {
                index = (index + 1) & mask
                probe += 1
            }
            slots[index] = key << MergeTable.rankBits | UInt64(rank)
            longestProbe = max(longestProbe, probe)
            if longestProbe > 1024 { return nil }
        }
        return (slots, longestProbe)
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
    fileprivate func copy<Element: BitwiseCopyable>(_ elements: [Element], to offset: Int) {
        elements.withUnsafeBytes { source in
            UnsafeMutableRawBufferPointer(rebasing: self[offset..<offset + source.count]).copyMemory(from: source)
        }
    }
}
