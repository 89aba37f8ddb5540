internal import CLIPSystem
internal import CLIPWeights

/// What becomes of each tensor of a checkpoint: the encoders read it, or it is one of the few that mean nothing for
/// embeddings. Any other tensor tells of an architecture that is not this one, whose embeddings would be wrong without a
/// word.
struct TensorAccount {
    private let source: CheckpointTensorSource
    private let layerScales: LayerScales
    private let configuration: ModelConfiguration
    /// The tensors that the encoders will ask for.
    private let wanted: [ModelTensor]
    /// What the names of tensors begin with that belong to an encoder which is not described, so that it isn't loaded.
    private let leftOut: [String]

    init(_ source: CheckpointTensorSource, _ description: ModelDescription, images: Bool, texts: Bool) {
        self.source = source
        layerScales = description.layerScales
        configuration = description.configuration
        wanted = (images ? configuration.imageTensors : []) + (texts ? configuration.textTensors : [])
        let keys = source.keys
        leftOut =
            description.leftOut + (images ? [] : [keys.visionPrefix, "visual_projection"].compactMap(\.self))
            + (texts ? [] : [keys.textPrefix, "text_projection"].compactMap(\.self))
            // Sines and cosines, which are made here.
            + (keys.hasM2M100 ? ["text.transformer.embed_positions."] : [])
            // What training predicted the next sentence from.
            + (keys.hasBERT && !configuration.text.hasPooler ? [(keys.textPrefix ?? "") + "pooler."] : [])
    }

    /// - Throws: `CLIPError` that names a tensor which is missing, or which nothing reads.
    func check() throws(CLIPError) {
        var read: Set<String> = []
        var missing: [String] = []
        for tensor in wanted {
            let place = source.keys.place(of: tensor.key)
            var names = place.convolution?.names ?? [place.name]
            // Of networks of convolutions no configuration says that they have one.
            if source.keys.convolutions != nil, let scale = place.scale { names.append(scale) }
            if let continuation = place.continuation {
                names.append(continuation.name)
                try checkSameShape(continuation.name, as: place.name)
            }
            // Where no task asks for one, it is refused like any other that was not merged.
            if source.adaptation != nil, let adaptation = place.adaptation {
                names += [adaptation + "lora_A", adaptation + "lora_B"]
            }
            if let norm = place.batchNorm {
                names += CheckpointKeys.batchNormTensors(norm)
            }
            if hasLayerScale(tensor.key), let scale = source.keys.scaleName(of: tensor.key) { names.append(scale) }
            read.formUnion(names)
            missing += names.filter { !source.checkpoint.contains($0) }
        }
        let unread = source.checkpoint.names.filter { !read.contains($0) && !isMeaningless($0) }
        if let name = missing.first { throw missingTensor(name, unread: unread) }
        if !unread.isEmpty { throw unreadTensors(unread) }
        try checkAdapter(read: read)
    }

    private func checkSameShape(_ name: String, as other: String) throws(CLIPError) {
        let (shape, expected) = (source.checkpoint.layout(of: name)?.shape, source.checkpoint.layout(of: other)?.shape)
        guard let shape, let expected, shape != expected else { return }
        throw CLIPError(
            .model, path: source.checkpoint.path,
            "tensor \(quoted(name)) has shape \(shape.prefix(8)), expected \(expected.prefix(8)) as \(quoted(other)): it is "
                + "damaged, fetch it again")
    }

    private func hasLayerScale(_ key: String) -> Bool {
        key.hasPrefix("vision_model.") ? layerScales.image : layerScales.text
    }

    private func checkAdapter(read: Set<String>) throws(CLIPError) {
        let layers = wanted.filter { $0.isLinear }.map { (key: $0.key, name: source.keys.place(of: $0.key).moduleName) }
        guard let adapter = source.adapter, let name = adapter.unusedTensor(layers: layers, tensors: read) else {
            return
        }
        throw CLIPError(
            .model, path: adapter.checkpoint.path,
            "tensor \(quoted(name)) adapts none of this model's linear layers: the adapter is another model's, or merge it "
                + "with peft (merge_and_unload) and save the whole model")
    }

