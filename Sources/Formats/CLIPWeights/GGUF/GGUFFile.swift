/// A GGUF file, mapped: metadata and tensor descriptions are checked as a whole, quantised tensors become f32 when they
/// are asked for.
///
/// Layout: ggml, docs/gguf.md, versions 1 to 3, little-endian.
package struct GGUFFile: TensorFile {
    static let signature = Array("GGUF".utf8)
    /// More than any model's: a vocabulary is one value.
    private static let mostEntries = 1 << 16

    package let file: MappedFile
    package let names: [String]
    package let values: [String: GGUFValue]
    private let tensors: [String: Tensor]

    private struct Tensor: Sendable {
        let type: GGUFType
        let shape: [Int]
        let offset: Int
        let byteCount: Int
    }

    /// The texts and numbers among the values.
    package var metadata: [String: String] { values.compactMapValues(\.text) }

    /// Checks metadata, types, shapes and offsets of a mapped file.
    /// - Throws: if the file is damaged, of an unknown version, or a tensor doesn't lie inside it.
    package init(_ file: MappedFile) throws(WeightsError) {
        self.file = file
        var cursor = ByteCursor(file.bytes, at: 4, path: file.path, part: "header")
        let version = try cursor.integer(UInt32.self)
        guard (1...3).contains(version) else {
            throw cursor.fault("GGUF version \(version), expected 1 to 3 in little-endian order", at: 4)
        }
        var reader = GGUFReader(cursor, isNarrow: version == 1)
        let tensorCount = try reader.count()
        let valueCount = try reader.count()
        guard tensorCount <= GGUFFile.mostEntries, valueCount <= GGUFFile.mostEntries else {
            throw cursor.fault("\(tensorCount) tensors and \(valueCount) values, expected fewer: it is damaged")
        }
        var values: [String: GGUFValue] = [:]
        for _ in 0..<valueCount {
            let key = try reader.text()
            guard values.updateValue(try reader.value(), forKey: key) == nil else {
                throw reader.fault("the value \(quoted(key)) is there twice")
            }
        }
        var found: [(name: String, type: GGUFType, shape: [Int], offset: Int)] = []
        for _ in 0..<tensorCount { found.append(try reader.tensor()) }

        let alignment = values["general.alignment"]?.int ?? 32
        guard alignment > 0, alignment <= 1 << 20, alignment & (alignment - 1) == 0 else {
            throw reader.fault("an alignment of \(alignment), expected a power of two")
        }
        let start = (reader.position + alignment - 1) / alignment * alignment
        var tensors: [String: Tensor] = [:]
        for (name, type, shape, offset) in found {
            guard let count = type.byteCount(shape: shape) else {
                throw reader.fault(
                    "tensor \(quoted(name)) of shape \(shape) is not made of whole \(type.name) blocks, or too large")
            }
            let (place, overflow) = start.addingReportingOverflow(offset)
            guard !overflow, place <= file.bytes.count, count <= file.bytes.count - place else {
                throw WeightsError(
                    path: file.path,
                    problem: "tensor \(quoted(name)) has \(count) bytes at data byte \(offset), the file has "
                        + "\(file.bytes.count): the download is incomplete, fetch it again")
            }
            guard
                tensors.updateValue(
                    Tensor(type: type, shape: shape, offset: place, byteCount: count), forKey: name) == nil
            else { throw reader.fault("tensor \(quoted(name)) is there twice") }
        }
        self.values = values
        self.tensors = tensors
        names = found.map(\.name)
    }

    package func layout(of name: String) -> TensorLayout? {
        tensors[name].map { TensorLayout(typeName: $0.type.name, shape: $0.shape) }
    }

    package func tensor(_ name: String) throws(WeightsError) -> StoredTensor? {
        guard let tensor = tensors[name] else { return nil }
        if let type = tensor.type.elementType {
            return StoredTensor(
                name: name, type: type, shape: tensor.shape, offset: tensor.offset, byteCount: tensor.byteCount,
                file: file)
        }
        let count = tensor.shape.reduce(1, *)
        let source = UnsafeRawBufferPointer(rebasing: file.bytes[tensor.offset..<tensor.offset + tensor.byteCount])
        let memory = try MappedFile(path: file.path, byteCount: max(1, 4 * count)) { target in
            tensor.type.dequantize(source, into: target.bindMemory(to: Float.self))
        }
        return StoredTensor(name: name, type: .f32, shape: tensor.shape, offset: 0, byteCount: 4 * count, file: memory)
    }
}
