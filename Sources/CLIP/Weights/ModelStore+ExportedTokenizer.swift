internal import CLIPJSON
internal import CLIPTokenizers
internal import CLIPWeights

extension CLIPModel {
    /// Which texts a folder that `export` writes reads otherwise in transformers, because no file there can say what this
    /// model does with them; nil if none do.
    ///
    /// - Throws: `CLIPError` of kind `.model` when the tokenizer can't be loaded.
    public func textsReadOtherwiseWhenExported() throws(CLIPError) -> String? {
        guard hasTextEncoder else { return nil }
        return (try loaded.textTokenizer() as? BytePairTokenizer)?.exportedDifference
    }
}

extension ModelStore {
    /// The files of a folder from which transformers makes this model's tokenizer: those of its own folder as they are,
    /// else made from the tokenizer.
    func exportedTokenizer() throws(CLIPError) -> [(name: String, bytes: [UInt8])] {
        // Loaded in any case: what can't be loaded is not passed on.
        let tokenizer = try tokenizer()
        let own = try ownTokenizerFiles()
        if !own.isEmpty { return own }
        guard let tokenizer = tokenizer as? BytePairTokenizer else {
            throw CLIPError(
                .model, path: path,
                "has another tokenizer than CLIP's, whose files it doesn't hold: export the folder that it is from")
        }
        do {
            return try tokenizer.files(contextLength: configuration.text.contextLength).map {
                ($0.name, Array($0.text.utf8))
            }
        } catch {
            throw CLIPError(.model, path: path, "can't be written for transformers: \(error.file) \(error.problem)")
        }
    }

    func ownTokenizerFiles() throws(CLIPError) -> [(name: String, bytes: [UInt8])] { [] }
}

extension CheckpointModel {
    /// Of a Hugging Face folder the tokenizer's files as they are.
    func ownTokenizerFiles() throws(CLIPError) -> [(name: String, bytes: [UInt8])] {
        guard let folder = huggingFaceFolder, let config = try folder.text("config.json") else { return [] }
        // The type of model decides whose rules count where the tokenizer's files don't, or are not heeded.
        let type = try jsonObject(config, path: folder.path(of: "config.json"))["model_type"]?.string
        var files: [(name: String, bytes: [UInt8])] = []
        for name in TokenizerFiles.names {
            if let bytes = try folder.text(name) { files.append((name, bytes)) }
        }
        var className: String?
        if let own = files.first(where: { $0.name == "tokenizer_config.json" }) {
            className = try jsonObject(own.bytes, path: folder.path(of: own.name))["tokenizer_class"]?.string
        }
        let exported = hasImageEncoder && hasTextEncoder ? (configuration.family == .siglip ? "siglip" : "clip") : nil
        return type == exported || className != nil && type != "siglip2" ? files : []
    }
}
