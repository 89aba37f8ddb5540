internal import CLIPJSON
internal import CLIPCompute
internal import CLIPSystem
internal import CLIPTokenizers
internal import CLIPWeights

/// Writes a model as a flat `.clip` file, a tensor at a time.
struct FlatFileWriter {
    let model: any ModelStore
    let weightType: WeightType
    /// The encoders that are written, of those that the model has.
    let parts: ModelParts
    let probes: Probes

    private var hasTexts: Bool { model.info.hasTextEncoder && parts.holdTexts }
    private var tensors: [ModelTensor] { model.info.tensors(of: parts) }

    /// - Parameter check: reads the file at the path that it has until it appears, and says what its probes give and its
    ///   fingerprint. What it throws keeps the file from appearing.
    func write(
        to location: PathBytes, check: (PathBytes) throws(CLIPError) -> (probes: [ProbeResult], fingerprint: String)
    ) throws(CLIPError) -> PackedFile {
        let config = model.info.configuration.huggingFaceText(initialLogitScale: model.info.logitScaleLogarithm)
        let preprocessor = model.info.preprocessing.json
        let tokenizer = hasTexts ? try model.tokenizer().compiled() : []
        let writer = try start(location, config: config, preprocessor: preprocessor, tokenizerSize: tokenizer.count)
        var fingerprint = FlatFingerprint(config: config, preprocessor: preprocessor)

        func put(_ declaration: TensorDeclaration, _ bytes: UnsafeRawBufferPointer) throws(CLIPError) {
            guard firstNonFinite(in: bytes, of: declaration.type) == nil else {
                throw notFinite(declaration.name)
            }
            if !FlatFile.Name.isProbe(declaration.name) {
                fingerprint.add(declaration.name, declaration.type, declaration.shape, bytes)
            }
            try writer.write(declaration.name, bytes)
        }
        func put<Number: BitwiseCopyable>(
            _ declaration: TensorDeclaration, _ numbers: [Number]
        ) throws(CLIPError) {
            try numbers.withUnsafeBufferPointer { buffer throws(CLIPError) in
                try put(declaration, UnsafeRawBufferPointer(buffer))
            }
        }

        try put(scaleDeclaration, [model.info.logitScaleLogarithm])
        if let bias = model.info.logitBias { try put(biasDeclaration, [bias]) }
        for tensor in tensors {
            try checkCancellation()
            let declarations = declarations(of: tensor)
            switch tensor.kind {
            case .vector(let shape):
                try put(declarations[0], try model.weights.vector(tensor.key, shape: shape).values)
            case .matrix(let outputs, let inputs):
                let matrix = try model.weights.matrix(tensor.key, outputs: outputs, inputs: inputs)
                let stored = try converted(matrix, of: tensor)
                try withExtendedLifetime((matrix, stored)) { () throws(CLIPError) in
                    try put(declarations[0], stored.bytes)
                    guard let scales = stored.columnScales else { return }
                    try put(declarations[1], Array(UnsafeBufferPointer(start: scales.scales, count: scales.count)))
                    guard let sums = scales.sums else { return }
                    try put(declarations[2], Array(UnsafeBufferPointer(start: sums, count: scales.count)))
                }
            case .table(let rows, let columns):
                let table = try model.weights.table(tensor.key, rows: rows, columns: columns)
                let stored = converted(table.bytes, from: table.elementType)
                try withExtendedLifetime((table, stored)) { () throws(CLIPError) in
                    try put(declarations[0], stored.bytes)
                }
            }
            model.releasePages()
        }
        if hasTexts { try put(tokenizerDeclaration(tokenizer.count), tokenizer) }
        for (declaration, rows) in probeDeclarations { try put(declaration, rows.flatMap { $0 }) }
        try writer.fill(FlatFile.Name.fingerprint, fingerprint.hexadecimal())
        let draft = try writer.draft()
        let (results, identity) = try checked(check, draft: draft, path: location.text)
        let byteCount = try writer.finish()
        return PackedFile(byteCount: byteCount, fingerprint: identity, probes: results)
    }

