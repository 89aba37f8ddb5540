/// The normalisation rules of a SentencePiece model (`precompiled_charsmap`): a double-array trie (Aoe, 1989) from
/// characters to the texts in their place.
///
/// Nothing in it is trusted: every step of a search stays in the table, and what it finds is decoded as it is.
struct CharacterMap {
    /// The trie's units, u32 each.
    let units: UnsafeRawBufferPointer
    /// The texts, each with a zero after it.
    let texts: UnsafeRawBufferPointer

    var isEmpty: Bool { units.isEmpty }

    /// The text in place of the longest start of `text` that has one, and the number of scalars that it replaces.
    func longestPrefix(of text: ArraySlice<CanonicalComposition.Element>) -> (scalars: [UInt32], count: Int)? {
        search(text, takesFirst: false).map { (scalars(at: $0.value), $0.count) }
    }

    /// The text in place of the shortest start of `text` that has one.
    func shortestPrefix(of text: ArraySlice<CanonicalComposition.Element>) -> [UInt32]? {
        search(text, takesFirst: true).map { scalars(at: $0.value) }
    }

    private func search(
        _ text: ArraySlice<CanonicalComposition.Element>, takesFirst: Bool
    ) -> (value: Int, count: Int)? {
        guard let root = unit(0) else { return nil }
        var found: (value: Int, count: Int)?
        var position = offset(root)
        for (count, element) in text.enumerated() {
            guard let scalar = Unicode.Scalar(element.scalar), let bytes = UTF8.encode(scalar) else { return found }
            for byte in bytes {
                position ^= Int(byte)
                guard let unit = unit(position), unit & (1 << 31 | 0xFF) == UInt32(byte) else { return found }
                position ^= offset(unit)
                guard unit >> 8 & 1 == 1, let leaf = self.unit(position) else { continue }
                found = (Int(leaf & (1 << 31 - 1)), count + 1)
                if takesFirst { return found }
            }
        }
        return found
    }

    private func unit(_ index: Int) -> UInt32? {
        index < units.count / 4 ? units.word(at: 4 * index) : nil
    }

    private func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }

    private func scalars(at start: Int) -> [UInt32] {
        guard start < texts.count else { return [] }
        let text = texts[start...].prefix { $0 != 0 }
        return String(decoding: text, as: UTF8.self).unicodeScalars.map(\.value)
    }
}

extension CharacterMap {
    /// The two parts of a map as models keep it: the size of the trie, the trie, the texts.
    static func split(_ blob: ArraySlice<UInt8>) -> (units: ArraySlice<UInt8>, texts: ArraySlice<UInt8>)? {
        guard blob.count > 4 else { return nil }
        let size = blob.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard size % 4 == 0, size < blob.count - 4 else { return nil }
        return (blob.dropFirst(4).prefix(size), blob.dropFirst(4 + size))
    }
}
