internal import CLIPCompute
internal import CLIPJSON
internal import CLIPSystem
internal import CLIPTokenizers
internal import CLIPWeights

/// Writes a model in Hugging Face's layout, a tensor at a time.
struct FolderExport {
    let store: any ModelStore

    /// - Returns: the size of model.safetensors.
    func write(to location: PathBytes) throws(CLIPError) -> Int {
        try refuseWhatDiffers()
        let files = try files()
        let folder = try AtomicFolder(location, kind: .model)
        do throws(CLIPError) {
            let byteCount = try writeWeights(to: folder.temporaryPath(of: "model.safetensors"))
            for (name, bytes) in files {
                let file = try AtomicFile(folder.temporaryPath(of: name), kind: .model)
                try file.write(bytes)
                try file.commit()
            }
            try folder.commit()
            return byteCount
        } catch {
            throw folder.renaming(error)
        }
    }

    /// - Throws: `CLIPError` when transformers would compute something else.
    private func refuseWhatDiffers() throws(CLIPError) {
        if let obstacle = store.info.configuration.obstacleToTransformers(parts: parts) {
            throw CLIPError(
                .model, path: store.info.path,
                "can't be written for transformers, whose CLIPModel has no such encoder (\(obstacle)): keep its own files"
            )
        }
        if !store.info.configuration.family.isSigLIP, store.info.logitBias != nil {
            throw CLIPError(
                .model, path: store.info.path,
                "can't be written for transformers, whose CLIPModel has no logit_bias: keep its own files")
        }
        if store.info.hasImageEncoder, let obstacle = store.info.preprocessing.obstacleToTransformers {
            throw CLIPError(
                .model, path: store.info.path,
                "can't be written for transformers, which would prepare pictures otherwise (\(obstacle)): keep its own files, "
                    + "or export its text encoder alone")
        }
    }

    private var parts: ModelParts {
        store.info.hasImageEncoder && store.info.hasTextEncoder ? .all : store.info.hasImageEncoder ? .images : .texts
    }

    /// The small files.
    private func files() throws(CLIPError) -> [(name: String, bytes: [UInt8])] {
        var files = try store.info.hasTextEncoder ? store.exportedTokenizer() : []
        func add(_ name: String, _ text: String) { files.append((name, Array(text.utf8))) }
        if store.info.hasImageEncoder { add("preprocessor_config.json", store.info.preprocessing.json) }
        var card = store.info.card ?? ModelCard(name: "unnamed")
        if card.sourceSHA256 == nil { card.sourceSHA256 = try store.sourceSHA256() }
        add("model_card.json", card.json)
        add(
            "config.json",
            store.info.configuration.exportedText(of: parts, initialLogitScale: store.info.logitScaleLogarithm))
        return files
    }

    /// A tensor as transformers names it, made of one of ours or of several, one after another.
    private struct Exported {
        var name: String
        var parts: [ModelTensor]
    }

    /// SigLIP's pooling keeps queries, keys and values in one, and calls the projection of its texts a head.
    private var exported: [Exported] {
        guard store.info.configuration.family.isSigLIP else {
            let family = store.info.configuration.family
            return store.info.tensors().map { Exported(name: CheckpointKeys.name(of: $0.key, family), parts: [$0]) }
        }
        var all: [Exported] = []
        for tensor in store.info.tensors() {
            let key = tensor.key
            let fused = ["q_proj", "k_proj", "v_proj"].first { key.hasPrefix("vision_model.head.attention.\($0).") }
            let name =
                fused.map {
                    "vision_model.head.attention.in_proj_\(key.dropFirst("vision_model.head.attention.\($0).".count))"
                }
                ?? (key.hasPrefix("text_projection.")
                    ? "text_model.head.\(key.dropFirst("text_projection.".count))" : key)
            if let index = all.firstIndex(where: { $0.name == name }) {
                all[index].parts.append(tensor)
            } else {
                all.append(Exported(name: name, parts: [tensor]))
            }
        }
        return all
    }

    private func writeWeights(to location: PathBytes) throws(CLIPError) -> Int {
        let vectorType = try vectorType()
        let exported = exported
        // transformers' classes for one encoder have neither.
        let isWhole = store.info.hasImageEncoder && store.info.hasTextEncoder
        let bias = store.info.logitBias.map { [(FlatFile.Name.logitBias, $0)] } ?? []
        let scales = isWhole ? [(FlatFile.Name.logitScale, store.info.logitScaleLogarithm)] + bias : []
        // SigLIP's are lists of one.
        let shape = store.info.configuration.family.isSigLIP ? [1] : []
        var declarations = scales.map { TensorDeclaration(name: $0.0, type: vectorType, shape: shape) }
        for tensor in exported { declarations.append(try declaration(of: tensor, vectorType)) }
        let writer = try SafetensorsWriter(location, metadata: ["format": "pt"], tensors: declarations)
        for (name, number) in scales { try write([number], name, vectorType, writer) }
        for tensor in exported {
            try checkCancellation()
            if case .table(let rows, let columns) = tensor.parts[0].kind {
                let table = try store.weights.table(tensor.parts[0].key, rows: rows, columns: columns)
                try withExtendedLifetime(table) { () throws(CLIPError) in try put(tensor.name, table.bytes, writer) }
            } else if case .vector = tensor.parts[0].kind {
                var numbers: [Float] = []
                for part in tensor.parts {
                    guard case .vector(let shape) = part.kind else { continue }
                    numbers += try store.weights.vector(part.key, shape: shape).values
                }
                try write(numbers, tensor.name, vectorType, writer)
            } else {
                let buffer = try matrices(tensor.parts)
                try put(tensor.name, UnsafeRawBufferPointer(buffer.bytes), writer)
            }
            store.releasePages()
        }
        return try writer.finish()
    }

