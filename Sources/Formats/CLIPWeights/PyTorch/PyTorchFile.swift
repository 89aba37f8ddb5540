/// A file of `torch.save` (PyTorch 1.6 and later) or a TorchScript archive: a zip of one pickle and an entry per storage.
///
/// Names are the path from the root: keys of dictionaries and attributes of objects, joined by dots.
package struct PyTorchFile: TensorFile {
    package let file: MappedFile
    package let metadata: [String: String]
    package let names: [String]
    private let archive: ZipArchive
    /// What the archive's own names begin with, up to the storages' keys.
    private let dataPrefix: String
    private let tensors: [String: PickleTensor]

    /// Reads the directory and the pickle of a mapped file.
    /// - Throws: if it is no archive of PyTorch's, is damaged, or holds more than data.
    package init(_ file: MappedFile) throws(WeightsError) {
        self.file = file
        archive = try ZipArchive(file)
        let pickles = archive.entries.keys.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
        guard let pickle = pickles.min(by: { ($0.utf8.count, $0) < ($1.utf8.count, $1) }),
            let range = try archive.range(of: pickle)
        else {
            throw WeightsError(
                path: file.path,
                problem: "is a zip archive without data.pkl, found "
                    + archive.entries.keys.sorted().prefix(3).map(quoted).joined(separator: ", ")
                    + ": expected a file that torch.save or torch.jit.save wrote")
        }
        let root = String(pickle.dropLast("data.pkl".count))
        if let order = try archive.range(of: root + "byteorder"),
            !file.bytes[order].elementsEqual("little".utf8)
        {
            throw WeightsError(path: file.path, problem: "was written on a big-endian machine: save it as safetensors")
        }
        dataPrefix = root + "data/"
        var reader = try PickleReader(
            UnsafeRawBufferPointer(rebasing: file.bytes[range]), path: file.path, part: "data.pkl")
        var tree = PickleTree(try reader.read(), reader, path: file.path)
        try tree.collect()
        tensors = tree.tensors
        names = tree.names
        metadata = archive.entries[root + "constants.pkl"] == nil ? [:] : ["format": "torchscript"]
    }

    package func layout(of name: String) -> TensorLayout? {
        tensors[name].map { tensor in
            let typeName =
                switch tensor.storage.type {
                case .known(let type): type.rawValue
                case .other(let name): name
                }
            return TensorLayout(typeName: typeName, shape: tensor.shape)
        }
    }

    package func tensor(_ name: String) throws(WeightsError) -> StoredTensor? {
        guard let tensor = tensors[name] else { return nil }
        guard case .known(let type) = tensor.storage.type else {
            throw fault(name, "is a \(layout(of: name)?.typeName ?? ""), expected numbers of 8 to 64 bits")
        }
        let storage = tensor.storage
        guard let range = try archive.range(of: dataPrefix + storage.key) else {
            throw fault(name, "lies in \(quoted(dataPrefix + storage.key)), which the archive doesn't have")
        }
        let (byteCount, overflow) = storage.count.multipliedReportingOverflow(by: type.byteCount)
        guard !overflow, byteCount <= range.count else {
            throw fault(name, "lies in a storage of \(storage.count) numbers, its entry has \(range.count) bytes")
        }
        guard let count = tensor.elementCount, let end = tensor.end, end <= storage.count else {
            throw fault(
                name,
                "of shape \(tensor.shape.prefix(8)), strides \(tensor.strides.prefix(8)) from \(tensor.offset) is not "
                    + "inside its storage of \(storage.count) numbers")
        }
        if tensor.isContiguous {
            return StoredTensor(
                name: name, type: type, shape: tensor.shape,
                offset: range.lowerBound + (count == 0 ? 0 : tensor.offset * type.byteCount),
                byteCount: count * type.byteCount, file: file)
        }
        // A view that repeats numbers could be of any size.
        guard count <= storage.count else {
            throw fault(name, "repeats numbers, \(count) out of \(storage.count): save a contiguous copy of it")
        }
        let source = UnsafeRawBufferPointer(rebasing: file.bytes[range])
        let memory = try MappedFile(path: file.path, byteCount: max(1, count * type.byteCount)) {
            tensor.gather(source, elementSize: type.byteCount, into: $0)
        }
        return StoredTensor(
            name: name, type: type, shape: tensor.shape, offset: 0, byteCount: count * type.byteCount, file: memory)
    }

    private func fault(_ name: String, _ problem: String) -> WeightsError {
        WeightsError(
            path: file.path, problem: "tensor \(quoted(name)) \(problem): the file is damaged, fetch or save it again")
    }
}

extension PickleTensor {
    /// The number of elements, nil if it doesn't fit an `Int`.
    fileprivate var elementCount: Int? { byteCount(of: .u8, shape: shape) }

    /// One past the last element in the storage, nil if it doesn't fit an `Int`.
    fileprivate var end: Int? {
        guard !shape.contains(0) else { return 0 }
        var last = offset
        for (extent, stride) in zip(shape, strides) {
            let (step, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
            let (sum, sumOverflow) = last.addingReportingOverflow(step)
            if overflow || sumOverflow { return nil }
            last = sum
        }
        return last == .max ? nil : last + 1
    }

    /// Whether the elements lie one after another in the order of the shape.
    fileprivate var isContiguous: Bool {
        guard !shape.contains(0) else { return true }
        var expected = 1
        for (extent, stride) in zip(shape, strides).reversed() where extent > 1 {
            if stride != expected { return false }
            expected *= extent
        }
        return true
    }

    /// Copies the elements in the order of the shape. All of them are inside `source`.
    fileprivate func gather(
        _ source: UnsafeRawBufferPointer, elementSize: Int, into target: UnsafeMutableRawBufferPointer
    ) {
        var index = Array(repeating: 0, count: shape.count)
        var element = offset
        var place = 0
        while place < target.count {
            target[place..<place + elementSize].copyBytes(
                from: source[element * elementSize..<(element + 1) * elementSize])
            place += elementSize
            var axis = shape.count - 1
            while axis >= 0 {
                index[axis] += 1
                element += strides[axis]
                if index[axis] < shape[axis] { break }
                element -= strides[axis] * shape[axis]
                index[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
