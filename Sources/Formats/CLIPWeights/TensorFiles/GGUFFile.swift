package import CLIPSystem

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
    package init(_ file: MappedFile) throws(CLIPError) {
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
                throw CLIPError(
                    .model, path: file.path,
                    "tensor \(quoted(name)) has \(count) bytes at data byte \(offset), the file has "
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

    package func tensor(_ name: String) throws(CLIPError) -> StoredTensor? {
        guard let tensor = tensors[name] else { return nil }
        if let type = tensor.type.elementType {
            return StoredTensor(
                name: name, type: type, shape: tensor.shape, offset: tensor.offset, byteCount: tensor.byteCount,
                file: file)
        }
        let count = tensor.shape.reduce(1, *)
        let source = UnsafeRawBufferPointer(rebasing: file.bytes[tensor.offset..<tensor.offset + tensor.byteCount])
        let memory = try MappedFile(file.location, kind: .model, byteCount: max(1, 4 * count)) { target in
            tensor.type.dequantize(source, into: target.bindMemory(to: Float.self))
        }
        return StoredTensor(name: name, type: .f32, shape: tensor.shape, offset: 0, byteCount: 4 * count, file: memory)
    }
}

/// A value of GGUF metadata.
package enum GGUFValue: Sendable, Equatable {
    case int(Int)
    case double(Double)
    case bool(Bool)
    case string(String)
    case numbers([Double])
    case strings([String])

    package var int: Int? { if case .int(let number) = self { number } else { nil } }

    package var double: Double? {
        switch self {
        case .int(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    package var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }

    package var numbers: [Double]? { if case .numbers(let numbers) = self { numbers } else { nil } }

    package var strings: [String]? { if case .strings(let strings) = self { strings } else { nil } }

    /// A single value as text.
    package var text: String? {
        switch self {
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .bool(let flag): "\(flag)"
        case .string(let text): text
        case .numbers, .strings: nil
        }
    }
}

/// Reads the parts of a GGUF header in their order.
private struct GGUFReader {
    private var cursor: ByteCursor
    /// Version 1 counted in 32 bits.
    private let isNarrow: Bool

    init(_ cursor: ByteCursor, isNarrow: Bool) {
        self.cursor = cursor
        self.isNarrow = isNarrow
    }

    var position: Int { cursor.position }

    func fault(_ problem: String) -> CLIPError { cursor.fault(problem) }

    mutating func count() throws(CLIPError) -> Int {
        isNarrow ? try cursor.count(UInt32.self) : try cursor.count(UInt64.self)
    }

    mutating func text() throws(CLIPError) -> String { try cursor.text(try count()) }

    mutating func value() throws(CLIPError) -> GGUFValue {
        let type = try cursor.integer(UInt32.self)
        return type == 9 ? try array() : try scalar(type)
    }

    mutating func tensor() throws(CLIPError) -> (name: String, type: GGUFType, shape: [Int], offset: Int) {
        let name = try text()
        let rank = try cursor.integer(UInt32.self)
        guard rank <= 8 else { throw fault("tensor \(quoted(name)) has \(rank) dimensions, expected at most 8") }
        var shape: [Int] = []
        for _ in 0..<rank { shape.append(try count()) }
        let code = try cursor.integer(UInt32.self)
        guard let type = GGUFType(rawValue: code) else {
            let known = GGUFType.allCases.map(\.name).joined(separator: ", ")
            throw fault("tensor \(quoted(name)) has type \(code), expected one of \(known)")
        }
        // ggml names the extent that changes fastest first.
        return (name, type, shape.reversed(), try cursor.count(UInt64.self))
    }

    private mutating func scalar(_ type: UInt32) throws(CLIPError) -> GGUFValue {
        switch type {
        case 0: .int(Int(try cursor.byte()))
        case 1: .int(Int(try cursor.integer(Int8.self)))
        case 2: .int(Int(try cursor.integer(UInt16.self)))
        case 3: .int(Int(try cursor.integer(Int16.self)))
        case 4: .int(Int(try cursor.integer(UInt32.self)))
        case 5: .int(Int(try cursor.integer(Int32.self)))
        case 6: .double(Double(Float(bitPattern: try cursor.integer(UInt32.self))))
        case 7: .bool(try cursor.byte() != 0)
        case 8: .string(try text())
        case 10: .int(Int(clamping: try cursor.integer(UInt64.self)))
        case 11: .int(Int(try cursor.integer(Int64.self)))
        case 12: .double(Double(bitPattern: try cursor.integer(UInt64.self)))
        default: throw fault("a value of type \(type), expected 0 to 12")
        }
    }

    private mutating func array() throws(CLIPError) -> GGUFValue {
        let type = try cursor.integer(UInt32.self)
        let count = try count()
        guard count <= cursor.remaining else {
            throw fault("a list of \(count) values, \(cursor.remaining) bytes are there: it is cut short")
        }
        if type == 8 {
            var texts: [String] = []
            for _ in 0..<count { texts.append(try text()) }
            return .strings(texts)
        }
        guard type != 9 else { throw fault("a list of lists") }
        var numbers: [Double] = []
        for _ in 0..<count {
            switch try scalar(type) {
            case .bool(let flag): numbers.append(flag ? 1 : 0)
            case let value: numbers.append(value.double ?? 0)
            }
        }
        return .numbers(numbers)
    }
}

/// The element types that clip.cpp writes, by ggml's numbers.
///
/// Quantised types are blocks of 32 numbers: a scale d in half precision, in some a minimum m, then the quants q, the low
/// four bits of number i in the low half of byte i mod 16 (ggml, ggml-quants.c).
private enum GGUFType: UInt32, Sendable, CaseIterable {
    case f32 = 0
    case f16 = 1
    case q4_0 = 2
    case q4_1 = 3
    case q5_0 = 6
    case q5_1 = 7
    case q8_0 = 8
    case bf16 = 30

    var name: String { "\(self)".uppercased() }

    /// What the numbers are as they lie; nil for blocks.
    var elementType: ElementType? {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        default: nil
        }
    }

    private static let blockLength = 32

    private var blockSize: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q4_0: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q8_0: 34
        }
    }

    /// The size of a tensor; nil if its rows are not whole blocks, or its numbers couldn't be addressed as f32.
    func byteCount(shape: [Int]) -> Int? {
        guard let floats = CLIPWeights.byteCount(of: .f32, shape: shape) else { return nil }
        let count = floats / 4
        guard elementType == nil else { return count * blockSize }
        guard (shape.last ?? 1).isMultiple(of: GGUFType.blockLength) else { return nil }
        return count / GGUFType.blockLength * blockSize
    }

    /// Writes the numbers of whole blocks.
    func dequantize(_ bytes: UnsafeRawBufferPointer, into numbers: UnsafeMutableBufferPointer<Float>) {
        for block in 0..<bytes.count / blockSize {
            let source = UnsafeRawBufferPointer(rebasing: bytes[block * blockSize..<(block + 1) * blockSize])
            let start = block * GGUFType.blockLength
            let target = UnsafeMutableBufferPointer(rebasing: numbers[start..<start + GGUFType.blockLength])
            switch self {
            case .q4_0:
                let scale = GGUFType.half(source, 0)
                fourBits(source, from: 2, into: target) { scale * Float(Int($0) - 8) }
            case .q4_1:
                let (scale, minimum) = (GGUFType.half(source, 0), GGUFType.half(source, 2))
                fourBits(source, from: 4, into: target) { scale * Float($0) + minimum }
            case .q5_0:
                let scale = GGUFType.half(source, 0)
                fiveBits(source, from: 2, into: target) { scale * Float(Int($0) - 16) }
            case .q5_1:
                let (scale, minimum) = (GGUFType.half(source, 0), GGUFType.half(source, 2))
                fiveBits(source, from: 4, into: target) { scale * Float($0) + minimum }
            case .q8_0:
                let scale = GGUFType.half(source, 0)
                for index in 0..<GGUFType.blockLength {
                    target[index] = scale * Float(Int8(bitPattern: source[2 + index]))
                }
            case .f32, .f16, .bf16: break
            }
        }
    }

    @inline(__always)
    private func fourBits(
        _ block: UnsafeRawBufferPointer, from place: Int, into target: UnsafeMutableBufferPointer<Float>,
        _ number: (UInt8) -> Float
    ) {
        for index in 0..<16 {
            target[index] = number(block[place + index] & 15)
            target[index + 16] = number(block[place + index] >> 4)
        }
    }

    /// The fifth bits of all 32 numbers stand before the others.
    @inline(__always)
    private func fiveBits(
        _ block: UnsafeRawBufferPointer, from place: Int, into target: UnsafeMutableBufferPointer<Float>,
        _ number: (UInt8) -> Float
    ) {
        let high = UInt32(littleEndian: block.loadUnaligned(fromByteOffset: place, as: UInt32.self))
        for index in 0..<16 {
            let byte = block[place + 4 + index]
            target[index] = number(byte & 15 | UInt8(truncatingIfNeeded: high >> UInt32(index) & 1) << 4)
            target[index + 16] = number(byte >> 4 | UInt8(truncatingIfNeeded: high >> UInt32(index + 16) & 1) << 4)
        }
    }

    private static func half(_ block: UnsafeRawBufferPointer, _ place: Int) -> Float {
        Float(halfBits: UInt16(littleEndian: block.loadUnaligned(fromByteOffset: place, as: UInt16.self)))
    }
}
