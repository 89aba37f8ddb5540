internal import CLIP
internal import CLIPJSON
internal import CLIPSystem
package import PictureCollections

/// What an assistant may ask for.
package protocol ToolSet: Sendable {
    /// What is said to the assistant of all of them.
    var instructions: String { get }
    var tools: [Tool] { get }

    /// Does what is asked for, on one thread for one call at a time.
    /// - Throws: what is to be told to the assistant; `CLIPError` of kind `.cancelled` once the work is no longer wanted.
    func call(_ tool: String, _ arguments: inout ToolArguments) throws -> ToolResult
}

/// Something that an assistant may ask for.
package struct Tool: Sendable {
    package let name: String
    package let title: String
    package let description: String
    package let parameters: [Parameter]

    package init(_ name: String, _ title: String, _ description: String, _ parameters: [Parameter]) {
        self.name = name
        self.title = title
        self.description = description
        self.parameters = parameters
    }

    /// A value that a call has, as JSON Schema describes it.
    package struct Parameter: Sendable {
        package enum Kind: Sendable {
            case text
            case texts(atMost: Int)
            case integer(ClosedRange<Int>)
            case number
            case truth
        }

        package let name: String
        package let kind: Kind
        package let isRequired: Bool
        package let description: String

        package init(_ name: String, _ kind: Kind, isRequired: Bool = false, _ description: String) {
            self.name = name
            self.kind = kind
            self.isRequired = isRequired
            self.description = description
        }

        var schema: Fields {
            var schema: Fields
            switch kind {
            case .text: schema = ["type": "string"]
            case .texts(let count):
                schema = ["type": "array", "items": ["type": "string"] as Fields, "minItems": 1, "maxItems": count]
            case .integer(let range):
                schema = ["type": "integer", "minimum": range.lowerBound, "maximum": range.upperBound]
            case .number: schema = ["type": "number"]
            case .truth: schema = ["type": "boolean"]
            }
            schema.add("description", description)
            return schema
        }
    }

    /// As a server lists it: nothing is changed by it, and it looks at nothing but the index.
    var listing: Fields {
        var properties: Fields = [:]
        for parameter in parameters { properties.add(parameter.name, parameter.schema) }
        return [
            "name": name, "title": title, "description": description,
            "inputSchema": [
                "type": "object", "properties": properties,
                "required": parameters.filter(\.isRequired).map(\.name), "additionalProperties": false,
            ] as Fields,
            "annotations": [
                "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false,
            ] as Fields,
        ]
    }
}

/// The values of a call, each of the kind that its tool declares.
package struct ToolArguments {
    private let tool: Tool
    private let values: [String: JSONValue]

    /// - Throws: when one is not declared, is of another kind, or is missing.
    init(_ value: JSONValue?, of tool: Tool) throws(CLIPError) {
        switch value {
        case nil, .null?: values = [:]
        case .object(let fields)?: values = fields
        case let other?: throw CLIPError(.argument, "the arguments are \(other.kindName), expected an object")
        }
        self.tool = tool
        if let unknown = values.keys.filter({ name in !tool.parameters.contains { $0.name == name } }).min() {
            let known = tool.parameters.map(\.name)
            throw CLIPError(
                .argument,
                "\(tool.name) has no argument \"\(unknown)\""
                    + (known.isEmpty ? ", expected none" : ", expected \(known.joined(separator: ", "))"))
        }
        for parameter in tool.parameters { try check(parameter) }
    }

    private func check(_ parameter: Tool.Parameter) throws(CLIPError) {
        guard let value = values[parameter.name], !value.isNull else {
            guard !parameter.isRequired else {
                throw CLIPError(.argument, "\(tool.name) needs \"\(parameter.name)\": \(parameter.description)")
            }
            return
        }
        func fault(_ expected: String) -> CLIPError {
            CLIPError(.argument, "\"\(parameter.name)\" is \(value.kindName), expected \(expected)")
        }
        switch parameter.kind {
        case .text:
            guard value.string != nil else { throw fault("a string") }
        case .texts(let count):
            guard let list = value.array, list.allSatisfy({ $0.string != nil }) else {
                throw fault("a list of strings")
            }
            guard (1...count).contains(list.count) else {
                throw CLIPError(.argument, "\"\(parameter.name)\" has \(list.count) elements, expected 1 to \(count)")
            }
        case .integer(let range):
            guard let number = value.int else { throw fault("a whole number") }
            guard range.contains(number) else {
                throw CLIPError(
                    .argument, "\"\(parameter.name)\" is \(number), expected \(range.lowerBound) to \(range.upperBound)"
                )
            }
        case .number: guard value.double?.isFinite == true else { throw fault("a number") }
        case .truth: guard value.bool != nil else { throw fault("true or false") }
        }
    }

    package func text(_ name: String) -> String? { values[name]?.string }
    package func texts(_ name: String) -> [String]? { values[name]?.array?.compactMap(\.string) }
    package func integer(_ name: String) -> Int? { values[name]?.int }
    package func number(_ name: String) -> Double? { values[name]?.double }
    package func truth(_ name: String) -> Bool? { values[name]?.bool }
}

/// What a tool answers: values, and pictures with what they are.
package struct ToolResult {
    package let fields: Fields
    package let pictures: [(caption: String, jpeg: [UInt8])]

    package init(_ fields: Fields, pictures: [(caption: String, jpeg: [UInt8])] = []) {
        self.fields = fields
        self.pictures = pictures
    }

    /// In the protocol's words: the values as data and as text, then each picture behind its caption.
    var content: Fields {
        var blocks: [Fields] = [["type": "text", "text": FieldValue.object(fields).json]]
        for picture in pictures {
            blocks.append(["type": "text", "text": picture.caption])
            blocks.append(["type": "image", "data": base64OfBytes(picture.jpeg), "mimeType": "image/jpeg"])
        }
        return ["content": blocks, "structuredContent": fields, "isError": false]
    }

    static func failure(_ message: String) -> Fields {
        ["content": [["type": "text", "text": message] as Fields], "isError": true]
    }
}
