internal import JSON

extension BytePairTokenizer {
    /// The files from which transformers' CLIPTokenizer makes the same tables: vocab.json, merges.txt and
    /// tokenizer_config.json.
    ///
    /// What a text goes through before is transformers' own there, whatever it is here.
    /// - Parameter contextLength: the most tokens that the model takes.
    package func files(contextLength: Int) -> [(name: String, text: String)] {
        let pieces = (0..<vocabularySize).map { jsonString(piece(Int32($0))) }
        let entries = pieces.enumerated().filter { $1 != "\"\"" }.map { "\($1): \($0)" }
        let merges = table.mergedPairs().map { "\(piece(Int32($0))) \(piece(Int32($1)))\n" }
        let start = jsonString(piece(Int32(table.layout.startToken)))
        let end = jsonString(piece(Int32(table.layout.endToken)))
        let configuration = """
            {"tokenizer_class": "CLIPTokenizer", "bos_token": \(start), "eos_token": \(end), "unk_token": \(end), \
            "pad_token": \(end), "model_max_length": \(contextLength), "do_lower_case": true, "errors": "replace"}
            """
        return [
            ("vocab.json", "{\(entries.joined(separator: ", "))}"),
            ("merges.txt", "#version: 0.2\n\(merges.joined())"), ("tokenizer_config.json", configuration),
        ]
    }
}

extension FlatTable {
    /// The pairs that are merged, in order of rank.
    fileprivate func mergedPairs() -> [(left: UInt64, right: UInt64)] {
        var pairs: [(rank: UInt64, left: UInt64, right: UInt64)] = []
        for offset in stride(from: layout.slotsStart, to: layout.resultsStart, by: 8) {
            let slot = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            guard slot != MergeTable.empty else { continue }
            let key = slot >> MergeTable.rankBits
            pairs.append((slot & MergeTable.rankMask, key >> 21, key & (1 << 21 - 1)))
        }
        return pairs.sorted { $0.rank < $1.rank }.map { ($0.left, $0.right) }
    }
}
