/// A file that holds tensors by name. A new format is one type that conforms to this, and one line in `openTensorFile`.
package protocol TensorFile: Sendable {
    var file: MappedFile { get }
    /// Texts about the file as a whole.
    var metadata: [String: String] { get }
    /// In the order of the data, or of the file's own list.
    var names: [String] { get }

    /// How the numbers of the tensor `name` are stored and what its shape is, without reading them; nil if the file has
    /// none of that name.
    func layout(of name: String) -> TensorLayout?

    /// The tensor `name`, nil if the file has none. Numbers that a mapping can't show as they are, quantised ones and
    /// those out of order, are brought into memory.
    ///
    /// - Throws: if its element type is unknown, or it doesn't lie inside the file.
    func tensor(_ name: String) throws(WeightsError) -> StoredTensor?
}

/// What a file says of a tensor.
package struct TensorLayout: Sendable, Equatable {
    /// Such as `F32`, `Q4_0`: as safetensors or GGUF spell it.
    package let typeName: String
    package let shape: [Int]
}

/// Opens the file at `path` by what it holds: a PyTorch zip archive, GGUF, else safetensors.
func openTensorFile(_ path: String) throws(WeightsError) -> any TensorFile {
    let file = try MappedFile(path: path)
    if file.bytes.starts(with: ZipArchive.signature) { return try PyTorchFile(file) }
    if file.bytes.starts(with: GGUFFile.signature) { return try GGUFFile(file) }
    return try SafetensorsFile(file)
}
