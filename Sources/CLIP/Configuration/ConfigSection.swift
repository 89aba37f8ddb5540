internal import CLIPJSON
internal import CLIPWeights

/// One object of a configuration file, and a log of every setting that was read from it.
struct ConfigSection {
    /// The file, for errors.
    let path: String
    /// Where settings are said to come from: the file's name, and the object inside it.
    let source: String
    /// What settings are called first: `image`, `text`, or nothing.
    let subject: String
    let fields: [String: JSONValue]
    private(set) var settings: [ModelSetting] = []

    init(path: String, source: String, subject: String = "", fields: [String: JSONValue]) {
        self.path = path
        self.source = source
        self.subject = subject
        self.fields = fields
    }

    /// A whole number in `range`.
    /// - Parameter risk: what may go wrong when the field is absent and takes its default.
    mutating func int(
        _ key: String, named name: String, default fallback: Int, in range: ClosedRange<Int>, risk: String? = nil
    ) throws(CLIPError) -> Int {
        guard let value = present(key) else {
            record(name, "\(fallback)", isDefault: true, warning: risk)
            return fallback
        }
        guard let number = value.int, range.contains(number) else {
            throw fault(key, value, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        record(name, "\(number)")
        return number
    }

    /// One side of a square: a whole number, or a list of two equal ones.
    mutating func side(
        _ key: String, named name: String, default fallback: Int, in range: ClosedRange<Int>
    ) throws(CLIPError) -> Int {
        guard let sides = present(key)?.array else {
            return try int(key, named: name, default: fallback, in: range)
        }
        guard sides.count == 2, sides[0] == sides[1], let side = sides[0].int, range.contains(side) else {
            throw fault(key, .array(sides), expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        record(name, "\(side)")
        return side
    }

    /// A finite number in `range`.
    mutating func float(
        _ key: String, named name: String, default fallback: Float, in range: ClosedRange<Double>
    ) throws(CLIPError) -> Float {
        guard let value = present(key) else {
            record(name, "\(fallback)", isDefault: true)
            return fallback
        }
        guard let number = value.double, range.contains(number) else {
            throw fault(key, value, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        record(name, "\(Float(number))")
        return Float(number)
    }

    /// The value of `key`, nil when it is absent or null: both mean its default.
    func present(_ key: String) -> JSONValue? {
        fields[key].flatMap { $0.isNull ? nil : $0 }
    }

    /// Notes what was resolved.
    mutating func record(_ name: String, _ value: String, isDefault: Bool = false, warning: String? = nil) {
        record(name, value, source: isDefault ? "default" : source, warning: warning)
    }

    /// Notes what was resolved, and from where.
    mutating func record(_ name: String, _ value: String, source: String, warning: String? = nil) {
        let full = subject.isEmpty ? name : "\(subject) \(name)"
        settings.append(ModelSetting(name: full, value: value, source: source, warning: warning))
    }

    /// An error about the value of `key`.
    func fault(_ key: String, _ value: JSONValue, expected: String) -> CLIPError {
        let place = source.split(separator: " ").dropFirst().map { "\($0)." }.joined()
        let isPlain = key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        return CLIPError(
            .model, path: path,
            "\(place)\(isPlain ? key : quoted(key)) is \(ConfigSection.describe(value)), expected \(expected): fetch the file again or mend it"
        )
    }

    private static func describe(_ value: JSONValue) -> String {
        switch value {
        case .number(let number): Int(exactly: number).map { "\($0)" } ?? "\(number)"
        case .string(let text): jsonString(String(text.unicodeScalars.prefix(60)))
        case .bool(let flag): "\(flag)"
        case .null, .array, .object: value.kindName
        }
    }
}

/// The object that a JSON text is.
/// - Throws: `CLIPError` about the file at `path` when it is something else, or not JSON.
func jsonObject(_ json: [UInt8], path: String) throws(CLIPError) -> [String: JSONValue] {
    let value: JSONValue
    do {
        value = try JSONValue(parsing: json)
    } catch {
        throw CLIPError(.model, path: path, "byte \(error.offset): \(error.problem): it is damaged, fetch it again")
    }
    guard let object = value.object else {
        throw CLIPError(.model, path: path, "holds \(value.kindName), expected a JSON object: fetch it again")
    }
    return object
}
