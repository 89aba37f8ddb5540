extension BytePairTokenizer {
    /// A tokenizer from the files of a model in the Hugging Face layout.
    ///
    /// - Throws: if a file is no such file, a merge or a special token is not in the vocabulary, or a byte has no token.
    package init(_ files: TokenizerFiles, cleaning: TextCleaning = .transformers) throws(TokenizerError) {
        let model: BytePairModel
        if let json = files.tokenizerJSON {
            model = try BytePairModel(tokenizerJSON: json)
        } else if let vocabulary = files.vocabulary, let merges = files.merges {
            model = try BytePairModel(vocabulary: vocabulary, merges: merges)
        } else {
            throw TokenizerError(
                file: files.vocabulary == nil ? "vocab.json" : "merges.txt",
                problem: "is missing, expected tokenizer.json or both vocab.json and merges.txt: fetch it")
        }
        try files.refuseOtherSides()
        let special = try SpecialTokens(files, defaults: TokenizerClass.clip.defaults)
        var added = AddedTokenList(model.vocabulary)
        added.add(special.added)
        guard let start = added.id(special.start), let end = added.id(special.end) else {
            throw TokenizerError(
                file: model.vocabularyFile,
                problem: "has neither token \(quoted(special.start)) nor \(quoted(special.end)), expected both")
        }
        let unknown = model.vocabulary[special.unknown.utf8]
        guard let symbols = model.byteSymbols(unknown: unknown) else { throw model.faultOfMissingByte() }
        self.init(
            try model.builder(symbols, added, start: start, end: end, cleaning: cleaning)
                .build(file: model.vocabularyFile))
    }
}

extension BytePairModel {
    /// - Parameter symbols: what `byteSymbols` gave.
    func builder(
        _ symbols: [UInt32], _ added: AddedTokenList, start: UInt32, end: UInt32, cleaning: TextCleaning
    ) throws(TokenizerError) -> FlatTableBuilder {
        var builder = FlatTableBuilder()
        builder.cleaning = cleaning
        builder.merges = try resolvedMerges()
        builder.byteSymbols = symbols
        builder.startToken = start
        builder.endToken = end
        let tokens = added.tokens.values.sorted { $0.id < $1.id }
        var pieces = [ArraySlice<UInt8>?](
            repeating: nil, count: max(vocabulary.end, tokens.last.map { Int($0.id) + 1 } ?? 0))
        vocabulary.forEach { piece, id in pieces[Int(id)] = piece }
        var contents = Set<[UInt8]>()
        for var token in tokens {
            if pieces[Int(token.id)] == nil { pieces[Int(token.id)] = token.content[...] }
            if token.options.contains(.normalized) { token.content = TransformersCleaning.clean(token.content) }
            // The kind is part of the key: the two kinds are looked for one after the other.
            let key = [UInt8(truncatingIfNeeded: token.options.rawValue & 1)] + token.content
            if !token.content.isEmpty, contents.insert(key).inserted { builder.addedTokens.append(token) }
        }
        for piece in pieces {
            if let piece { builder.pieceBytes += piece }
            builder.pieceOffsets.append(UInt32(truncatingIfNeeded: builder.pieceBytes.count))
        }
        return builder
    }

    /// - Parameter prefix: what a piece begins with that goes on with a word.
    func resolvedMerges(prefix: [UInt8] = []) throws(TokenizerError) -> [Merge] {
        var resolved: [Merge] = []
        resolved.reserveCapacity(merges.count)
        for (rank, merge) in merges.enumerated() {
            let (first, second) = (mergeBytes[merge.start..<merge.middle], mergeBytes[merge.middle..<merge.end])
            let whole = prefix.isEmpty ? mergeBytes[merge.start..<merge.end] : first + second.dropFirst(prefix.count)
            guard let left = vocabulary[first], let right = vocabulary[second], let result = vocabulary[whole] else {
                let absent = [first, second, whole].first { vocabulary[$0] == nil } ?? whole
                throw TokenizerError(
                    file: mergesFile,
                    problem:
                        "merge \(rank) needs the piece \(quoted(String(decoding: absent, as: UTF8.self))), which is "
                        + "not in the vocabulary: the files don't belong together, fetch both again")
            }
            resolved.append(Merge(left: left, right: right, result: result))
        }
        return resolved
    }

    static func bytePiece(_ index: Int) -> [UInt8] {
        Array(String(ByteAlphabet.scalars[index & 255]).utf8) + (index > 255 ? CLIPVocabulary.endOfWord : [])
    }

    /// The token of each byte within a word, then of each that ends one; nil if one has none.
    func byteSymbols(unknown: UInt32?) -> [UInt32]? {
        let symbols = (0..<512).compactMap { vocabulary[BytePairModel.bytePiece($0)] ?? unknown }
        return symbols.count == 512 ? symbols : nil
    }

    func faultOfMissingByte() -> TokenizerError {
        let index = (0..<512).first { vocabulary[BytePairModel.bytePiece($0)] == nil } ?? 0
        let piece = String(decoding: BytePairModel.bytePiece(index), as: UTF8.self)
        return TokenizerError(
            file: vocabularyFile,
            problem:
                "has no token \(quoted(piece)) for byte \(index & 255) and no unknown token to stand in: not a "
                + "byte-level vocabulary of CLIP's kind")
    }
}
