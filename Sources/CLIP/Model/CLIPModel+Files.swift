internal import CLIPJSON
internal import CLIPSystem
internal import CLIPTokenizers

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension CLIPModel {
    /// Writes this model as one flat `.clip` file: packed panels, tokenizer tables, card, and probe embeddings for
    /// `verify`. The file appears complete or not at all.
    ///
    /// Before it appears the file is loaded, and its probes are compared with the original weights'.
    ///
    /// A `.clip` file can be packed again, as any type; what f16, int16 or int8 has rounded away stays lost. The probes stay those
    /// of the original weights.
    /// - Parameters:
    ///   - url: the file to write.
    ///   - weights: how matrices and token embeddings are stored. Norms, biases and positions are always f32.
    ///   - parts: the encoders to write.
    /// - Returns: what was written, and how near it comes to the original weights.
    /// - Throws: `CLIPError` of kind `.model` when a weight is not finite, or doesn't fit f16; the model lacks the
    ///   encoder; a probe comes out otherwise than by the original weights; or the file can't be written.
    @discardableResult
    public func pack(
        to url: URL, weights: WeightType = .float16, parts: ModelParts = .all
    ) throws(CLIPError) -> PackedFile {
        guard let location = PathBytes(url) else {
            throw CLIPError(.argument, path: url.absoluteString, "is not a file to write to")
        }
        guard parts == .all || (parts.holdImages ? info.hasImageEncoder : info.hasTextEncoder) else {
            throw CLIPError(
                .model, path: info.path, "has no encoder of \(parts.rawValue): there is nothing to pack of it")
        }
        // The weights of a `.clip` file may be rounded; its probes are the original's.
        let inherited = info.isPacked ? try loaded.store.probes() : nil
        var probes = if let inherited { inherited } else { try makeProbes(of: parts) }
        if !parts.holdTexts { probes.texts = [] }
        if !parts.holdImages { probes.pictures = [] }
        let writer = FlatFileWriter(model: loaded.store, weightType: weights, parts: parts, probes: probes)
        return try writer.write(to: location) { (draft) throws(CLIPError) in
            let packed = try CLIPModel(.flat(file: draft), threads: threads)
            let probes = try packed.verify()
            if let worst = probes.filter({ !$0.passes }).min(by: { $0.cosine < $1.cosine }) {
                throw packingFailure(worst, of: weights, path: location.text)
            }
            return (probes, packed.fingerprint)
        }
    }

    private func packingFailure(_ worst: ProbeResult, of type: WeightType, path: String) -> CLIPError {
        let advice =
            switch type {
            case .int8: "pack it as int16, f16 or f32"
            case .int16: "pack it as f16 or f32"
            case .float16: "pack it as f32"
            case .float32:
                "the file would be another model than \(info.path), which is a fault of this program: use that as it is, and "
                    + "report it"
            }
        return CLIPError(
            .model, path: path,
            "was not written: packed as \(type.rawValue), the probe \(jsonString(String(worst.probe.prefix(30)))) has the "
                + "cosine \(worst.cosine) to the original weights, expected at least \(worst.leastCosine): \(advice)")
    }

    /// Recomputes the probe texts and pictures that the model carries, and compares with the embeddings stored beside
    /// them: in a `.clip` file those that the original weights gave when it was packed, in a folder those of a
    /// golden.json. Also reads every weight: a file that is not what was packed is an error.
    /// - Throws: `CLIPError` of kind `.model` when the weights are damaged, or the model carries no probes.
    public func verify() throws(CLIPError) -> [ProbeResult] {
        try loaded.store.checkIntegrity()
        guard let probes = try loaded.store.probes() else {
            throw CLIPError(
                .model, path: info.path, "carries no probes to compare with: pack it, the .clip file will have some")
        }
        var results: [ProbeResult] = []
        if info.hasTextEncoder {
            let computed = try streamedEmbeddings(of: probes.texts.map(\.name))
            results += zip(probes.texts, computed).map {
                result($0.name, isPicture: false, stored: $0.embedding, computed: $1)
            }
        }
        if info.hasImageEncoder {
            let computed = try streamedEmbeddings(of: probes.pictures.map(\.image))
            results += zip(probes.pictures, computed).map {
                result($0.name, isPicture: true, stored: $0.embedding, computed: $1)
            }
        }
        return results
    }

    private func makeProbes(of parts: ModelParts) throws(CLIPError) -> Probes {
        var probes = Probes(texts: [], pictures: [])
        if info.hasTextEncoder && parts.holdTexts {
            let texts = Probes.builtInTexts
            probes.texts = zip(texts, try streamedEmbeddings(of: texts)).map {
                Probes.EmbeddedText(name: $0, embedding: $1.values)
            }
        }
        if info.hasImageEncoder && parts.holdImages {
            let pictures = ProbePicture.allCases
            let images = pictures.map { Picture(bitmap: $0.bitmap) }
            probes.pictures = zip(zip(pictures, images), try streamedEmbeddings(of: images)).map {
                Probes.EmbeddedPicture(name: $0.0.rawValue, image: $0.1, embedding: $1.values)
            }
        }
        return probes
    }

    /// Embeds texts with one layer's weights in memory at a time, little more than the largest tensor; not normalised.
    private func streamedEmbeddings(of texts: [String]) throws(CLIPError) -> [Embedding] {
        let store = loaded.store
        let encoder = try TextEncoder(configuration: store.info.configuration, weights: store.weights) {
            store.releasePages()
        }
        let tokenizer = try loaded.textTokenizer()
        let tokens = texts.map {
            tokenizer.tokenize($0).truncated(to: store.info.configuration.text.contextLength).ids
        }
        let values = try encoder.embed(tokens: tokens, compute: loaded.compute)
        return try loaded.embeddings(values)
    }

    /// The same of pictures.
    private func streamedEmbeddings(of images: [Picture]) throws(CLIPError) -> [Embedding] {
        let store = loaded.store
        let encoder = try ImageEncoder(configuration: store.info.configuration, weights: store.weights) {
            store.releasePages()
        }
        let prepared = images.map { loaded.prepare($0, fit: nil) }
        let values = try prepared.flatMap(\.pixels).withUnsafeBufferPointer { pixels throws(CLIPError) -> [Float] in
            guard let start = pixels.baseAddress else { return [] }
            return try encoder.embed(pixels: start, sizes: prepared.flatMap(\.crops), compute: loaded.compute)
        }
        return loaded.joined(try loaded.embeddings(values), of: prepared, normalize: false)
    }

    private func result(
        _ name: String, isPicture: Bool, stored: [Float], computed: Embedding
    ) -> ProbeResult {
        let stored = Embedding(values: stored)
        let largest = stored.values.reduce(0) { max($0, abs($1)) }
        let difference = zip(stored.values, computed.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
        return ProbeResult(
            probe: name, isPicture: isPicture, cosine: stored.similarity(to: computed),
            largestError: largest > 0 ? difference / largest : difference,
            leastCosine: loaded.store.info.precision.leastCosine)
    }
}

extension CLIPModel {
    /// Writes this model as a Hugging Face folder: model.safetensors, config.json, preprocessor_config.json, the
    /// tokenizer's files and model_card.json. Weights keep their values to the bit, and transformers makes the same tokens
    /// and pixel values of texts and pictures as this model: what it can't reproduce is refused.
    ///
    /// The folder appears complete or not at all. Of a model that holds one encoder, it holds that one.
    /// - Parameter url: a folder that doesn't exist yet, or is empty.
    /// - Returns: the size of model.safetensors in bytes.
    /// - Throws: `CLIPError` of kind `.model` when transformers has no such model, or a file can't be written.
    @discardableResult
    public func export(to url: URL) throws(CLIPError) -> Int {
        guard let location = PathBytes(url) else {
            throw CLIPError(.argument, path: url.absoluteString, "is not a folder to write to")
        }
        return try FolderExport(store: loaded.store).write(to: location)
    }
}

extension CLIPModel {
    /// Which texts a folder that `export` writes reads otherwise in transformers, because no file there can say what this
    /// model does with them; nil if none do.
    ///
    /// - Throws: `CLIPError` of kind `.model` when the tokenizer can't be loaded.
    public func textsReadOtherwiseWhenExported() throws(CLIPError) -> String? {
        guard info.hasTextEncoder else { return nil }
        return (try loaded.textTokenizer() as? BytePairTokenizer)?.exportedDifference
    }
}
