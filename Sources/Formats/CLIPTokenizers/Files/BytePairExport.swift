internal import CLIPJSON
package import CLIPSystem

extension BytePairTokenizer {
    /// The files from which transformers makes a tokenizer that gives the same tokens: tokenizer.json and
    /// tokenizer_config.json, and for CLIPTokenizer vocab.json and merges.txt as older releases read them.
    ///
    /// But for what `exportedDifference` names.
    /// - Parameter contextLength: the most tokens that the model takes.
    /// - Throws: when transformers would find the tokens elsewhere that open_clip has beside its vocabulary.
    package func files(contextLength: Int) throws(CLIPError) -> [(name: String, text: String)] {
        let isCLIPs = cleaning == .transformers
        guard isCLIPs || !table.addedTokens.contains(where: { $0.id > table.layout.endToken }) else {
            throw CLIPError(
                .model, path: TokenizerJSON.file,
                "can't say where open_clip finds its additional_special_tokens: keep the model's own files")
        }
        let pieces = (0..<vocabularySize).map { jsonString(spelled(UInt32($0))) }
        let vocabulary =
            "{\(pieces.enumerated().filter { $1 != "\"\"" }.map { "\($1): \($0)" }.joined(separator: ", "))}"
        let merged = table.mergedPairs().map { (piece(Int32($0)), piece(Int32($1))) }
        let start = jsonString(spelled(table.layout.startToken))
        let end = jsonString(spelled(table.layout.endToken))
        let unknown = jsonString(spelled(unknownToken))
        let configuration = """
            {"tokenizer_class": "\(isCLIPs ? "CLIPTokenizer" : "PreTrainedTokenizerFast")", "bos_token": \(start), \
            "eos_token": \(end), "unk_token": \(unknown), "pad_token": \(end), "model_max_length": \(contextLength), \
            "do_lower_case": \(cleaning.form != .whitespace), "errors": "replace"}
            """
        let json = """
            {"version": "1.0", "truncation": null, "padding": null,
            "added_tokens": [\(addedTokens.joined(separator: ", "))],
            "normalizer": \(normalizer),
            "pre_tokenizer": \(preTokenizer),
            "post_processor": {"type": "RobertaProcessing", "sep": [\(end), \(table.layout.endToken)], \
            "cls": [\(start), \(table.layout.startToken)], "trim_offsets": false, "add_prefix_space": false},
            "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
            "model": {"type": "BPE", "dropout": null, "unk_token": \(unknown), "continuing_subword_prefix": "", \
            "end_of_word_suffix": "</w>", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": \(vocabulary),
            "merges": [\(merged.map { "[\(jsonString($0)), \(jsonString($1))]" }.joined(separator: ", "))]}}

            """
        let files = [(name: TokenizerJSON.file, text: json), (name: "tokenizer_config.json", text: configuration)]
        guard isCLIPs else { return files }
        let lines = merged.map { "\($0) \($1)\n" }.joined()
        return files + [("vocab.json", vocabulary), ("merges.txt", "#version: 0.2\n\(lines)")]
    }

    /// Which texts read otherwise by those files, because no tokenizer.json can say what this tokenizer does with them; nil
    /// if none do.
    package var exportedDifference: String? {
        cleaning == .transformers
            ? nil
            : "texts with HTML references (&amp;), in a wrong encoding (â€™), with a capital sigma at a word's end, with "
                + "letters that Unicode got lately, or with a special token spelled right behind a sign"
    }

    /// A token as the files spell it: open_clip has other names for the first and the last of a text.
    private func spelled(_ token: UInt32) -> String {
        let names = table.literals.spellings
        guard cleaning != .transformers, let name = names.first(where: { $0.token == token }) else {
            return piece(Int32(token))
        }
        return String(decoding: name.bytes, as: UTF8.self)
    }

    /// What stands in for a byte that has no token of its own.
    private var unknownToken: UInt32 {
        for index in 0..<512 {
            let symbol = table.symbol(UInt8(index & 255), endsWord: index > 255)
            if !table.piece(Int(symbol)).elementsEqual(BytePairModel.bytePiece(index)) { return symbol }
        }
        return table.layout.endToken
    }

    private var addedTokens: [String] {
        let tokens = table.addedTokens.sorted { $0.id < $1.id }
        return tokens.map { token in
            func flag(_ option: AddedToken.Options) -> Bool { token.options.contains(option) }
            // OpenAI's and open_clip's find theirs in the text when it is clean, unless its signs are gone.
            let isNormalized = flag(.normalized) || cleaning != .transformers && cleaning.form != .canonicalize
            return """
                {"id": \(token.id), "content": \(jsonString(spelled(token.id))), "single_word": \(flag(.singleWord)), \
                "lstrip": \(flag(.stripsLeft)), "rstrip": \(flag(.stripsRight)), "normalized": \(isNormalized), \
                "special": \(!flag(.normalized))}
                """
        }
    }

    private var normalizer: String {
        let spaces = replace(pattern: #"\s+"#, with: " ")
        var steps = [#"{"type": "NFC"}"#, spaces, #"{"type": "Lowercase"}"#]
        if cleaning != .transformers {
            // First what colours a terminal's text, then single characters; the mark is what the pattern skips.
            steps = [replace(pattern: "\u{1B}\\[[0-9;]*[a-zA-Z]", with: "")] + ScalarRepairs().steps(replace)
            steps += [#"{"type": "NFC"}"#, replace(pattern: "\u{345}", with: " ")]
            if cleaning.form == .canonicalize {
                let signs = ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]\^`{|}~]"##
                steps += [replace(pattern: "_", with: " "), replace(pattern: signs, with: "")]
            }
            steps.append(spaces)
            if cleaning.form != .whitespace { steps.append(#"{"type": "Lowercase"}"#) }
        }
        return #"{"type": "Sequence", "normalizers": [\#(steps.joined(separator: ", "))]}"#
    }

    private func replace(pattern: String, with content: String) -> String {
        #"{"type": "Replace", "pattern": {"Regex": \#(jsonString(pattern))}, "content": \#(jsonString(content))}"#
    }

    private var preTokenizer: String {
        let isCLIPs = cleaning == .transformers
        // The long s is an s to a pattern that ignores case, and no capital letter.
        let contractions = "'s|'t|'re|'ve|'m|'ll|'d" + (isCLIPs || cleaning.form == .whitespace ? "" : "|'\u{17F}")
        let pattern =
            (isCLIPs ? #"<\|startoftext\|>|<\|endoftext\|>|"# : "")
            + (cleaning.form == .whitespace ? "(?i:\(contractions))" : contractions)
            + #"|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#
        return """
            {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": \(jsonString(pattern))}, \
            "behavior": "Removed", "invert": true}, {"type": "ByteLevel", "add_prefix_space": false, \
            "trim_offsets": true, "use_regex": \(isCLIPs)}]}
            """
    }
}

extension ScalarRepairs {
    /// A step for each text that stands in for scalars.
    fileprivate func steps(_ replace: (_ pattern: String, _ content: String) -> String) -> [String] {
        var sources: [[UInt32]: [UInt32]] = [:]
        for (scalar, content) in all { sources[content, default: []].append(scalar) }
        return sources.sorted { $0.value[0] < $1.value[0] }.map { content, scalars in
            func text(_ scalars: [UInt32]) -> String {
                String(String.UnicodeScalarView(scalars.map { Unicode.Scalar($0) ?? "\u{FFFD}" }))
            }
            // None of them is a sign that means something there.
            return replace(scalars.count == 1 ? text(scalars) : "[\(text(scalars))]", text(content))
        }
    }
}

extension BytePairTable {
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
