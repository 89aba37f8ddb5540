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
