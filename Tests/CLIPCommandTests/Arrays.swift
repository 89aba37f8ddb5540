import Foundation

/// A NumPy file, read as NumPy's own documentation of the format says.
struct NumPyArray {
    let shape: [Int]
    let values: [Float]

    init(_ data: Data) throws {
        let bytes = [UInt8](data)
        guard bytes.starts(with: [0x93] + Array("NUMPY".utf8) + [1, 0]) else { throw CocoaError(.fileReadCorruptFile) }
        let start = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
        let header = String(decoding: bytes[10..<start], as: UTF8.self)
        guard header.contains("'descr': '<f4'"), header.contains("'fortran_order': False"), start % 64 == 0,
            let list = header.firstMatch(of: /'shape': \(([0-9, ]*)\)/)?.1
        else { throw CocoaError(.fileReadCorruptFile) }
        shape = list.split(separator: ",").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
        values = stride(from: start, to: bytes.count, by: 4).map { offset in
            Float(bitPattern: bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }
        guard values.count == shape.reduce(1, *) else { throw CocoaError(.fileReadCorruptFile) }
    }

    func row(_ index: Int) -> [Float] {
        let size = shape.dropFirst().reduce(1, *)
        return Array(values[index * size..<(index + 1) * size])
    }
}

/// The numbers of a JSON list.
func floats(_ value: Any?) -> [Float] { (value as? [NSNumber] ?? []).map(\.floatValue) }

func cosine(_ a: [Float], _ b: [Float]) -> Double {
    guard a.count == b.count else { return .nan }
    var (product, own, others) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
        product += Double(x) * Double(y)
        own += Double(x) * Double(x)
        others += Double(y) * Double(y)
    }
    return product / (own * others).squareRoot()
}

/// The largest difference, relative to the largest value expected.
func largestError(_ found: [Float], _ expected: [Float]) -> Float {
    guard found.count == expected.count else { return .infinity }
    let largest = expected.map { abs($0) }.max() ?? 1
    return zip(found, expected).map { abs($0 - $1) / largest }.max() ?? 0
}

/// CSV taken apart as RFC 4180 says.
func csvRows(_ text: String) -> [[String]] {
    var rows: [[String]] = [[""]]
    var isQuoted = false
    var scalars = Array(text.unicodeScalars)[...]
    func append(_ scalar: Unicode.Scalar) {
        rows[rows.count - 1][rows[rows.count - 1].count - 1].unicodeScalars.append(scalar)
    }
    while let scalar = scalars.popFirst() {
        switch scalar {
        case "\"" where isQuoted && scalars.first == "\"":
            append("\"")
            scalars.removeFirst()
        case "\"": isQuoted.toggle()
        case "," where !isQuoted: rows[rows.count - 1].append("")
        case "\r" where !isQuoted && scalars.first == "\n": scalars.removeFirst(); rows.append([""])
        default: append(scalar)
        }
    }
    return rows.dropLast()
}
