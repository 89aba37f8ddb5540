internal import CLIPJSON

extension TokenizerSteps {
    /// What a post-processor puts before and after every text.
    /// - Parameter id: finds a token that the step names without its id.
    static func ends(
        _ value: JSONValue?, id: (String) -> UInt32?
    ) throws(TokenizerError) -> (start: [UInt32], end: [UInt32]) {
        var ends: (start: [UInt32], end: [UInt32]) = ([], [])
        for step in list(value, "processors") {
            let type = step["type"]?.string ?? ""
            switch type {
            // It changes where tokens are said to be, not which there are.
            case "ByteLevel": break
            case "BertProcessing", "RobertaProcessing":
                guard let start = token(step["cls"]), let end = token(step["sep"]) else {
                    throw fault("post-processor \(type) has no \"cls\" or \"sep\" with a text and an id")
                }
                ends = ([start] + ends.start, ends.end + [end])
            case "TemplateProcessing":
                let parts = try templateEnds(step, id: id)
                ends = (parts.start + ends.start, ends.end + parts.end)
            default:
                throw fault(
                    "post-processor \(quoted(type)) is not supported, expected TemplateProcessing, RobertaProcessing, "
                        + "BertProcessing, ByteLevel or Sequence")
            }
        }
        return ends
    }

    private static func templateEnds(
        _ step: JSONValue, id: (String) -> UInt32?
    ) throws(TokenizerError) -> (start: [UInt32], end: [UInt32]) {
        var ends: (start: [UInt32], end: [UInt32]) = ([], [])
        var texts: [String] = []
        for part in step["single"]?.array ?? [] {
            if let sequence = part["Sequence"] {
                texts.append(sequence["id"]?.string ?? "")
                continue
            }
            let name = part["SpecialToken"]?["id"]?.string ?? ""
            let stated = step["special_tokens"]?[name]?["ids"]?.array
            let found = stated?.map { $0.int.flatMap(UInt32.init(exactly:)) } ?? [id(name)]
            let tokens = found.compactMap { $0 }.filter { $0 < FlatLayout.largestVocabulary }
            guard !name.isEmpty, tokens.count == found.count else {
                throw fault("post-processor TemplateProcessing names the token \(quoted(name)), which has no id")
            }
            if texts.isEmpty { ends.start += tokens } else { ends.end += tokens }
        }
        guard texts == ["A"] else {
            throw fault("post-processor TemplateProcessing has not the text once in \"single\": not supported")
        }
        return ends
    }

    /// A token as a list of its text and its id.
    private static func token(_ value: JSONValue?) -> UInt32? {
        guard let id = value?.array?.last?.int, (0..<FlatLayout.largestVocabulary).contains(id) else { return nil }
        return UInt32(id)
    }
}
