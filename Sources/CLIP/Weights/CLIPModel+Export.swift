internal import TensorCore
internal import Tokenizers
internal import Weights

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension CLIPModel {
    /// Writes this model as a Hugging Face folder: model.safetensors, config.json, preprocessor_config.json, the
    /// tokenizer's files and model_card.json. Weights keep their values to the bit.
    ///
    /// config.json comes last: a folder without it is no model, so that none appears half written.
    /// - Parameter url: a folder that doesn't exist yet, or is empty.
    /// - Returns: the size of model.safetensors in bytes.
    /// - Throws: `CLIPError` of kind `.model` when transformers has no such model, or a file can't be written.
    @discardableResult
    public func export(to url: URL) throws(CLIPError) -> Int {
        guard let path = url.filePath else {
            throw CLIPError(.argument, path: url.absoluteString, "is not a folder to write to")
        }
        return try FolderExport(store: loaded.store).write(to: path)
    }
}

/// Writes a model in Hugging Face's layout, a tensor at a time.
struct FolderExport {
    let store: any ModelStore

    /// - Returns: the size of model.safetensors.
    func write(to path: String) throws(CLIPError) -> Int {
        if let obstacle = store.configuration.obstacleToTransformers {
            throw CLIPError(
                .model, path: store.path,
                "can't be written for transformers, whose CLIPModel has no such encoder (\(obstacle)): keep its own files"
            )
        }
        let folder = ModelFolder(path: path)
        try reading { () throws(WeightsError) in try folder.createEmpty() }
        let byteCount = try writeWeights(to: folder.path(of: "model.safetensors"))
        var files: [(name: String, text: String)] = []
        if store.hasTextEncoder {
            guard let tokenizer = try store.tokenizer() as? BytePairTokenizer else {
                throw CLIPError(
                    .model, path: store.path, "has another tokenizer than CLIP's: keep its own files")
            }
            files += tokenizer.files(contextLength: store.configuration.text.contextLength)
        }
        files.append(("preprocessor_config.json", store.preprocessing.json))
        var card = store.card ?? ModelCard(name: "unnamed")
        if card.sourceSHA256 == nil { card.sourceSHA256 = try store.sourceSHA256() }
        files.append(("model_card.json", card.json))
        files.append(("config.json", store.configuration.huggingFaceText(initialLogitScale: store.logitScale)))
        for (name, text) in files {
            try reading { () throws(WeightsError) in
                let file = try AtomicFile(path: folder.path(of: name))
                try file.write(Array(text.utf8))
                try file.commit()
            }
        }
        return byteCount
    }

    private func writeWeights(to path: String) throws(CLIPError) -> Int {
        let vectorType = try vectorType()
        var declarations = [TensorDeclaration(name: FlatFile.Name.logitScale, type: vectorType, shape: [])]
        for tensor in store.tensors { declarations.append(try declaration(of: tensor, vectorType)) }
        let writer = try reading { () throws(WeightsError) in
            try SafetensorsWriter(path: path, metadata: ["format": "pt"], tensors: declarations)
        }
        try write([store.logitScale], FlatFile.Name.logitScale, vectorType, writer)
        for tensor in store.tensors {
            switch tensor.kind {
            case .vector(let shape):
                try write(
                    store.weights.vector(tensor.key, count: shape.reduce(1, *)), tensor.key, vectorType, writer)
            case .matrix(let outputs, let inputs):
                let matrix = try store.weights.matrix(tensor.key, outputs: outputs, inputs: inputs).dequantised()
                let buffer = WeightBuffer(byteCount: outputs * inputs * matrix.elementType.byteCount)
                matrix.unpack(into: buffer.bytes)
                try put(tensor.key, UnsafeRawBufferPointer(buffer.bytes), writer)
            case .table(let rows, let columns):
                let table = try store.weights.table(tensor.key, rows: rows, columns: columns)
                try withExtendedLifetime(table) { () throws(CLIPError) in try put(tensor.key, table.bytes, writer) }
            }
            store.releasePages()
        }
        return try reading { () throws(WeightsError) in try writer.finish() }
    }

    private func put(_ key: String, _ bytes: UnsafeRawBufferPointer, _ writer: SafetensorsWriter) throws(CLIPError) {
        try reading { () throws(WeightsError) in try writer.write(key, bytes) }
    }

    private func write(
        _ numbers: [Float], _ key: String, _ type: ElementType, _ writer: SafetensorsWriter
    ) throws(CLIPError) {
        try reading { () throws(WeightsError) in
            if type == .f16 {
                try writer.write(key, numbers.map { Float16($0).bitPattern })
            } else {
                try writer.write(key, numbers)
            }
        }
    }

    /// Norms, biases and positions go in half precision where the matrices do and none of them changes by it, as in a
    /// model that was half precision throughout.
    private func vectorType() throws(CLIPError) -> ElementType {
        func isHalf(_ numbers: [Float]) -> Bool { numbers.allSatisfy { Float(Float16($0)) == $0 } }
        guard isHalf([store.logitScale]) else { return .f32 }
        for tensor in store.tensors {
            switch tensor.kind {
            case .vector(let shape):
                guard try isHalf(store.weights.vector(tensor.key, count: shape.reduce(1, *))) else { return .f32 }
            case .matrix, .table:
                guard try elementType(of: tensor) == .float16 else { return .f32 }
            }
        }
        return .f16
    }

    private func declaration(of tensor: ModelTensor, _ vectorType: ElementType) throws(CLIPError) -> TensorDeclaration {
        let shape: [Int]
        switch tensor.kind {
        case .vector(let extents): return TensorDeclaration(name: tensor.key, type: vectorType, shape: extents)
        case .table(let rows, let columns): shape = [rows, columns]
        case .matrix(let outputs, let inputs):
            let side = store.configuration.vision.patchSize
            shape = tensor.key.hasSuffix("patch_embedding.weight") ? [outputs, 3, side, side] : [outputs, inputs]
        }
        return TensorDeclaration(
            name: tensor.key, type: try elementType(of: tensor) == .float16 ? .f16 : .f32, shape: shape)
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
