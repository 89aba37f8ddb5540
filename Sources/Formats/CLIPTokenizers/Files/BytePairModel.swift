internal import CLIPJSON

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
    init(vocabulary json: [UInt8], merges text: [UInt8]) throws(TokenizerError) {
        var scanner = JSONScanner(json)
        do throws(JSONFault) {
            try readVocabulary(&scanner)
            try scanner.end()
        } catch {
            throw TokenizerError(file: vocabularyFile, problem: "byte \(error.offset): \(error.problem)")
        }
        try readMerges(text)
    }

    /// From tokenizer.json. Its normalizer and pre-tokenizer are not read: CLIP's are always the same.
    init(tokenizerJSON json: [UInt8]) throws(TokenizerError) {
        vocabularyFile = "tokenizer.json"
        mergesFile = "tokenizer.json"
        var scanner = JSONScanner(json)
        var found = (vocabulary: false, merges: false)
        do throws(JSONFault) {
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
        } catch {
            throw TokenizerError(file: vocabularyFile, problem: "byte \(error.offset): \(error.problem)")
        }
        guard found.vocabulary, found.merges else {
            throw TokenizerError(
                file: vocabularyFile,
                problem: "has no \"model\" with \"vocab\" and \"merges\", expected a BPE tokenizer")
        }
    }

    private mutating func readModel(
        _ scanner: inout JSONScanner, _ found: inout (vocabulary: Bool, merges: Bool)
    ) throws(JSONFault) {
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

    mutating func readVocabulary(_ scanner: inout JSONScanner) throws(JSONFault) {
        var isFirst = true
        try scanner.openObject()
        while let piece = try scanner.nextKeyBytes(&isFirst) {
            let id = try scanner.unsignedInteger()
            guard id < FlatLayout.largestVocabulary else {
                throw scanner.fault(
                    "token \(quoted(String(decoding: piece, as: UTF8.self))) has id \(id), the largest possible is "
                        + "\(FlatLayout.largestVocabulary - 1)")
            }
            vocabulary.insert(piece, id: UInt32(id))
        }
    }

    /// Merges in tokenizer.json: strings with a space in them, or lists of two strings.
    mutating func readMerges(_ scanner: inout JSONScanner) throws(JSONFault) {
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
    private mutating func readMerges(_ text: [UInt8]) throws(TokenizerError) {
        var number = 0
        for line in text.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let line = line.last == 0x0D ? line.dropLast() : line
            if line.isEmpty || line.starts(with: "#version".utf8) { continue }
            let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                let text = quoted(String(decoding: line.prefix(200), as: UTF8.self))
                throw TokenizerError(
                    file: mergesFile,
                    problem: "line \(number): expected two pieces with a space between, found \(text), fetch it again")
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
