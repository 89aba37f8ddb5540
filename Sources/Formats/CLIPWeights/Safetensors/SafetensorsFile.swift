internal import CLIPJSON

/// A safetensors file, mapped: the header is checked as a whole, the data is read when it is touched.
package struct SafetensorsFile: TensorFile {
    package let file: MappedFile
    /// The `__metadata__` of the header.
    package let metadata: [String: String]
    /// In the order of the data.
    package let names: [String]
    private let entries: [String: SafetensorsEntry]
    private let dataOffset: Int

    /// Maps and checks the file at `path`.
    package init(path: String) throws(WeightsError) {
        try self.init(MappedFile(path: path))
    }

    /// Checks header, offsets, types and shapes of a mapped file.
    ///
    /// - Throws: if the header is not what safetensors demands, tensors overlap, leave a hole, disagree with their
    ///   shape, or end anywhere but at the end of the file.
    package init(_ file: MappedFile) throws(WeightsError) {
        let json = try SafetensorsFile.headerText(of: file)
        let header: SafetensorsHeader
        do {
            header = try SafetensorsHeader(json: json)
        } catch {
            throw WeightsError(path: file.path, problem: "header, byte \(8 + error.offset): \(error.problem)")
        }
        self.file = file
        metadata = header.metadata
        dataOffset = 8 + json.count
        let ordered = header.entries.sorted { ($0.start, $0.end) < ($1.start, $1.end) }
        try SafetensorsFile.checkLayout(ordered, of: file, dataOffset: dataOffset)
        var entries: [String: SafetensorsEntry] = [:]
        entries.reserveCapacity(ordered.count)
        for entry in ordered {
            try SafetensorsFile.checkShape(entry, path: file.path)
            // Swift's strings compare by canonical equivalence: names that differ in bytes alone are refused as well.
            guard entries.updateValue(entry, forKey: entry.name) == nil else {
                throw WeightsError(path: file.path, problem: "tensor \(quoted(entry.name)) is there twice")
            }
        }
        self.entries = entries
        names = ordered.map(\.name)
    }

    package func layout(of name: String) -> TensorLayout? {
        entries[name].map { TensorLayout(typeName: $0.typeName, shape: $0.shape) }
    }

    /// The tensor `name`, nil if the file has none.
    ///
    /// - Throws: if its element type is not one of `ElementType`.
    package func tensor(_ name: String) throws(WeightsError) -> StoredTensor? {
        guard let entry = entries[name] else { return nil }
        guard let type = ElementType(rawValue: entry.typeName) else {
            let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
            throw WeightsError(
                path: file.path,
                problem: "tensor \(quoted(name)) has type \(quoted(entry.typeName)), expected one of \(known)")
        }
        return StoredTensor(
            name: entry.name, type: type, shape: entry.shape, offset: dataOffset + entry.start,
            byteCount: entry.end - entry.start, file: file)
    }

    private static func headerText(of file: MappedFile) throws(WeightsError) -> [UInt8] {
        let bytes = file.bytes
        if let other = ForeignFormat(bytes) {
            throw WeightsError(
                path: file.path, problem: "is \(other.description), expected safetensors: \(other.advice)")
        }
        guard bytes.count >= 8 else {
            throw WeightsError(
                path: file.path,
                problem: "has \(bytes.count) bytes, a safetensors file has at least 8: it is cut short, fetch it again")
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= SafetensorsHeader.largest else {
            throw WeightsError(
                path: file.path,
                problem: "is not a safetensors file: its first 8 bytes should give the length of a header, at most "
                    + "\(SafetensorsHeader.largest), and give more: fetch the file again, or give a model's file or folder"
            )
        }
        let count = Int(length)
        guard count <= bytes.count - 8 else {
            throw WeightsError(
                path: file.path,
                problem: "the header ends at byte \(8 + count), the file has \(bytes.count): "
                    + "the download is incomplete, fetch it again")
        }
        guard count >= 2, bytes[8] == UInt8(ascii: "{") else {
            throw WeightsError(path: file.path, problem: "is not a safetensors file: byte 8 should open a JSON object")
        }
        return Array(bytes[8..<8 + count])
    }

    private static func checkLayout(
        _ ordered: [SafetensorsEntry], of file: MappedFile, dataOffset: Int
    ) throws(WeightsError) {
        let dataCount = file.bytes.count - dataOffset
        var position = 0
        for entry in ordered {
            guard entry.end <= dataCount else {
                let end = entry.end.addingReportingOverflow(dataOffset).partialValue
                throw WeightsError(
                    path: file.path,
                    problem:
                        "tensor \(quoted(entry.name)) ends at byte \(UInt(bitPattern: end)), the file has \(file.bytes.count): "
                        + "the download is incomplete, fetch it again")
            }
            guard entry.start == position else {
                let fault = entry.start < position ? "overlaps the tensor before it" : "leaves a hole before it"
                throw WeightsError(
                    path: file.path,
                    problem:
                        "tensor \(quoted(entry.name)) \(fault): it starts at data byte \(entry.start), expected \(position)"
                )
            }
            position = entry.end
        }
        guard position == dataCount else {
            throw WeightsError(
                path: file.path,
                problem: "the last tensor ends at byte \(dataOffset + position), the file has \(file.bytes.count): "
                    + "it has bytes that belong to nothing, fetch it again")
        }
    }

    private static func checkShape(_ entry: SafetensorsEntry, path: String) throws(WeightsError) {
        guard let type = ElementType(rawValue: entry.typeName) else { return }
        let expected = byteCount(of: type, shape: entry.shape)
        guard expected == entry.end - entry.start else {
            let need = expected.map { "\($0) bytes" } ?? "more bytes than can be addressed"
            throw WeightsError(
                path: path,
                problem: "tensor \(quoted(entry.name)) has \(entry.end - entry.start) bytes, "
                    + "\(type.rawValue) of shape \(shapeText(entry.shape)) needs \(need)")
        }
    }

    private static func shapeText(_ shape: [Int]) -> String {
        let extents = shape.prefix(8).map(String.init).joined(separator: ", ")
        return "[\(extents)\(shape.count > 8 ? ", …" : "")]"
    }
}
