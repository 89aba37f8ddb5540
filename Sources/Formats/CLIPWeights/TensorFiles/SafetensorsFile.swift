internal import CLIPJSON
package import CLIPSystem

/// A safetensors file, mapped: the header is checked as a whole, the data is read when it is touched.
package struct SafetensorsFile: TensorFile {
    package let file: MappedFile
    /// The `__metadata__` of the header.
    package let metadata: [String: String]
    /// In the order of the data.
    package let names: [String]
    private let entries: [String: SafetensorsEntry]
    private let dataOffset: Int

    /// Maps and checks the file there.
    package init(_ location: PathBytes) throws(CLIPError) {
        try self.init(MappedFile(location, kind: .model))
    }

    /// Checks header, offsets, types and shapes of a mapped file.
    ///
    /// - Throws: if the header is not what safetensors demands, tensors overlap, leave a hole, disagree with their
    ///   shape, or end anywhere but at the end of the file.
    package init(_ file: MappedFile) throws(CLIPError) {
        let json = try SafetensorsFile.headerText(of: file)
        let header = try SafetensorsHeader(json: json, at: JSONPlace(file.path, part: "header, ", start: 8))
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
                throw CLIPError(.model, path: file.path, "tensor \(quoted(entry.name)) is there twice")
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
    package func tensor(_ name: String) throws(CLIPError) -> StoredTensor? {
        guard let entry = entries[name] else { return nil }
        guard let type = ElementType(rawValue: entry.typeName) else {
            let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
            throw CLIPError(
                .model, path: file.path,
                "tensor \(quoted(name)) has type \(quoted(entry.typeName)), expected one of \(known)")
        }
        return StoredTensor(
            name: entry.name, type: type, shape: entry.shape, offset: dataOffset + entry.start,
            byteCount: entry.end - entry.start, file: file)
    }

    private static func headerText(of file: MappedFile) throws(CLIPError) -> [UInt8] {
        let bytes = file.bytes
        if let other = ForeignFormat(bytes) {
            throw CLIPError(.model, path: file.path, "is \(other.description), expected safetensors: \(other.advice)")
        }
        guard bytes.count >= 8 else {
            throw CLIPError(
                .model, path: file.path,
                "has \(bytes.count) bytes, a safetensors file has at least 8: it is cut short, fetch it again")
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= SafetensorsHeader.largest else {
            throw CLIPError(
                .model, path: file.path,
                "is not a safetensors file: its first 8 bytes should give the length of a header, at most "
                    + "\(SafetensorsHeader.largest), and give more: fetch the file again, or give a model's file or folder"
            )
        }
        let count = Int(length)
        guard count <= bytes.count - 8 else {
            throw CLIPError(
                .model, path: file.path,
                "the header ends at byte \(8 + count), the file has \(bytes.count): "
                    + "the download is incomplete, fetch it again")
        }
        guard count >= 2, bytes[8] == UInt8(ascii: "{") else {
            throw CLIPError(.model, path: file.path, "is not a safetensors file: byte 8 should open a JSON object")
        }
        return Array(bytes[8..<8 + count])
    }

    private static func checkLayout(
        _ ordered: [SafetensorsEntry], of file: MappedFile, dataOffset: Int
    ) throws(CLIPError) {
        let dataCount = file.bytes.count - dataOffset
        var position = 0
        for entry in ordered {
            guard entry.end <= dataCount else {
                let end = entry.end.addingReportingOverflow(dataOffset).partialValue
                throw CLIPError(
                    .model, path: file.path,
                    "tensor \(quoted(entry.name)) ends at byte \(UInt(bitPattern: end)), the file has \(file.bytes.count): "
                        + "the download is incomplete, fetch it again")
            }
            guard entry.start == position else {
                let fault = entry.start < position ? "overlaps the tensor before it" : "leaves a hole before it"
                throw CLIPError(
                    .model, path: file.path,
                    "tensor \(quoted(entry.name)) \(fault): it starts at data byte \(entry.start), expected \(position)"
                )
            }
            position = entry.end
        }
        guard position == dataCount else {
            throw CLIPError(
                .model, path: file.path,
                "the last tensor ends at byte \(dataOffset + position), the file has \(file.bytes.count): "
                    + "it has bytes that belong to nothing, fetch it again")
        }
    }

    private static func checkShape(_ entry: SafetensorsEntry, path: String) throws(CLIPError) {
        guard let type = ElementType(rawValue: entry.typeName) else { return }
        let expected = byteCount(of: type, shape: entry.shape)
        guard expected == entry.end - entry.start else {
            let need = expected.map { "\($0) bytes" } ?? "more bytes than can be addressed"
            throw CLIPError(
                .model, path: path,
                "tensor \(quoted(entry.name)) has \(entry.end - entry.start) bytes, "
                    + "\(type.rawValue) of shape \(shapeText(entry.shape)) needs \(need)")
        }
    }

    private static func shapeText(_ shape: [Int]) -> String {
        let extents = shape.prefix(8).map(String.init).joined(separator: ", ")
        return "[\(extents)\(shape.count > 8 ? ", …" : "")]"
    }
}

/// One entry of a safetensors header. Offsets count from the first byte after the header.
struct SafetensorsEntry: Sendable {
    let name: String
    /// As the file spells it: a type this program doesn't know matters only when the tensor is asked for.
    let typeName: String
    let shape: [Int]
    let start: Int
    let end: Int
}

/// The JSON header of a safetensors file, read but not yet compared with the file's size.
///
/// Layout (huggingface/safetensors, README): an 8-byte little-endian length, that many bytes of JSON
/// `{"__metadata__": {string: string}, name: {"dtype", "shape", "data_offsets": [start, end]}}`, then the data.
struct SafetensorsHeader {
    /// The format's own limit.
    static let largest = 100_000_000

    var metadata: [String: String] = [:]
    /// In the order of the header.
    var entries: [SafetensorsEntry] = []

    init(json: [UInt8], at place: JSONPlace) throws(CLIPError) {
        var scanner = JSONScanner(json, at: place)
        var isFirst = true
        try scanner.openObject()
        while let name = try scanner.nextKey(&isFirst) {
            if name.utf8.elementsEqual("__metadata__".utf8) {
                try readMetadata(&scanner)
            } else {
                entries.append(try SafetensorsHeader.readEntry(name, &scanner))
            }
        }
        try scanner.end()
    }

    private mutating func readMetadata(_ scanner: inout JSONScanner) throws(CLIPError) {
        // The format's own reader takes null for an empty object.
        if try scanner.peek() == UInt8(ascii: "n") { return try scanner.skipValue() }
        var isFirst = true
        try scanner.openObject()
        while let key = try scanner.nextKey(&isFirst) {
            guard metadata.updateValue(try scanner.string(), forKey: key) == nil else {
                throw scanner.fault("__metadata__ has \"\(key)\" twice")
            }
        }
    }

    private static func readEntry(_ name: String, _ scanner: inout JSONScanner) throws(CLIPError) -> SafetensorsEntry {
        var typeName: String?
        var shape: [Int]?
        var offsets: [Int]?
        var isFirst = true
        try scanner.openObject()
        while let field = try scanner.nextKey(&isFirst) {
            switch field {
            case "dtype" where typeName == nil: typeName = try scanner.string()
            case "shape" where shape == nil: shape = try integers(&scanner)
            case "data_offsets" where offsets == nil: offsets = try integers(&scanner)
            case "dtype", "shape", "data_offsets":
                throw scanner.fault("tensor \(quoted(name)) has \"\(field)\" twice")
            default: try scanner.skipValue()
            }
        }
        guard let typeName, let shape, let offsets else {
            throw scanner.fault("tensor \(quoted(name)) lacks one of dtype, shape and data_offsets")
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw scanner.fault("tensor \(quoted(name)) has data_offsets that are not a start and an end")
        }
        return SafetensorsEntry(name: name, typeName: typeName, shape: shape, start: offsets[0], end: offsets[1])
    }

    private static func integers(_ scanner: inout JSONScanner) throws(CLIPError) -> [Int] {
        var values: [Int] = []
        var isFirst = true
        try scanner.openArray()
        while try scanner.nextElement(&isFirst) { values.append(try scanner.unsignedInteger()) }
        return values
    }
}

/// Files that are often met where weights were meant, told by their first bytes.
private enum ForeignFormat {
    case pyTorch, gguf, legacyPyTorch, tar, compressed, lfsPointer, webPage, json
    /// A picture, such as `JPEG`.
    case picture(String)

    init?(_ bytes: UnsafeRawBufferPointer) {
        func begins(_ text: String) -> Bool { bytes.starts(with: text.utf8) }
        if bytes.starts(with: ZipArchive.signature) {
            self = .pyTorch
        } else if bytes.starts(with: GGUFFile.signature) {
            self = .gguf
        } else if bytes.starts(with: [0x80, 0x02]) && bytes.count > 8 && bytes[7] != 0 {
            self = .legacyPyTorch
        } else if bytes.count > 262 && bytes[257..<262].elementsEqual("ustar".utf8) {
            self = .tar
        } else if bytes.starts(with: [0x1F, 0x8B]) || bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
            self = .compressed
        } else if begins("version https://git-lfs") {
            self = .lfsPointer
        } else if begins("<!DOCTYPE") || begins("<!doctype") || begins("<html") {
            self = .webPage
        } else if begins("{") && bytes.count > 8 && bytes[7] != 0 {
            self = .json
        } else if let name = ForeignFormat.picture(bytes) {
            self = .picture(name)
        } else {
            return nil
        }
    }

    /// The format of a picture; none of these beginnings is the length of a safetensors header.
    private static func picture(_ bytes: UnsafeRawBufferPointer) -> String? {
        let magics: [(name: String, magic: [UInt8])] = [
            ("JPEG", [0xFF, 0xD8, 0xFF]), ("PNG", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A]), ("GIF", Array("GIF8".utf8)),
            ("TIFF", [0x49, 0x49, 0x2A, 0x00, 0x08]), ("TIFF", [0x4D, 0x4D, 0x00, 0x2A]),
        ]
        if let match = magics.first(where: { bytes.starts(with: $0.magic) }) { return match.name }
        guard bytes.count > 12, bytes.starts(with: "RIFF".utf8), bytes[8..<12].elementsEqual("WEBP".utf8) else {
            return bytes.count > 12 && bytes[4..<8].elementsEqual("ftyp".utf8) ? "HEIC or AVIF" : nil
        }
        return "WebP"
    }

    var description: String {
        switch self {
        case .pyTorch: "a PyTorch file"
        case .gguf: "a GGUF file"
        case .legacyPyTorch: "a PyTorch file of the form before version 1.6 (a bare pickle)"
        case .tar: "a tar archive, as PyTorch wrote before version 0.1.10, or one that holds the weights"
        case .compressed: "a compressed file"
        case .lfsPointer: "a Git LFS pointer, not the weights"
        case .webPage: "a web page, not the weights"
        case .json: "a JSON text, not the weights"
        case .picture(let name): "a picture (\(name)), not a model"
        }
    }

    var advice: String {
        switch self {
        case .pyTorch: "name it so, .pt or .bin"
        case .gguf: "name it so, .gguf"
        case .legacyPyTorch:
            "load it in PyTorch 1.6 or later and save it again, torch.save(torch.load(\"IN\"), \"OUT\")"
        case .tar: "unpack it, or load it in PyTorch and save it again"
        case .compressed: "unpack it first"
        case .lfsPointer: "run \"git lfs pull\" in its folder, or download the file itself"
        case .webPage: "download the file itself, not the page about it"
        case .json: "give the folder that it lies in, or the file of weights beside it"
        case .picture: "give a model's file or folder"
        }
    }
}
