internal import CLIPJSON

extension SentencePieceTokenizer {
    /// SigLIP's tokenizer, as transformers' SiglipTokenizer: small letters, no ASCII punctuation, single spaces, then
    /// the unigram model of spiece.model.
    /// - Parameter wrapping: what open_clip does around it, if the model is one of its.
    /// - Throws: when the model is damaged, or has no end token.
    package init(siglip files: TokenizerFiles, wrapping: OpenCLIPWrapping? = nil) throws(TokenizerError) {
        guard let bytes = files.sentencePiece else {
            throw TokenizerError(file: SentencePieceModel.file, problem: "is missing, fetch it")
        }
        let model = try SentencePieceModel(bytes)
        var builder = try model.builder()
        let named = try SigLIPTokens(configuration: files.configuration)
        func id(_ token: String) throws(TokenizerError) -> UInt32 {
            guard let id = model.pieces.lastIndex(where: { $0.bytes.elementsEqual(token.utf8) }) else {
                throw TokenizerError(
                    file: SentencePieceModel.file,
                    problem: "has no token \(quoted(token)): it is not of this model, fetch both again")
            }
            return UInt32(id)
        }
        let (end, padding, unknown) = (try id(named.end), try id(named.padding), try id(named.unknown))
        builder.rules.endTokens = [end]
        builder.rules.endsOnce = true
        builder.rules.padding = padding
        // Each strips the white space at its sides.
        var contents: Set<[UInt8]> = []
        for (token, id) in [(named.end, end), (named.padding, padding), (named.unknown, unknown)]
        where contents.insert(Array(token.utf8)).inserted {
            builder.rules.addedTokens.append(
                AddedToken(id: id, content: Array(token.utf8), options: [.stripsLeft, .stripsRight]))
        }
        let mark = [SentencePieceTable.spaceMark]
        builder.rules.textSteps = [.replaceText(mark, with: [0x20]), .prepend(mark)]
        builder.rules.partSteps =
            (named.isLowercased ? [.pythonLowercase] : []) + [
                .replaceRuns(.punctuation, with: []),
                .replaceRuns(ScalarRun(members: .pythonSpace), with: [0x20]),
                .strip(left: true, right: true, isPython: true),
                // The unknown token is put in front, so that SentencePiece doesn't strip the mark of the first space.
                .prepend(named.unknown.unicodeScalars.map(\.value)),
                .sentencePiece(model.spaces),
            ]
        builder.rules.hidesPrefix = true
        wrapping?.wrap(&builder.rules, separator: nil)
        self.init(try builder.build(file: SentencePieceModel.file))
    }
}

/// What SiglipTokenizer takes for special tokens.
private struct SigLIPTokens {
    var end = "</s>"
    var padding = "</s>"
    var unknown = "<unk>"
    var isLowercased = true

    init(configuration json: [UInt8]?) throws(TokenizerError) {
        guard let json else { return }
        do throws(JSONFault) {
            let fields = try JSONValue(parsing: json)
            func name(_ key: String) -> String? { fields[key]?.string ?? fields[key]?["content"]?.string }
            end = name("eos_token") ?? end
            padding = name("pad_token") ?? padding
            unknown = name("unk_token") ?? unknown
            isLowercased = fields["do_lower_case"]?.bool ?? true
        } catch {
            throw TokenizerError(file: "tokenizer_config.json", problem: "byte \(error.offset): \(error.problem)")
        }
    }
}
