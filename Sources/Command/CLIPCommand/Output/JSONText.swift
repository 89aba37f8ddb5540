import CLIPJSON

extension FieldValue {
    /// Appends this value as JSON without spaces.
    func appendJSON(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .truth(let value): text += value ? "true" : "false"
        case .integer(let value): text += "\(value)"
        case .number(let value): text += FieldValue.json(value)
        case .text(let value): text += jsonString(value)
        case .nameBytes(let bytes): text += FieldValue.base64OfName(bytes).map { jsonString($0) } ?? "null"
        case .integers(let values): text.appendList(values) { "\($0)" }
        case .numbers(let values): text.appendList(values, FieldValue.json)
        case .list(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += "," }
                value.appendJSON(to: &text)
            }
            text += "]"
        case .object(let fields):
            text += "{"
            var isFirst = true
            for field in fields where !field.value.isLeftOut {
                text += (isFirst ? "" : ",") + jsonString(field.name) + ":"
                field.value.appendJSON(to: &text)
                isFirst = false
            }
            text += "}"
        }
    }

    private var isLeftOut: Bool {
        if case .nameBytes(let bytes) = self { FieldValue.base64OfName(bytes) == nil } else { false }
    }

    /// The shortest digits that read back to the same `Float`. JSON has no infinities.
    static func json(_ number: Float) -> String { number.isFinite ? number.description : "null" }
}

extension String {
    fileprivate mutating func appendList<Element>(_ elements: [Element], _ json: (Element) -> String) {
        self += "["
        for (index, element) in elements.enumerated() {
            if index > 0 { self += "," }
            self += json(element)
        }
        self += "]"
    }
}
