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
        let special = try SpecialTokens(files)
        self.init(try model.builder(special, cleaning: cleaning).build(file: model.vocabularyFile))
    }
}

extension BytePairModel {
    func builder(_ special: SpecialTokens, cleaning: TextCleaning) throws(TokenizerError) -> FlatTableBuilder {
        var builder = FlatTableBuilder()
        builder.cleaning = cleaning
        builder.merges = try resolvedMerges()
        try resolveBytes(&builder, unknown: vocabulary[special.unknown.utf8])
        let added = resolveAddedTokens(&builder, special)

        func id(_ content: String) -> UInt32? { vocabulary[content.utf8] ?? added[content.utf8] }
        guard let start = id(special.start), let end = id(special.end) else {
            throw TokenizerError(
                file: vocabularyFile,
                problem: "has neither token \(quoted(special.start)) nor \(quoted(special.end)), expected both")
        }
        builder.startToken = start
        builder.endToken = end

        let size = max(vocabulary.end, added.end)
        var pieces = [ArraySlice<UInt8>?](repeating: nil, count: size)
        for index in [vocabulary, added] { index.forEach { piece, id in pieces[Int(id)] = piece } }
        for piece in pieces {
            if let piece { builder.pieceBytes += piece }
            builder.pieceOffsets.append(UInt32(truncatingIfNeeded: builder.pieceBytes.count))
        }
        return builder
    }

    func resolvedMerges() throws(TokenizerError) -> [Merge] {
        var resolved: [Merge] = []
        resolved.reserveCapacity(merges.count)
        for (rank, merge) in merges.enumerated() {
            let whole = mergeBytes[merge.start..<merge.end]
            guard let left = vocabulary[whole[..<merge.middle]], let right = vocabulary[whole[merge.middle...]],
                let result = vocabulary[whole]
            else {
                let parts = [whole[..<merge.middle], whole[merge.middle...], whole]
                let absent = parts.first { vocabulary[$0] == nil } ?? whole
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

    private func resolveBytes(_ builder: inout FlatTableBuilder, unknown: UInt32?) throws(TokenizerError) {
        for endsWord in [false, true] {
            for byte in 0..<256 {
                let piece = Array(String(ByteAlphabet.scalars[byte]).utf8) + (endsWord ? CLIPVocabulary.endOfWord : [])
                guard let id = vocabulary[piece] ?? unknown else {
                    throw TokenizerError(
                        file: vocabularyFile,
                        problem:
                            "has no token \(quoted(String(decoding: piece, as: UTF8.self))) for byte \(byte) and no "
                            + "unknown token to stand in: not a byte-level vocabulary of CLIP's kind")
                }
                builder.byteSymbols[byte + (endsWord ? 256 : 0)] = id
            }
        }
    }

    /// Puts the added tokens in the builder. Returns those that the vocabulary doesn't have, with ids after its own.
    private func resolveAddedTokens(_ builder: inout FlatTableBuilder, _ special: SpecialTokens) -> PieceIndex {
        var added = PieceIndex()
        var next = vocabulary.count
        var tokens: [UInt32: AddedToken] = [:]
        var order: [UInt32] = []
        for token in special.added {
            let content = token.content.utf8
            let id = vocabulary[content] ?? added[content] ?? UInt32(next)
            if vocabulary[content] == nil, added[content] == nil { added.insert(content, id: id) }
            next = max(next, Int(id) + 1)
            if tokens.updateValue(AddedToken(id: id, content: Array(content), options: token.options), forKey: id)
                == nil
            {
                order.append(id)
            }
        }
        var contents = Set<[UInt8]>()
        for id in order {
            guard var token = tokens[id] else { continue }
            if token.options.contains(.normalized) { token.content = TransformersCleaning.clean(token.content) }
            // The kind is part of the key: the two kinds are looked for one after the other.
            let key = [UInt8(truncatingIfNeeded: token.options.rawValue & 1)] + token.content
            if !token.content.isEmpty, contents.insert(key).inserted { builder.addedTokens.append(token) }
        }
        return added
    }
}
