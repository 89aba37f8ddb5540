/// A NumPy array of little-endian 32-bit floats in C order, a row per record.
///
/// The header says how many rows follow, which only the end knows: in a file it is written over at the end, for a pipe
/// the rows wait in a temporary file.
final class NPYWriter: RecordWriter {
    private let output: Output
    private let rowShape: [Int]
    private let spool: Spool?
    private let sidecar: Sidecar?
    private var rowCount = 0

    /// - Parameters:
    ///   - rowShape: the shape of one row, `[dim]` or `[3, H, W]`.
    ///   - sidecar: says which row is which; nil when there is no file to put it beside.
    init(_ output: Output, rowShape: [Int], sidecar: Sidecar?) throws(OutputError) {
        self.output = output
        self.rowShape = rowShape
        self.sidecar = sidecar
        spool = output.isPatchable ? nil : try Spool()
        if output.isPatchable { try output.write(NPYWriter.header(shape: [0] + rowShape)) }
    }

    func write(_ record: some Record) throws(OutputError) {
        guard let (name, values) = record.vectors else { return }
        let rows = values.count / rowShape.reduce(1, *)
        rowCount += rows
        for _ in 0..<rows { try sidecar?.add(name) }
        let bytes = values.map(\.bitPattern.littleEndian).withUnsafeBytes { Array($0) }
        if let spool { try spool.write(bytes) } else { try output.write(bytes) }
    }

    func finish() throws(OutputError) {
        let header = NPYWriter.header(shape: [rowCount] + rowShape)
        if let spool {
            try output.write(header)
            try spool.replay { part throws(OutputError) in try output.write(part) }
        } else {
            try output.patchStart(header)
        }
        try sidecar?.finish(shape: [rowCount] + rowShape)
    }

    /// A header of format version 1.0, always 192 bytes long, so that a later one fits in its place.
    static func header(shape: [Int]) -> [UInt8] {
        let length = 192
        let sizes = shape.map { "\($0)" }.joined(separator: ", ") + (shape.count == 1 ? "," : "")
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(sizes)), }"
        let dictionaryLength = length - 10
        let padding = String(repeating: " ", count: dictionaryLength - 1 - text.utf8.count)
        let sizeField = [UInt8(dictionaryLength & 0xFF), UInt8(dictionaryLength >> 8)]
        return [0x93] + Array("NUMPY".utf8) + [1, 0] + sizeField + Array((text + padding + "\n").utf8)
    }
}
