package import CLIPCompute
package import CLIPWeights

/// Weights from a checkpoint of any layout, checked and packed as the encoders ask for them.
package struct CheckpointTensorSource: TensorSource {
    let checkpoint: Checkpoint
    let keys: CheckpointKeys
    /// What is added to linear layers as they are read.
    let adapter: LowRankAdapter?
    private let threads: Int
    /// Which of the adaptations counts that lie beside the weights.
    let adaptation: StoredAdaptation?
    /// Whether position embeddings of another number of positions are resampled, as open_clip does when it loads.
    private let resamplesPositions: Bool

    /// - Parameter threads: how many threads pack a matrix.
    package init(_ checkpoint: Checkpoint, threads: Int = 1, resamplesPositions: Bool = false) {
        self.init(
            checkpoint, adapter: nil, adaptation: nil, threads: threads, resamplesPositions: resamplesPositions)
    }

    init(
        _ checkpoint: Checkpoint, adapter: LowRankAdapter?, adaptation: StoredAdaptation?, threads: Int,
        resamplesPositions: Bool
    ) {
        self.checkpoint = checkpoint
        self.adapter = adapter
        self.adaptation = adaptation
        self.threads = threads
        self.resamplesPositions = resamplesPositions
        keys = CheckpointKeys(checkpoint.names)
    }

    package func matrix(_ key: String, outputs: Int, inputs: Int) throws(CLIPError) -> PanelPackedMatrix {
        let place = keys.place(of: key)
        if let convolution = place.convolution {
            return try weights(of: convolution, outputs: outputs, depth: inputs).withUnsafeBufferPointer {
                PanelPackedMatrix($0.baseAddress!, outputs: outputs, inputs: inputs)
            }
        }
        let tensor = try tensor(place)
        let expected = place.isTransposed ? [inputs, outputs] : [outputs, inputs]
        guard tensor.rowShape == expected else { throw CLIPError(tensor, expected: expected) }
        var added: [LowRankAdapter.Module] = []
        if let module = adapter?.module(of: key, named: place.moduleName) { added.append(module) }
        if let module = try adaptation(of: place, rows: outputs, columns: inputs) { added.append(module) }
        guard place.scale != nil || place.batchNorm != nil || !added.isEmpty else {
            return try PanelPacking(
                tensor: tensor, outputs: outputs, inputs: inputs, isTransposed: place.isTransposed
            ).packed(threads: threads)
        }
        var numbers = try tensor.finiteFloats()
        let factors =
            if let scale = place.scale { try vector(named: scale, count: outputs) } else {
                try place.batchNorm.map { name throws(CLIPError) in try batchNorm(name, count: outputs).factors }
            }
        if let factors {
            for (row, factor) in factors.enumerated() {
                for index in row * inputs..<(row + 1) * inputs { numbers[index] *= factor }
            }
        }
        for module in added { try module.add(to: &numbers, outputs: outputs, inputs: inputs) }
        return numbers.withUnsafeBufferPointer { numbers in
            PanelPackedMatrix(numbers.baseAddress!, outputs: outputs, inputs: inputs)
        }
    }

    package func vector(_ key: String, shape: [Int]) throws(CLIPError) -> ParameterVector {
        if shape.count == 2, let convolution = keys.place(of: key).convolution {
            return ParameterVector(try weights(of: convolution, outputs: shape[1], depth: shape[0]))
        }
        return ParameterVector(try floats(key, count: shape.reduce(1, *)))
    }

    private func floats(_ key: String, count: Int) throws(CLIPError) -> [Float] {
        let place = keys.place(of: key)
        if let convolution = place.convolution { return try bias(of: convolution, outputs: count) }
        let tensor = try tensor(place)
        if let continuation = place.continuation {
            return try positions(tensor, continued: continuation, count: count)
        }
        if resamplesPositions, tensor.elementCount != count, key.hasSuffix(".position_embedding.weight") {
            return try resampledPositions(tensor, count: count, isGrid: key.hasPrefix("vision_model."))
        }
        guard tensor.elementCount == count else { throw CLIPError(tensor, expected: [count]) }
        if let batchNorm = place.batchNorm {
            let (factors, terms) = try self.batchNorm(batchNorm, count: count)
            return key.hasSuffix(".weight") ? factors : terms
        }
        var numbers = try tensor.finiteFloats()
        if let rows = tensor.shape.first, rows > 0,
            let module = try adaptation(of: place, rows: rows, columns: count / rows, isTable: true)
        {
            try module.add(to: &numbers, outputs: rows, inputs: count / rows)
        }
        guard let scale = place.scale else { return numbers }
        return zip(numbers, try vector(named: scale, count: count)).map { $0 * $1 }
    }

    package func table(_ key: String, rows: Int, columns: Int) throws(CLIPError) -> RowTable {
        let place = keys.place(of: key)
        let tensor = try tensor(place)
        guard tensor.shape == [rows, columns] else { throw CLIPError(tensor, expected: [rows, columns]) }
        let module = try adaptation(of: place, rows: rows, columns: columns, isTable: true)
        guard module == nil, tensor.type == .f32 || tensor.type == .f16 else {
            let buffer = WeightBuffer(byteCount: 4 * rows * columns)
            // Some rows at a time: a vocabulary is large.
            for first in stride(from: 0, to: rows, by: 4096) {
                let part = first..<min(first + 4096, rows)
                var numbers = try tensor.rows(part).finiteFloats()
                try module?.rows(part).add(to: &numbers, outputs: part.count, inputs: columns)
                let target = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[(4 * first * columns)...])
                numbers.withUnsafeBytes { target.copyMemory(from: $0) }
            }
            return RowTable(
                rows: rows, columns: columns, elementType: .float32, bytes: UnsafeRawBufferPointer(buffer.bytes),
                owner: buffer)
        }
        try tensor.checkFinite(threads: threads)
        return tensor.rowTable(rows: rows, columns: columns)
    }

    /// A number such as `logit_scale`, a scalar or a list of one; nil when the checkpoint has none.
    package func scalar(_ key: String) throws(CLIPError) -> Float? {
        guard let tensor = try checkpoint.tensor(key) else { return nil }
        guard tensor.elementCount == 1 else { throw CLIPError(tensor, expected: []) }
        return try tensor.finiteFloats()[0]
    }

    /// The shape of the tensor `key`; nil when the checkpoint has none.
    func shape(of key: String) -> [Int]? { checkpoint.layout(of: keys.name(of: key))?.shape }

    /// How many layers an encoder has, counted from 0 without a gap.
    func layerCount(_ encoder: String) -> Int {
        var count = 0
        while shape(of: "\(encoder).encoder.layers.\(count).layer_norm1.weight") != nil { count += 1 }
        return count
    }

    /// How many blocks a stage of a ResNet has.
    func blockCount(stage: Int) -> Int {
        var count = 0
        while shape(of: "vision_model.layer\(stage).\(count).conv1.weight") != nil { count += 1 }
        return count
    }

    /// The length of an embedding by the projections' shapes; nil when there is no projection.
    /// - Throws: `CLIPError` when the two projections disagree.
    func embeddingDimension() throws(CLIPError) -> Int? {
        var found: (key: String, dimension: Int)?
        for key in ["visual_projection.weight", "text_projection.weight"] {
            let place = keys.place(of: key)
            guard let shape = checkpoint.layout(of: place.name)?.shape, shape.count == 2 else { continue }
            let dimension = shape[place.isTransposed ? 1 : 0]
            if let found, found.dimension != dimension {
                throw CLIPError(
                    .model, path: checkpoint.path,
                    "\(found.key) gives \(found.dimension) values, \(place.name) \(dimension): pictures and texts can't "
                        + "be compared, the files are of different models")
            }
            found = (place.name, dimension)
        }
        guard let found else { return nil }
        guard (1...1 << 15).contains(found.dimension) else {
            throw CLIPError(
                .model, path: checkpoint.path, "\(found.key) gives \(found.dimension) values, expected 1 to \(1 << 15)")
        }
        return found.dimension
    }

    /// The types of numbers that weights are stored in, each once, in lower case.
    var weightTypes: [String] {
        let found = Set(checkpoint.names.compactMap { checkpoint.layout(of: $0)?.typeName.lowercased() })
        let whole = Set(ElementType.allCases.filter { !$0.isFloatingPoint }.map { $0.rawValue.lowercased() })
        let order = ElementType.allCases.map { $0.rawValue.lowercased() }
        return found.subtracting(whole).sorted {
            (order.firstIndex(of: $0) ?? order.count, $0) < (order.firstIndex(of: $1) ?? order.count, $1)
        }
    }

    private func tensor(_ place: TensorPlace) throws(CLIPError) -> StoredTensor {
        let whole = try tensor(named: place.name)
        if let row = place.row, let count = whole.shape.first, count > row { return whole.rows(row..<row + 1) }
        return try part(of: place, whole)
    }

    private func part(of place: TensorPlace, _ whole: StoredTensor) throws(CLIPError) -> StoredTensor {
        guard let part = place.part else { return whole }
        guard let rows = whole.shape.first, rows.isMultiple(of: place.partCount), rows > 0 else {
            throw CLIPError(
                .model, path: checkpoint.path,
                "tensor \"\(whole.name)\" has shape \(whole.shape.prefix(8)), expected \(place.partCount) parts of the same "
                    + "size: it is damaged, fetch it again")
        }
        let count = rows / place.partCount
        return whole.rows(part * count..<(part + 1) * count)
    }

    func tensor(named name: String) throws(CLIPError) -> StoredTensor {
        var found = try adapter?.replacement(of: name)
        if found == nil { found = try checkpoint.tensor(name) }
        guard let found else {
            throw CLIPError(
                .model, path: checkpoint.path,
                "has no tensor \"\(name)\": it is incomplete or another model's, fetch the whole model")
        }
        guard found.type.isFloatingPoint else {
            throw CLIPError(
                .model, path: found.file.path,
                "tensor \"\(found.name)\" has type \(found.type.rawValue), expected F32, F16, BF16, F64 or F8")
        }
        return found
    }

    func vector(named name: String, count: Int) throws(CLIPError) -> [Float] {
        let tensor = try tensor(named: name)
        guard tensor.elementCount == count else { throw CLIPError(tensor, expected: [count]) }
        return try tensor.finiteFloats()
    }

    /// What a batch norm does to a convolution's outputs: factor · x + term.
    func batchNorm(
        _ name: String, count: Int, epsilon: Float = 1e-5
    ) throws(CLIPError) -> (factors: [Float], terms: [Float]) {
        let gain = try vector(named: "\(name).weight", count: count)
        let bias = try vector(named: "\(name).bias", count: count)
        let mean = try vector(named: "\(name).running_mean", count: count)
        let variance = try vector(named: "\(name).running_var", count: count)
        let factors = (0..<count).map { gain[$0] / (max(0, variance[$0]) + epsilon).squareRoot() }
        return (factors, (0..<count).map { bias[$0] - mean[$0] * factors[$0] })
    }

    /// The first rows of one table of positions, the others of another.
    private func positions(
        _ tensor: StoredTensor, continued continuation: TensorPlace.Continuation, count: Int
    ) throws(CLIPError) -> [Float] {
        let other = try self.tensor(named: continuation.name)
        guard tensor.elementCount == count else { throw CLIPError(tensor, expected: [count]) }
        guard other.shape == tensor.shape, let rows = tensor.shape.first, rows > 0 else {
            throw CLIPError(other, expected: tensor.shape)
        }
        let first = min(rows, continuation.firstRow) * (count / rows)
        return try Array(tensor.finiteFloats()[..<first] + other.finiteFloats()[first...])
    }

    /// - Parameter isGrid: whether they are the class token's and those of a square of patches.
    private func resampledPositions(
        _ tensor: StoredTensor, count: Int, isGrid: Bool
    ) throws(CLIPError) -> [Float] {
        let columns = tensor.shape.count == 2 ? tensor.shape[1] : 0
        guard columns > 0, count.isMultiple(of: columns), tensor.shape[0] > 1 else {
            throw CLIPError(tensor, expected: [count])
        }
        let table = PositionTable(columns: columns, values: try tensor.finiteFloats())
        guard isGrid else { return table.resampledLine(to: count / columns).values }
        guard let resampled = table.resampledGrid(to: count / columns) else {
            throw CLIPError(tensor, expected: [count / columns, columns])
        }
        return resampled.values
    }

    /// What the adaptation that counts adds to a matrix, or to a table; nil where there is none.
    /// - Parameters:
    ///   - rows: of the matrix or, of queries, keys and values in one, of a part of it.
    ///   - isTable: whether it is a table: its matrices are named for A · B, a layer's for B · A.
    private func adaptation(
        of place: TensorPlace, rows: Int, columns: Int, isTable: Bool = false
    ) throws(CLIPError) -> LowRankAdapter.Module? {
        guard let prefix = place.adaptation, let adaptation else { return nil }
        func one(_ name: String, _ shape: [Int]) throws(CLIPError) -> StoredTensor {
            let tensor = try self.tensor(named: prefix + name)
            guard tensor.shape == [adaptation.count] + shape else {
                throw CLIPError(tensor, expected: [adaptation.count] + shape)
            }
            return tensor.element(adaptation.index)
        }
        let whole = place.part == nil ? rows : place.partCount * rows
        let down = try one(isTable ? "lora_B" : "lora_A", [adaptation.rank, columns])
        let up = try one(isTable ? "lora_A" : "lora_B", [whole, adaptation.rank])
        return LowRankAdapter.Module(down: down, up: try part(of: place, up), scale: adaptation.scale)
    }
}