    /// The rows of matrices of as many inputs and the same type, one after another.
    private func matrices(_ tensors: [ModelTensor]) throws(CLIPError) -> WeightBuffer {
        let size = try elementType(of: tensors[0]) == .float16 ? 2 : 4
        let buffer = WeightBuffer(byteCount: tensors.reduce(0) { $0 + $1.count * size })
        var start = 0
        for tensor in tensors {
            guard case .matrix(let outputs, let inputs) = tensor.kind else { continue }
            let matrix = try store.weights.matrix(tensor.key, outputs: outputs, inputs: inputs).dequantised()
            let end = start + tensor.count * size
            guard matrix.elementType.byteCount == size else {
                throw CLIPError(
                    .model, path: store.info.path,
                    "stores queries, keys and values of its pooling in different types: pack it first, as f32 or f16")
            }
            matrix.unpack(into: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[start..<end]))
            start = end
        }
        return buffer
    }

    private func put(_ key: String, _ bytes: UnsafeRawBufferPointer, _ writer: SafetensorsWriter) throws(CLIPError) {
        try writer.write(key, bytes)
    }

    private func write(
        _ numbers: [Float], _ key: String, _ type: ElementType, _ writer: SafetensorsWriter
    ) throws(CLIPError) {
        if type == .f16 {
            try writer.write(key, numbers.map(\.halfBits))
        } else {
            try writer.write(key, numbers)
        }
    }

    /// Norms, biases and positions go in half precision where the matrices do and none of them changes by it, as in a
    /// model that was half precision throughout.
    private func vectorType() throws(CLIPError) -> ElementType {
        func isHalf(_ numbers: [Float]) -> Bool { numbers.allSatisfy { Float(halfBits: $0.halfBits) == $0 } }
        guard isHalf([store.info.logitScaleLogarithm] + (store.info.logitBias.map { [$0] } ?? [])) else { return .f32 }
        for tensor in store.info.tensors() {
            try checkCancellation()
            switch tensor.kind {
            case .vector(let shape):
                guard try isHalf(store.weights.vector(tensor.key, shape: shape).values) else { return .f32 }
            case .matrix, .table:
                guard try elementType(of: tensor) == .float16 else { return .f32 }
            }
        }
        return .f16
    }

    private func declaration(of tensor: Exported, _ vectorType: ElementType) throws(CLIPError) -> TensorDeclaration {
        var shape: [Int]
        switch tensor.parts[0].kind {
        case .vector(let extents): shape = tensor.name.hasSuffix(".probe") ? [1, 1] + extents : extents
        case .table(let rows, let columns): shape = [rows, columns]
        case .matrix(let outputs, let inputs):
            let (vision, isPatch) = (
                store.info.configuration.vision, tensor.name.hasSuffix("patch_embedding.weight")
            )
            shape =
                isPatch && !vision.hasPictureGrids
                ? [outputs, 3, vision.patchSize, vision.patchSize] : [outputs, inputs]
        }
        if tensor.parts.count > 1 { shape[0] *= tensor.parts.count }
        if case .vector = tensor.parts[0].kind {
            return TensorDeclaration(name: tensor.name, type: vectorType, shape: shape)
        }
        return TensorDeclaration(
            name: tensor.name, type: try elementType(of: tensor.parts[0]) == .float16 ? .f16 : .f32, shape: shape)
    }

    /// How a matrix or table comes, which is known only when it is there.
    private func elementType(of tensor: ModelTensor) throws(CLIPError) -> PanelPackedMatrix.ElementType {
        defer { store.releasePages() }
        switch tensor.kind {
        case .vector: return .float32
        case .matrix(let outputs, let inputs):
            return try store.weights.matrix(tensor.key, outputs: outputs, inputs: inputs).elementType
        case .table(let rows, let columns):
            return try store.weights.table(tensor.key, rows: rows, columns: columns).elementType
        }
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
                .model, path: info.path,
                "has another tokenizer than CLIP's, whose files it doesn't hold: export the folder that it is from")
        }
        do {
            return try tokenizer.files(contextLength: info.configuration.text.contextLength).map {
                ($0.name, Array($0.text.utf8))
            }
        } catch {
            throw error.saying("can't be written for transformers: \(error.path ?? "") \(error.message)").at(info.path)
        }
    }
}

extension CheckpointModel {
    /// Of a Hugging Face folder the tokenizer's files as they are.
    func ownTokenizerFiles() throws(CLIPError) -> [(name: String, bytes: [UInt8])] {
        guard let folder = huggingFaceFolder, let config = try folder.readText("config.json") else { return [] }
        // The type of model decides whose rules count where the tokenizer's files don't, or are not heeded.
        let type = try jsonObject(config, path: folder.path(of: "config.json"))["model_type"]?.string
        var files: [(name: String, bytes: [UInt8])] = []
        let texts = try folder.tokenizerFolder()
        for name in TokenizerFiles.names {
            if let bytes = try texts.readText(name) { files.append((name, bytes)) }
        }
        var className: String?
        if let own = files.first(where: { $0.name == "tokenizer_config.json" }) {
            className = try jsonObject(own.bytes, path: folder.path(of: own.name))["tokenizer_class"]?.string
        }
        let exported =
            info.hasImageEncoder && info.hasTextEncoder
            ? info.configuration.family.rawValue : nil
        return type == exported || className != nil && type != "siglip2" ? files : []
    }
}
