internal import CLIPJSON
package import CLIPSystem

/// A tokenizer of any kind from the files of a model in the Hugging Face layout.
/// - Parameters:
///   - isLowercased: whether small letters are made first, whatever tokenizer.json says.
///   - wrapping: what open_clip does around it, if the model is one of its.
/// - Throws: as the tokenizers' own initialisers.
package func loadTokenizer(
    _ files: TokenizerFiles, isLowercased: Bool = false, wrapping: OpenCLIPWrapping? = nil
) throws(CLIPError) -> any Tokenizer {
    var files = files
    if files.tokenizerJSON == nil, let model = files.fairseqModel {
        guard try TokenizerClass(files, isByteLevel: false) == .xlmRoberta else {
            throw CLIPError(
                .model, path: "sentencepiece.bpe.model",
                "is of another tokenizer than XLMRobertaTokenizer (tokenizer_class): fetch the model's tokenizer.json")
        }
        files.tokenizerJSON = try TokenizerFiles.tokenizerJSON(fairseq: model)
    }
    if let bytes = files.tokenizerJSON {
        let kind = try TokenizerClass(files, isByteLevel: TokenizerJSON.isByteLevel(bytes))
        if kind == .clip, wrapping == nil { return try BytePairTokenizer(files) }
        let json = try TokenizerJSON(bytes, files, kind)
        if wrapping == nil, let flat = try json.bytePairBuilder() {
            return BytePairTokenizer(try flat.build(file: TokenizerJSON.file))
        }
        return try PipelineTokenizer(json, isLowercased: isLowercased, wrapping: wrapping)
    }
    if files.sentencePiece != nil { return try PipelineTokenizer(siglip: files, wrapping: wrapping) }
    if files.wordPieces != nil { return try PipelineTokenizer(wordPiece: files, wrapping: wrapping) }
    return try BytePairTokenizer(files)
}

/// A tokenizer of any kind from its compiled form.
/// - Throws: as the tokenizers' own initialisers.
package func loadTokenizer(
    compiled: UnsafeRawBufferPointer, owner: any AnyObject & Sendable
) throws(CLIPError) -> any Tokenizer {
    let magic = compiled.count < 4 ? 0 : compiled.word(at: 0)
    return magic == PipelineTable.magic
        ? try PipelineTokenizer(compiled: compiled, owner: owner)
        : try BytePairTokenizer(compiled: compiled, owner: owner)
}

/// The token that fills up texts, without loading all of the tokenizer; nil when no file names it.
/// - Throws: when a file is damaged.
package func paddingToken(_ files: TokenizerFiles) throws(CLIPError) -> Int32? {
    if files.sentencePiece != nil { return try PipelineTokenizer(siglip: files).paddingToken }
    if files.wordPieces != nil { return try PipelineTokenizer(wordPiece: files).paddingToken }
    guard let json = files.tokenizerJSON else { return nil }
    var scanner = JSONScanner(json, at: JSONPlace(TokenizerJSON.file))
    var isFirst = true
    let named = try files.configurationFields()["pad_token"]
    let name = named?.string ?? named?["content"]?.string ?? "<pad>"
    try scanner.openObject()
    while let key = try scanner.nextKey(&isFirst) {
        if key == "added_tokens" {
            let token = try scanner.value().array?.last { $0["content"]?.string == name }
            return token?["id"]?.int.flatMap(Int32.init(exactly:))
        }
        // The list stands in front of the vocabulary, which is too long to be read for this.
        if key == "model" { return nil }
        try scanner.skipValue()
    }
    return nil
}
