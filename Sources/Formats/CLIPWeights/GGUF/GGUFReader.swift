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
struct GGUFReader {
    private var cursor: ByteCursor
    /// Version 1 counted in 32 bits.
    private let isNarrow: Bool

    init(_ cursor: ByteCursor, isNarrow: Bool) {
        self.cursor = cursor
        self.isNarrow = isNarrow
    }

    var position: Int { cursor.position }

    func fault(_ problem: String) -> WeightsError { cursor.fault(problem) }

    mutating func count() throws(WeightsError) -> Int {
        isNarrow ? try cursor.count(UInt32.self) : try cursor.count(UInt64.self)
    }

    mutating func text() throws(WeightsError) -> String { try cursor.text(try count()) }

    mutating func value() throws(WeightsError) -> GGUFValue {
        let type = try cursor.integer(UInt32.self)
        return type == 9 ? try array() : try scalar(type)
    }

    mutating func tensor() throws(WeightsError) -> (name: String, type: GGUFType, shape: [Int], offset: Int) {
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

    private mutating func scalar(_ type: UInt32) throws(WeightsError) -> GGUFValue {
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

    private mutating func array() throws(WeightsError) -> GGUFValue {
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
