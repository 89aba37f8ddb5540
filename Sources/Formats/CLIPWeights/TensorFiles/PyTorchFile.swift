package import CLIPSystem

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
    package init(_ file: MappedFile) throws(CLIPError) {
        self.file = file
        archive = try ZipArchive(file)
        let pickles = archive.entries.keys.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
        guard let pickle = pickles.min(by: { ($0.utf8.count, $0) < ($1.utf8.count, $1) }),
            let range = try archive.range(of: pickle)
        else {
            throw CLIPError(
                .model, path: file.path,
                "is a zip archive without data.pkl, found "
                    + archive.entries.keys.sorted().prefix(3).map(quoted).joined(separator: ", ")
                    + ": expected a file that torch.save or torch.jit.save wrote")
        }
        let root = String(pickle.dropLast("data.pkl".count))
        if let order = try archive.range(of: root + "byteorder"),
            !file.bytes[order].elementsEqual("little".utf8)
        {
            throw CLIPError(.model, path: file.path, "was written on a big-endian machine: save it as safetensors")
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

    package func tensor(_ name: String) throws(CLIPError) -> StoredTensor? {
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
        let memory = try MappedFile(file.location, kind: .model, byteCount: max(1, count * type.byteCount)) {
            tensor.gather(source, elementSize: type.byteCount, into: $0)
        }
        return StoredTensor(
            name: name, type: type, shape: tensor.shape, offset: 0, byteCount: count * type.byteCount, file: memory)
    }

    private func fault(_ name: String, _ problem: String) -> CLIPError {
        CLIPError(
            .model, path: file.path, "tensor \(quoted(name)) \(problem): the file is damaged, fetch or save it again")
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

/// The entries of a zip archive, which are used where they lie: all that `torch.save` stores is uncompressed.
///
/// Layout: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to 4.3.16 (its end,
/// with the 64-bit forms).
struct ZipArchive: Sendable {
    struct Entry: Sendable {
        let method: UInt16
        let isEncrypted: Bool
        /// Where the local header is; the data follows it.
        let header: Int
        let storedCount: Int
        let count: Int
    }

    static let signature: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

    let file: MappedFile
    let entries: [String: Entry]

    /// Reads the central directory.
    /// - Throws: if there is none, or it is damaged.
    init(_ file: MappedFile) throws(CLIPError) {
        self.file = file
        let directory = try ZipArchive.directory(of: file)
        var cursor = ByteCursor(
            UnsafeRawBufferPointer(rebasing: file.bytes[directory]), path: file.path, part: "zip directory")
        var entries: [String: Entry] = [:]
        while cursor.remaining >= 4, try cursor.integer(UInt32.self) == 0x0201_4B50 {
            let (name, entry) = try ZipArchive.entry(&cursor)
            guard entries.updateValue(entry, forKey: name) == nil else {
                throw cursor.fault("the entry \(quoted(name)) is there twice")
            }
        }
        self.entries = entries
    }

    /// The bytes of the entry `name`, as a range of the file; nil if there is no such entry.
    /// - Throws: if it is compressed, encrypted, or not inside the file.
    func range(of name: String) throws(CLIPError) -> Range<Int>? {
        guard let entry = entries[name] else { return nil }
        guard entry.method == 0, !entry.isEncrypted, entry.storedCount == entry.count else {
            throw CLIPError(
                .model, path: file.path,
                "entry \(quoted(name)) is \(entry.isEncrypted ? "encrypted" : "compressed"): torch.save "
                    + "stores entries as they are, unpack the archive and pack it again without compression")
        }
        guard entry.header <= file.bytes.count - 30 else { throw misplaced(name) }
        var cursor = ByteCursor(file.bytes, at: entry.header, path: file.path, part: "zip entry")
        guard try cursor.integer(UInt32.self) == 0x0403_4B50 else { throw misplaced(name) }
        _ = try cursor.slice(22)
        let skipped = Int(try cursor.integer(UInt16.self)) + Int(try cursor.integer(UInt16.self))
        _ = try cursor.slice(skipped)
        let start = cursor.position
        guard entry.count <= file.bytes.count - start else { throw misplaced(name) }
        return start..<start + entry.count
    }

    private func misplaced(_ name: String) -> CLIPError {
        CLIPError(
            .model, path: file.path,
            "entry \(quoted(name)) doesn't lie where the zip directory says: the file is damaged, fetch it again")
    }

    private static func entry(_ cursor: inout ByteCursor) throws(CLIPError) -> (String, Entry) {
        _ = try cursor.slice(4)
        let flags = try cursor.integer(UInt16.self)
        let method = try cursor.integer(UInt16.self)
        _ = try cursor.slice(8)
        var storedCount = try cursor.count(UInt32.self)
        var count = try cursor.count(UInt32.self)
        let nameCount = try cursor.count(UInt16.self)
        let extraCount = try cursor.count(UInt16.self)
        let commentCount = try cursor.count(UInt16.self)
        _ = try cursor.slice(8)
        var header = try cursor.count(UInt32.self)
        let name = try cursor.text(nameCount)
        var extra = ByteCursor(try cursor.slice(extraCount), path: cursor.path, part: "zip directory")
        while extra.remaining >= 4 {
            let identifier = try extra.integer(UInt16.self)
            var field = ByteCursor(
                try extra.slice(extra.count(UInt16.self)), path: cursor.path, part: "zip directory")
            guard identifier == 1 else { continue }
            // The 64-bit numbers are there only for those that 32 bits can't hold, in this order.
            if count == 0xFFFF_FFFF { count = try field.count(UInt64.self) }
            if storedCount == 0xFFFF_FFFF { storedCount = try field.count(UInt64.self) }
            if header == 0xFFFF_FFFF { header = try field.count(UInt64.self) }
        }
        _ = try cursor.slice(commentCount)
        return (
            name,
            Entry(
                method: method, isEncrypted: flags & 1 == 1, header: header, storedCount: storedCount, count: count)
        )
    }

    /// Where the central directory lies: its end record stands at the end of the file, before a comment of up to 64 KiB.
    private static func directory(of file: MappedFile) throws(CLIPError) -> Range<Int> {
        let bytes = file.bytes
        let first = max(0, bytes.count - 22 - 0xFFFF)
        let end = stride(from: bytes.count - 22, through: first, by: -1).first {
            bytes[$0] == 0x50 && bytes[$0 + 1] == 0x4B && bytes[$0 + 2] == 0x05 && bytes[$0 + 3] == 0x06
        }
        guard let end else {
            throw CLIPError(
                .model, path: file.path, "is a zip archive without its end: the download is incomplete, fetch it again")
        }
        var cursor = ByteCursor(bytes, at: end + 12, path: file.path, part: "zip end")
        var count = try cursor.count(UInt32.self)
        var offset = try cursor.count(UInt32.self)
        if end >= 20 {
            var locator = ByteCursor(bytes, at: end - 20, path: file.path, part: "zip end")
            if try locator.integer(UInt32.self) == 0x0706_4B50 {
                _ = try locator.slice(4)
                let place = try locator.count(UInt64.self)
                guard place < end else { throw locator.fault("the 64-bit end at \(place) lies outside the file") }
                var wide = ByteCursor(bytes, at: place, path: file.path, part: "zip end")
                guard try wide.integer(UInt32.self) == 0x0606_4B50 else {
                    throw wide.fault("no 64-bit end where its locator says")
                }
                _ = try wide.slice(36)
                count = try wide.count(UInt64.self)
                offset = try wide.count(UInt64.self)
            }
        }
        guard offset <= bytes.count, count <= bytes.count - offset else {
            throw cursor.fault("a directory of \(count) bytes at \(offset) is not inside the file: fetch it again")
        }
        return offset..<offset + count
    }
}