    /// Names that end so are tables of whole numbers or masks that a program makes by itself.
    private static let meaninglessEndings: Set<String> = [
        "position_ids", "attn_mask", "attention_mask", "causal_mask", "causal_attention_mask", "num_batches_tracked",
        "token_type_ids",
    ]
    /// Numbers about the model as a whole; the first two are read apart from the encoders.
    private static let meaninglessNames: Set<String> = [
        FlatFile.Name.logitScale, FlatFile.Name.logitBias, "context_length", "input_resolution", "vocab_size",
    ]
    /// What a training run keeps beside the model.
    private static let trainingState: Set<String> = [
        "optimizer", "optimizers", "optimizer_states", "scheduler", "lr_scheduler", "lr_schedulers", "scaler",
        "rng_state",
    ]

    private func isMeaningless(_ name: String) -> Bool {
        if leftOut.contains(where: { !$0.isEmpty && name.hasPrefix($0) }) { return true }
        if Self.meaninglessNames.contains(name) { return true }
        let parts = name.split(separator: ".")
        guard let first = parts.first, let last = parts.last else { return false }
        return Self.meaninglessEndings.contains(String(last)) || Self.trainingState.contains(String(first))
    }

    private func missingTensor(_ name: String, unread: [String]) -> CLIPError {
        if name == source.keys.name(of: "visual_projection.weight")
            || name == source.keys.name(of: "text_projection.weight")
        {
            return CLIPError(
                .model, path: source.checkpoint.path,
                "has no tensor \(quoted(name)): without that projection its states are in no space that pictures and texts "
                    + "share, fetch or save the whole model (of transformers, the class with WithProjection in its name)"
            )
        }
        let found = unread.first.map { ", but \(quoted($0)), which nothing reads" } ?? ""
        return CLIPError(
            .model, path: source.checkpoint.path,
            "has no tensor \(quoted(name))\(found): it is incomplete or another model's, fetch the whole model")
    }

    private func unreadTensors(_ names: [String]) -> CLIPError {
        let shown = names.prefix(3).map { quoted($0) }.joined(separator: ", ")
        let others = names.count > 3 ? " and \(names.count - 3) more" : ""
        return CLIPError(
            .model, path: source.checkpoint.path,
            "has \(names.count == 1 ? "the tensor" : "the tensors") \(shown)\(others), which nothing reads: "
                + reason(names[0]))
    }

    /// Why a tensor is not read, and what to do about it.
    private func reason(_ name: String) -> String {
        if name.contains("lora_") {
            return "an adapter was not merged, merge it (peft's merge_and_unload) and save the model again"
        }
        if name.hasSuffix(".gamma") {
            return "the configuration has no LayerScale (ls_init_value), weights and configuration are not of one model"
        }
        if let surplus = surplusLayer(name) {
            return
                "the configuration has \(surplus) \(surplus == 1 ? "layer" : "layers"), weights and configuration are not "
                + "of one model"
        }
        return "the model is more than the CLIP that its configuration describes, and embeddings without them would be "
            + "wrong"
    }

    /// How many layers the configuration has of the encoder of which `name` is in a later one.
    private func surplusLayer(_ name: String) -> Int? {
        let counts = [
            ("vision_model", configuration.vision.transformer.layerCount),
            ("text_model", configuration.text.transformer.layerCount),
        ]
        for (encoder, count) in counts {
            let norm = source.keys.name(of: "\(encoder).encoder.layers.\(count).layer_norm1.weight")
            let number = norm.split(separator: ".").firstIndex { $0 == "\(count)" }
            guard let number else { continue }
            let (own, other) = (norm.split(separator: "."), name.split(separator: "."))
            if other.count > number, other[..<number] == own[..<number], let layer = Int(other[number]), layer >= count
            {
                return count
            }
        }
        return nil
    }
}

extension ModelTensor {
    /// Whether this is a linear layer's matrix, rather than the patches' convolution.
    fileprivate var isLinear: Bool {
        if case .matrix = kind { return !key.hasSuffix("patch_embedding.weight") }
        return false
    }
}