/// Which of the adaptations counts that lie in the weights, W + scale · B · A each (Hu et al., 2021).
struct StoredAdaptation: Equatable {
    var index: Int
    /// How many there are, the first extent of A and of B.
    var count: Int
    var rank: Int
    var scale: Float
}

extension StoredTensor {
    /// The number of elements.
    var elementCount: Int { byteCount / type.byteCount }

    /// The shape as a matrix: everything after the first extent is one row.
    var rowShape: [Int] {
        guard shape.count > 2, let rows = shape.first, rows > 0 else { return shape }
        return [rows, elementCount / rows]
    }

    /// The numbers.
    /// - Throws: `CLIPError` when one is none.
    func finiteFloats() throws(CLIPError) -> [Float] {
        let numbers = try floats()
        guard CLIPWeights.firstNonFinite(in: numbers) == nil else { throw CLIPError(nonFinite: self) }
        return numbers
    }

    /// One of those that the first extent counts.
    func element(_ index: Int) -> StoredTensor {
        let row = rows(index..<index + 1)
        return StoredTensor(
            name: name, type: type, shape: Array(shape.dropFirst()), offset: row.offset, byteCount: row.byteCount,
            file: file)
    }

    /// Some rows of this tensor, which has `range.upperBound` or more.
    func rows(_ range: Range<Int>) -> StoredTensor {
        let rowBytes = shape[0] > 0 ? byteCount / shape[0] : 0
        return StoredTensor(
            name: name, type: type, shape: [range.count] + shape.dropFirst(),
            offset: offset + range.lowerBound * rowBytes,
            byteCount: range.count * rowBytes, file: file)
    }

    /// The tensor, of F32 or F16, as rows that stay in their file.
    func rowTable(rows: Int, columns: Int) -> RowTable {
        RowTable(
            rows: rows, columns: columns, elementType: type == .f16 ? .float16 : .float32,
            bytes: UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + byteCount]), owner: file)
    }
}

extension CLIPError {
    /// The error about a tensor of another shape than the configuration asks for.
    init(_ tensor: StoredTensor, expected: [Int]) {
        self.init(
            .model, path: tensor.file.path,
            "tensor \"\(tensor.name)\" has shape \(tensor.shape.prefix(8)), expected \(expected): "
                + "weights and configuration are not of one model, fetch both again")
    }
}
