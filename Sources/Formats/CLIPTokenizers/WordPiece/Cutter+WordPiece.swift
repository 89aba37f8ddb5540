extension SentencePieceEncoder.Cutter {
    /// From the start the longest piece, then the longest that goes on, and so forth; a word that can't be cut so to its
    /// end is unknown as a whole (WordPiece; Wu et al., 2016).
    func cutByLength(_ word: UnsafeBufferPointer<UInt8>) -> [Token] {
        let unknown = [Token(id: table.rules.unknown ?? 0, start: 0)]
        guard word.reduce(0, { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }) <= table.rules.longestWord else { return unknown }
        var tokens: [Token] = []
        var start = 0
        while start < word.count {
            guard var node = start == 0 ? PieceTrie.root : continuationRoot else { return unknown }
            var longest: (id: Int, end: Int)?
            var end = start
            while end < word.count, let child = table.trie.child(of: node, word[end]) {
                node = child
                end += 1
                if let piece = table.trie.piece(at: node) { longest = (piece.id, end) }
            }
            guard let longest else { return unknown }
            tokens.append(Token(id: UInt32(longest.id), start: start))
            start = longest.end
        }
        return tokens
    }

    /// Where in the tree the pieces hang that go on with a word.
    static func continuationRoot(in trie: PieceTrie, after prefix: [UInt8]) -> Int? {
        var node = PieceTrie.root
        for byte in prefix {
            guard let child = trie.child(of: node, byte) else { return nil }
            node = child
        }
        return node
    }
}