    /// What `check` finds; an error about the draft names the file that it would become.
    private func checked(
        _ check: (PathBytes) throws(CLIPError) -> (probes: [ProbeResult], fingerprint: String), draft: PathBytes,
        path: String
    ) throws(CLIPError) -> (probes: [ProbeResult], fingerprint: String) {
        do {
            return try check(draft)
        } catch {
            guard error.path == draft.text else { throw error }
            throw CLIPError(error.kind, path: path, "was not written, its check failed: \(error.message)")
        }
    }

    private func start(
        _ location: PathBytes, config: String, preprocessor: String, tokenizerSize: Int
    ) throws(CLIPError) -> SafetensorsWriter {
        var card = model.info.card ?? ModelCard(name: "unnamed")
        card.sourceSHA256 = try model.sourceSHA256()
        var metadata = [
            "format": FlatFile.Name.format,
            "format_version": "\(weightType.isWhole ? 2 : 1)",
            FlatFile.Name.config: config,
            FlatFile.Name.preprocessor: preprocessor,
            FlatFile.Name.card: card.json,
            FlatFile.Name.settings: ModelSetting.json(model.info.settings),
            FlatFile.Name.weightType: weightType.rawValue,
            FlatFile.Name.probes: probes.json,
        ]
        let precision = weightType.narrower(model.info.precision)
        if precision != weightType { metadata[FlatFile.Name.roundedTo] = precision.rawValue }
        // What a picture needs comes first and in one piece: a cold start maps no page of the rest.
        var declarations = [scaleDeclaration]
        if model.info.logitBias != nil { declarations.append(biasDeclaration) }
        declarations += tensors.flatMap(declarations(of:))
        if hasTexts { declarations.append(tokenizerDeclaration(tokenizerSize)) }
        declarations += probeDeclarations.map(\.declaration)
        return try SafetensorsWriter(
            location, metadata: metadata, reserved: [FlatFile.Name.fingerprint: 64], tensors: declarations)
    }

    private var scaleDeclaration: TensorDeclaration {
        TensorDeclaration(name: FlatFile.Name.logitScale, type: .f32, shape: [])
    }

    private var biasDeclaration: TensorDeclaration {
        TensorDeclaration(name: FlatFile.Name.logitBias, type: .f32, shape: [])
    }

    private func tokenizerDeclaration(_ count: Int) -> TensorDeclaration {
        TensorDeclaration(name: FlatFile.Name.tokenizer, type: .u8, shape: [count])
    }

    private var probeDeclarations: [(declaration: TensorDeclaration, rows: [[Float]])] {
        [
            (FlatFile.Name.textProbes, probes.texts.map(\.embedding)),
            (FlatFile.Name.imageProbes, probes.pictures.map(\.embedding)),
        ].filter { !$0.1.isEmpty }.map { name, rows in
            let shape = [rows.count, model.info.configuration.embeddingDimension]
            return (TensorDeclaration(name: name, type: .f32, shape: shape), rows)
        }
    }

    /// What a tensor is stored as: itself, of whole numbers followed by their columns' scales, of int8 by the sums too.
    private func declarations(of tensor: ModelTensor) -> [TensorDeclaration] {
        let type = weightType.elementType(of: tensor)
        switch tensor.kind {
        case .vector(let shape): return [TensorDeclaration(name: tensor.key, type: .f32, shape: shape)]
        case .table(let rows, let columns):
            return [TensorDeclaration(name: tensor.key, type: type, shape: [rows, columns])]
        case .matrix(let outputs, let inputs):
            let shape = FlatFile.panelShape(outputs: outputs, inputs: inputs, type: type)
            let panels = TensorDeclaration(name: tensor.key, type: type, shape: shape)
            guard let whole = type.wholeNumbers else { return [panels] }
            let columns = [PanelPackedMatrix.paddedOutputs(outputs)]
            let scales = TensorDeclaration(name: FlatFile.Name.scales(of: tensor.key), type: .f32, shape: columns)
            guard whole == .int8 else { return [panels, scales] }
            return [
                panels, scales,
                TensorDeclaration(name: FlatFile.Name.sums(of: tensor.key), type: .i32, shape: columns),
            ]
        }
    }

