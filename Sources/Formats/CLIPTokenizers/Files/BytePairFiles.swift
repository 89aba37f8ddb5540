internal import CLIPJSON
package import CLIPSystem

extension BytePairTokenizer {
    /// A tokenizer from the files of a model in the Hugging Face layout.
    ///
    /// - Throws: if a file is no such file, a merge or a special token is not in the vocabulary, or a byte has no token.
    package init(_ files: TokenizerFiles, cleaning: TextCleaning = .transformers) throws(CLIPError) {
        let model: BytePairModel
        if let json = files.tokenizerJSON {
            model = try BytePairModel(tokenizerJSON: json)
        } else if let vocabulary = files.vocabulary, let merges = files.merges {
            model = try BytePairModel(vocabulary: vocabulary, merges: merges)
        } else {
            throw CLIPError(
                .model, path: files.vocabulary == nil ? "vocab.json" : "merges.txt",
                "is missing, expected tokenizer.json or both vocab.json and merges.txt: fetch it")
        }
        try files.refuseOtherSides()
        let special = try SpecialTokens(files, defaults: TokenizerClass.clip.defaults)
        var added = AddedTokenList(model.vocabulary)
        added.add(special.added)
        guard let start = added.id(special.start), let end = added.id(special.end) else {
            throw CLIPError(
                .model, path: model.vocabularyFile,
                "has neither token \(quoted(special.start)) nor \(quoted(special.end)), expected both")
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
    ) throws(CLIPError) -> BytePairTableBuilder {
        var builder = BytePairTableBuilder()
        builder.cleaning = cleaning
        builder.merges = try resolvedMerges()
        builder.byteSymbols = symbols
        builder.startToken = start
        builder.endToken = end
        let tokens = added.tokens.values.sorted { $0.id < $1.id }
        var pieces = [ArraySlice<UInt8>?](
            repeating: nil, count: max(vocabulary.end, tokens.last.map { Int($0.id) + 1 } ?? 0))
        vocabulary.forEach { range, id in pieces[Int(id)] = vocabulary.bytes[range] }
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
    func resolvedMerges(prefix: [UInt8] = []) throws(CLIPError) -> [Merge] {
        var resolved: [Merge] = []
        resolved.reserveCapacity(merges.count)
        // What merges make mostly comes in the vocabulary's order.
        var place = 0
        for (rank, merge) in merges.enumerated() {
            let (first, second) = (mergeBytes[merge.start..<merge.middle], mergeBytes[merge.middle..<merge.end])
            let whole = prefix.isEmpty ? mergeBytes[merge.start..<merge.end] : first + second.dropFirst(prefix.count)
            guard let left = vocabulary[first], let right = vocabulary[second],
                let result = vocabulary.id(of: whole, near: &place)
            else {
                let absent = [first, second, whole].first { vocabulary[$0] == nil } ?? whole
                throw CLIPError(
                    .model, path: mergesFile,
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

    func faultOfMissingByte() -> CLIPError {
        let index = (0..<512).first { vocabulary[BytePairModel.bytePiece($0)] == nil } ?? 0
        let piece = String(decoding: BytePairModel.bytePiece(index), as: UTF8.self)
        return CLIPError(
            .model, path: vocabularyFile,
            "has no token \(quoted(piece)) for byte \(index & 255) and no unknown token to stand in: not a "
                + "byte-level vocabulary of CLIP's kind")
    }
}

/// Vocabulary and merges as a file gives them.
struct BytePairModel {
    var vocabulary = PieceIndex()
    /// Where each merge's pieces are in `mergeBytes`, one right after the other.
    private(set) var merges: [(start: Int, middle: Int, end: Int)] = []
    private(set) var mergeBytes: [UInt8] = []
    var mergesFile = "merges.txt"
    var vocabularyFile = "vocab.json"
}

extension BytePairModel {
    /// From vocab.json and merges.txt.
    init(vocabulary json: [UInt8], merges text: [UInt8]) throws(CLIPError) {
        var scanner = JSONScanner(json, at: JSONPlace(vocabularyFile))
        try readVocabulary(&scanner)
        try scanner.end()
        try readMerges(text)
    }

    /// From tokenizer.json. Its normalizer and pre-tokenizer are not read: CLIP's are always the same.
    init(tokenizerJSON json: [UInt8]) throws(CLIPError) {
        vocabularyFile = "tokenizer.json"
        mergesFile = "tokenizer.json"
        var scanner = JSONScanner(json, at: JSONPlace(vocabularyFile))
        var found = (vocabulary: false, merges: false)
        var isFirst = true
        try scanner.openObject()
        while let key = try scanner.nextKey(&isFirst) {
            if key.utf8.elementsEqual("model".utf8) {
                try readModel(&scanner, &found)
            } else {
                try scanner.skipValue()
            }
        }
        try scanner.end()
        guard found.vocabulary, found.merges else {
            throw CLIPError(
                .model, path: vocabularyFile, "has no \"model\" with \"vocab\" and \"merges\", expected a BPE tokenizer"
            )
        }
    }

    private mutating func readModel(
        _ scanner: inout JSONScanner, _ found: inout (vocabulary: Bool, merges: Bool)
    ) throws(CLIPError) {
        var isFirst = true
        try scanner.openObject()
        while let key = try scanner.nextKey(&isFirst) {
            switch key {
            case "type":
                let type = try scanner.string()
                guard type.utf8.elementsEqual("BPE".utf8) else {
                    throw scanner.fault("the model is \(quoted(type)), expected \"BPE\"")
                }
            case "vocab" where !found.vocabulary:
                try readVocabulary(&scanner)
                found.vocabulary = true
            case "merges" where !found.merges:
                try readMerges(&scanner)
                found.merges = true
            case "vocab", "merges": throw scanner.fault("\"\(key)\" is there twice")
            default: try scanner.skipValue()
            }
        }
    }

    mutating func readVocabulary(_ scanner: inout JSONScanner) throws(CLIPError) {
        var isFirst = true
        try scanner.openObject()
        while let piece = try scanner.nextKeyBytes(&isFirst) {
            let id = try scanner.unsignedInteger()
            guard id < MergeTable.largestVocabulary else {
                throw scanner.fault(
                    "token \(quoted(String(decoding: piece, as: UTF8.self))) has id \(id), the largest possible is "
                        + "\(MergeTable.largestVocabulary - 1)")
            }
            vocabulary.insert(piece, id: UInt32(id))
        }
    }

    /// Merges in tokenizer.json: strings with a space in them, or lists of two strings.
    mutating func readMerges(_ scanner: inout JSONScanner) throws(CLIPError) {
        var isFirst = true
        try scanner.openArray()
        while try scanner.nextElement(&isFirst) {
            if try scanner.peek() == UInt8(ascii: "\"") {
                let text = try scanner.stringBytes()
                guard let space = text.firstIndex(of: 0x20), !text[(space + 1)...].contains(0x20) else {
                    let text = quoted(String(decoding: text, as: UTF8.self))
                    throw scanner.fault("merge \(merges.count) is \(text), expected two pieces")
                }
                appendMerge(text[..<space], text[(space + 1)...])
            } else {
                var pair: (left: ArraySlice<UInt8>, right: ArraySlice<UInt8>) = ([], [])
                var (count, isFirstPart) = (0, true)
                try scanner.openArray()
                while try scanner.nextElement(&isFirstPart) {
                    pair = (pair.right, try scanner.stringBytes())
                    count += 1
                }
                guard count == 2 else {
                    throw scanner.fault("merge \(merges.count) has \(count) pieces, expected two")
                }
                appendMerge(pair.left, pair.right)
            }
        }
    }

    /// Merges as lines; `#version` lines and empty ones don't count, lines may end in CR LF.
    private mutating func readMerges(_ text: [UInt8]) throws(CLIPError) {
        var number = 0
        for line in text.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let line = line.last == 0x0D ? line.dropLast() : line
            if line.isEmpty || line.starts(with: "#version".utf8) { continue }
            let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                let text = quoted(String(decoding: line.prefix(200), as: UTF8.self))
                throw CLIPError(
                    .model, path: mergesFile,
                    "line \(number): expected two pieces with a space between, found \(text), fetch it again")
            }
            appendMerge(parts[0], parts[1])
        }
    }

    private mutating func appendMerge(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) {
        let start = mergeBytes.count
        mergeBytes.append(contentsOf: left)
        let middle = mergeBytes.count
        mergeBytes.append(contentsOf: right)
        merges.append((start, middle, mergeBytes.count))
    }
}
