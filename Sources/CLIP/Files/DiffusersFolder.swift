internal import CLIPTokenizers
internal import CLIPWeights

extension ModelFolder {
    /// Where the tokenizer of this folder's model lies: here, or of a text encoder in a diffusers pipeline, whose folder begins
    /// with `text_encoder`, in the one beside it that is called `tokenizer` with the same ending.
    func tokenizerFolder() throws(CLIPError) -> ModelFolder {
        try part("tokenizer", beside: "text_encoder", unlessHere: TokenizerFiles.names)
    }

    /// Where the preprocessing of this folder's model lies: here, or of an image encoder in a diffusers pipeline in the folder
    /// `feature_extractor` beside it.
    func preprocessorFolder() throws(CLIPError) -> ModelFolder {
        try part(
            "feature_extractor", beside: "image_encoder",
            unlessHere: ["preprocessor_config.json", "processor_config.json"])
    }

    private func part(_ part: String, beside own: String, unlessHere names: [String]) throws(CLIPError) -> ModelFolder {
        let name = String(decoding: location.name, as: UTF8.self)
        let pipeline = ModelFolder(location.appending(".."))
        guard name.hasPrefix(own), try pipeline.contains("model_index.json"), try first(of: names) == nil else {
            return self
        }
        return ModelFolder(pipeline.location(of: part + name.dropFirst(own.count)))
    }
}