    private func notFinite(_ name: String) -> CLIPError {
        CLIPError(
            .model, path: model.info.path,
            "tensor \"\(name)\" has a weight that is not finite as \(weightType.rawValue): "
                + "pack it as f32, or fetch it again")
    }

    /// A matrix as the file stores it.
    private func converted(_ matrix: PanelPackedMatrix, of tensor: ModelTensor) throws(CLIPError) -> StoredWeights {
        guard let whole = weightType.elementType(of: tensor).wholeNumbers else {
            let floats = matrix.dequantised()
            let stored = converted(floats.bytes, from: floats.elementType)
            return StoredWeights(bytes: stored.bytes, owner: [floats, stored])
        }
        if !matrix.elementType.isWhole {
            let type: ElementType = matrix.elementType == .float16 ? .f16 : .f32
            guard firstNonFinite(in: matrix.bytes, of: type) == nil else { throw notFinite(tensor.key) }
        }
        let quantised = matrix.quantised(as: whole)
        return StoredWeights(bytes: quantised.bytes, columnScales: quantised.columnScales, owner: quantised)
    }

    /// Floats as the file stores them. Values that f16 can't hold become infinite, which `put` refuses.
    private func converted(
        _ bytes: UnsafeRawBufferPointer, from type: PanelPackedMatrix.ElementType
    ) -> StoredWeights {
        switch (type, weightType) {
        case (.float32, .float32), (.float16, .float16), (.float16, .int16), (.float16, .int8), (.int16, _), (.int8, _):
            return StoredWeights(bytes: bytes)
        case (.float32, .float16), (.float32, .int16), (.float32, .int8):
            let buffer = WeightBuffer(byteCount: bytes.count / 2)
            // Rows of a mapped checkpoint may start at any byte; panels and `.clip` tensors are aligned.
            if UInt(bitPattern: bytes.baseAddress) % 4 == 0 {
                _ = narrowToHalf(bytes.bindMemory(to: Float.self), into: buffer.bytes.bindMemory(to: UInt16.self))
            } else {
                let aligned = WeightBuffer(byteCount: bytes.count)
                aligned.bytes.copyMemory(from: bytes)
                _ = narrowToHalf(
                    UnsafeBufferPointer(aligned.bytes.bindMemory(to: Float.self)),
                    into: buffer.bytes.bindMemory(to: UInt16.self))
            }
            return StoredWeights(bytes: UnsafeRawBufferPointer(buffer.bytes), owner: buffer)
        case (.float16, .float32):
            let buffer = WeightBuffer(byteCount: bytes.count * 2)
            widenHalves(bytes, into: buffer.bytes.bindMemory(to: Float.self))
            return StoredWeights(bytes: UnsafeRawBufferPointer(buffer.bytes), owner: buffer)
        }
    }
}

/// Weights ready to be written, and what keeps them alive if they were converted.
private struct StoredWeights {
    let bytes: UnsafeRawBufferPointer
    var columnScales: ColumnScales?
    var owner: Any?
}

/// A `.clip` file that was packed, and checked.
public struct PackedFile: Sendable, Equatable {
    /// The size of the packed file in bytes.
    public let byteCount: Int
    /// What identifies the embeddings of the packed model (`CLIPModel.fingerprint`).
    public let fingerprint: String
    /// How far the probes of the packed model are from those of the original weights.
    public let probes: [ProbeResult]
}
