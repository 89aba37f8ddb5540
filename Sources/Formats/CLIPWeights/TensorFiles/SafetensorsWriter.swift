internal import CLIPJSON
package import CLIPSystem

/// What a tensor to be written will be, before its numbers exist.
package struct TensorDeclaration: Sendable, Equatable {
    package let name: String
    package let type: ElementType
    package let shape: [Int]

    package init(name: String, type: ElementType, shape: [Int]) {
        self.name = name
        self.type = type
        self.shape = shape
    }
}

/// Writes a safetensors file, tensor by tensor, all or nothing.
///
/// All tensors are declared first, so that the header stands before the data and no more than one tensor is ever in
/// memory. The data starts at a multiple of 64 bytes. safetensors forbids holes, so tensors are laid out by falling
/// alignment of their byte count, otherwise as declared: every tensor whose byte count is a multiple of 64 (panels of
/// 16 columns of 4 bytes are, and of 2 bytes with an even number of rows) starts at a multiple of 64, and every tensor
/// starts at a multiple of its element size. Dropped without `finish`, nothing appears at the target.
package final class SafetensorsWriter {
    /// Where tensors and data start, in bytes.
    package static let alignment = 64

    private let output: AtomicFile
    /// Where in the file the value of each reserved metadata key goes, and its length.
    private var reserved: [String: Range<Int>] = [:]
    private var offsets: [String: Int] = [:]
    private var byteCounts: [String: Int] = [:]
    private var missing: Set<String>
    private let end: Int

    /// Starts a file at `location` and writes its header.
    ///
    /// - Parameter reserved: metadata keys whose values are known only when the tensors are, and how many ASCII
    ///   characters each will have; `fill` brings them.
    /// - Throws: if a name is there twice, a shape overflows, the header is over 100 MB, or the file can't be written.
    package init(
        _ location: PathBytes, metadata: [String: String], reserved: [String: Int] = [:], tensors: [TensorDeclaration]
    ) throws(CLIPError) {
        var placed: [(tensor: TensorDeclaration, byteCount: Int)] = []
        for tensor in tensors {
            guard let count = byteCount(of: tensor.type, shape: tensor.shape), tensor.name != "__metadata__",
                byteCounts.updateValue(count, forKey: tensor.name) == nil
            else {
                throw CLIPError(
                    .model, path: location.text,
                    "tensor \(quoted(tensor.name)) can't be written: its name is taken or its shape too large")
            }
            placed.append((tensor, count))
        }
        // The sort is stable: tensors that are used together stay together.
        placed.sort { SafetensorsWriter.alignment(of: $0.byteCount) > SafetensorsWriter.alignment(of: $1.byteCount) }

        var json = "{\"__metadata__\":{"
        let blanks = reserved.mapValues { String(repeating: " ", count: $0) }
        for (index, entry) in metadata.merging(blanks, uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key })
            .enumerated()
        {
            json += "\(index == 0 ? "" : ",")\(jsonString(entry.key)):"
            if let length = reserved[entry.key] {
                let start = 8 + json.utf8.count + 1
                self.reserved[entry.key] = start..<start + length
            }
            json += jsonString(entry.value)
        }
        json += "}"
        var position = 0
        for (tensor, count) in placed {
            let (next, overflow) = position.addingReportingOverflow(count)
            guard !overflow else {
                throw CLIPError(.model, path: location.text, "the tensors are too large for a file")
            }
            offsets[tensor.name] = position
            json += ",\(jsonString(tensor.name)):{\"dtype\":\"\(tensor.type.rawValue)\","
            json += "\"shape\":[\(tensor.shape.map(String.init).joined(separator: ","))],"
            json += "\"data_offsets\":[\(position),\(next)]}"
            position = next
        }
        var header = Array((json + "}").utf8)
        let padding = (SafetensorsWriter.alignment - (8 + header.count) % SafetensorsWriter.alignment)
        header += Array(repeating: UInt8(ascii: " "), count: padding % SafetensorsWriter.alignment)
        let dataOffset = 8 + header.count
        guard header.count <= SafetensorsHeader.largest, position <= Int.max - dataOffset else {
            throw CLIPError(
                .model, path: location.text,
                "a header of \(header.count) bytes, expected at most \(SafetensorsHeader.largest)")
        }
        for name in offsets.keys { offsets[name]? += dataOffset }
        end = dataOffset + position
        missing = Set(byteCounts.filter { $0.value > 0 }.keys)
        output = try AtomicFile(location, kind: .model)
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init)
        try output.write(length + header)
    }

    /// Writes the little-endian bytes of the declared tensor `name`, all of them. Tensors may come in any order.
    ///
    /// - Throws: if `name` was not declared or is already written, `bytes` is not as long as its type and shape
    ///   demand, or the file can't be written.
    package func write(_ name: String, _ bytes: UnsafeRawBufferPointer) throws(CLIPError) {
        guard let offset = offsets[name], let expected = byteCounts[name] else {
            throw CLIPError(.model, path: output.path, "tensor \(quoted(name)) was not declared")
        }
        guard bytes.count == expected else {
            throw CLIPError(
                .model, path: output.path, "tensor \(quoted(name)) needs \(expected) bytes, found \(bytes.count)")
        }
        guard expected > 0 else { return }
        guard missing.remove(name) != nil else {
            throw CLIPError(.model, path: output.path, "tensor \(quoted(name)) is written twice")
        }
        try output.write(bytes, at: offset)
    }

    /// Writes the numbers of the declared tensor `name`; `Element` must be what its type says.
    package func write<Element: BitwiseCopyable>(_ name: String, _ numbers: [Element]) throws(CLIPError) {
        try numbers.withUnsafeBufferPointer { buffer throws(CLIPError) in
            try write(name, UnsafeRawBufferPointer(buffer))
        }
    }

    /// Writes the value of a reserved metadata key: printable ASCII that needs no escape, exactly as long as reserved.
    package func fill(_ key: String, _ value: String) throws(CLIPError) {
        let bytes = Array(value.utf8)
        let isPlain = bytes.allSatisfy {
            (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        guard let range = reserved[key], range.count == bytes.count, isPlain else {
            throw CLIPError(.model, path: output.path, "metadata \(quoted(key)) has no room for \(quoted(value))")
        }
        try bytes.withUnsafeBufferPointer { buffer throws(CLIPError) in
            try output.write(UnsafeRawBufferPointer(buffer), at: range.lowerBound)
        }
        reserved[key] = nil
    }

    /// Where the whole file can be read before it appears, for whoever checks it first.
    ///
    /// - Throws: if a declared tensor was not written or a reserved key not filled, or the target is a device or a pipe.
    package func draft() throws(CLIPError) -> PathBytes {
        try checkComplete()
        guard let path = output.temporaryPath else {
            throw CLIPError(.model, path: output.path, "is a device or a pipe, expected the path of a file to write")
        }
        return path
    }

    /// Syncs the file and makes it appear.
    ///
    /// - Throws: if a declared tensor was not written or a reserved key not filled, or the file can't be synced or renamed; nothing appears then.
    /// - Returns: the number of bytes in the file.
    @discardableResult
    package func finish() throws(CLIPError) -> Int {
        try checkComplete()
        try output.commit()
        return end
    }

    private func checkComplete() throws(CLIPError) {
        if let name = missing.min() {
            throw CLIPError(
                .model, path: output.path,
                "tensor \(quoted(name)) was declared but not written (\(missing.count) missing)")
        }
        if let key = reserved.keys.min() {
            throw CLIPError(.model, path: output.path, "metadata \(quoted(key)) was reserved but not filled")
        }
    }

    /// The largest power of two up to 64 that divides `byteCount`.
    private static func alignment(of byteCount: Int) -> Int {
        byteCount == 0 ? alignment : min(alignment, 1 << byteCount.trailingZeroBitCount)
    }
}
