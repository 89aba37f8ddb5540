package import CLIPSystem

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
    func tensor(_ name: String) throws(CLIPError) -> StoredTensor?
}

/// What a file says of a tensor.
package struct TensorLayout: Sendable, Equatable {
    /// Such as `F32`, `Q4_0`: as safetensors or GGUF spell it.
    package let typeName: String
    package let shape: [Int]
}

/// A tensor in a mapped file: nothing is read until its bytes are touched.
///
/// The bytes live as long as `file`, which every copy of this value keeps open.
package struct StoredTensor: Sendable {
    package let name: String
    package let type: ElementType
    package let shape: [Int]
    /// Offset of the first byte in the file.
    package let offset: Int
    package let byteCount: Int
    package let file: MappedFile

    package init(name: String, type: ElementType, shape: [Int], offset: Int, byteCount: Int, file: MappedFile) {
        self.name = name
        self.type = type
        self.shape = shape
        self.offset = offset
        self.byteCount = byteCount
        self.file = file
    }

    /// Calls `body` with the tensor's little-endian bytes.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try body(UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + byteCount]))
    }
}

/// How a tensor's numbers are stored, named as safetensors names them.
package enum ElementType: String, Sendable, CaseIterable {
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case f64 = "F64"
    /// Eight bits, four of them the exponent's (Micikevicius et al., 2022): all bits set but the sign's is NaN, nothing is infinite.
    case f8E4M3 = "F8_E4M3"
    /// The upper half of an F16.
    case f8E5M2 = "F8_E5M2"
    case i64 = "I64"
    case i32 = "I32"
    case i16 = "I16"
    case i8 = "I8"
    case u8 = "U8"
    case bool = "BOOL"

    package var byteCount: Int {
        switch self {
        case .f64, .i64: 8
        case .f32, .i32: 4
        case .f16, .bf16, .i16: 2
        case .i8, .u8, .bool, .f8E4M3, .f8E5M2: 1
        }
    }
}

/// The number of bytes of a tensor, nil if it doesn't fit an `Int`.
func byteCount(of type: ElementType, shape: [Int]) -> Int? {
    var total = type.byteCount
    for extent in shape {
        let (product, overflow) = total.multipliedReportingOverflow(by: extent)
        if overflow || extent < 0 { return nil }
        total = product
    }
    return total
}
