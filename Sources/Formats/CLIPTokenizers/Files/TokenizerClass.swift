internal import CLIPJSON

/// Whose rules count: those of tokenizer.json, or those of a class of transformers that takes only the vocabulary from
/// it, and builds the rest anew.
enum TokenizerClass: Equatable {
    /// The file's own: PreTrainedTokenizerFast, TokenizersBackend, and classes that aren't known here.
    case file
    case clip, bert, xlmRoberta, gemma, siglip2

    /// As transformers' AutoTokenizer chooses.
    /// - Parameter isByteLevel: whether the file holds CLIP's kind of vocabulary, for folders that name no class.
    init(_ files: TokenizerFiles, isByteLevel: Bool) throws(TokenizerError) {
        let configuration = try files.configurationFields()
        var name = configuration["tokenizer_class"]?.string ?? files.modelConfigurationClass
        if let stated = name, stated.hasSuffix("Fast"), stated != "PreTrainedTokenizerFast" {
            name = String(stated.dropLast(4))
        }
        // The hub's models of this type name a wrong class, which transformers doesn't heed.
        if files.modelType == "siglip2" { name = "Siglip2Tokenizer" }
        switch name {
        case "CLIPTokenizer": self = .clip
        case "BertTokenizer": self = .bert
        case "XLMRobertaTokenizer": self = .xlmRoberta
        case "GemmaTokenizer": self = .gemma
        case "Siglip2Tokenizer": self = .siglip2
        case nil where isByteLevel: self = .clip
        case nil where files.modelType == "metaclip_2": self = .xlmRoberta
        case nil where files.modelType == "chinese_clip": self = .bert
        default: self = .file
        }
    }

    /// The special tokens that no file needs to name.
    var defaults: [String: String] {
        switch self {
        case .file: [:]
        case .clip:
            [
                "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
                "pad_token": "<|endoftext|>",
            ]
        case .bert:
            [
                "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
                "mask_token": "[MASK]",
            ]
        case .xlmRoberta:
            [
                "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>", "unk_token": "<unk>",
                "pad_token": "<pad>", "mask_token": "<mask>",
            ]
        case .gemma, .siglip2:
            [
                "unk_token": "<unk>", "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>",
                "mask_token": "<mask>",
            ]
        }
    }

    /// Which kind of model the class makes of a vocabulary; nil when it takes the file's.
    private var modelType: String? {
        switch self {
        case .file: nil
        case .clip, .gemma, .siglip2: "BPE"
        case .bert: "WordPiece"
        case .xlmRoberta: "Unigram"
        }
    }

    /// Puts the class's own steps in place of the file's. A file of another kind of model keeps its steps.
    /// - Parameter names: the special tokens by name.
    func replaceSteps(
        of json: inout TokenizerJSON, configuration: [String: JSONValue], names: (String) -> String?
    ) {
        guard let modelType, json.modelFields["type"]?.string == modelType else { return }
        func step(_ type: String, _ fields: [String: JSONValue] = [:]) -> JSONValue {
            .object(fields.merging(["type": .string(type)]) { $1 })
        }
        func setting(_ key: String, default value: JSONValue) -> JSONValue {
            configuration[key].map { $0.isNull ? value : $0 } ?? value
        }
        func template(_ start: String?, _ end: String?) -> JSONValue {
            func token(_ name: String?) -> [JSONValue] {
                name.map { [.object(["SpecialToken": .object(["id": .string($0)])])] } ?? []
            }
            return step(
                "TemplateProcessing",
                ["single": .array(token(start) + [.object(["Sequence": .object(["id": .string("A")])])] + token(end))])
        }
        let unknown = names("unk_token").map { JSONValue.string($0) } ?? .null
        switch self {
        case .file, .clip: return
        case .bert:
            json.modelFields["unk_token"] = unknown
            json.modelFields["continuing_subword_prefix"] = .string("##")
            json.modelFields["max_input_chars_per_word"] = .number(100)
            json.fields["normalizer"] = step(
                "BertNormalizer",
                [
                    "clean_text": .bool(true),
                    "handle_chinese_chars": setting("tokenize_chinese_chars", default: .bool(true)),
                    "strip_accents": setting("strip_accents", default: .null),
                    "lowercase": setting("do_lower_case", default: .bool(true)),
                ])
            json.fields["pre_tokenizer"] = step("BertPreTokenizer")
            json.fields["post_processor"] = template(names("cls_token"), names("sep_token"))
        case .xlmRoberta:
            json.modelFields["unk_id"] = .number(3)
            json.modelFields["byte_fallback"] = .bool(false)
            json.fields["normalizer"] = TokenizerSteps.list(json.fields["normalizer"], "normalizers").first {
                $0["type"]?.string == "Precompiled"
            }
            let addsPrefix = setting("add_prefix_space", default: .bool(true)).bool ?? true
            json.fields["pre_tokenizer"] = step(
                "Sequence",
                [
                    "pretokenizers": .array([
                        step("WhitespaceSplit"),
                        step("Metaspace", ["prepend_scheme": .string(addsPrefix ? "always" : "never")]),
                    ])
                ])
            json.fields["post_processor"] = template(names("bos_token"), names("eos_token"))
        case .gemma, .siglip2:
            json.modelFields = [
                "type": .string("BPE"), "unk_token": unknown, "fuse_unk": .bool(true), "byte_fallback": .bool(true),
            ]
            let mark = step(
                "Replace", ["pattern": .object(["String": .string(" ")]), "content": .string("\u{2581}")])
            json.fields["normalizer"] =
                self == .gemma ? mark : step("Sequence", ["normalizers": .array([step("Lowercase"), mark])])
            json.fields["pre_tokenizer"] = step(
                "Split",
                [
                    "pattern": .object(["String": .string(" ")]), "behavior": .string("MergedWithPrevious"),
                    "invert": .bool(false),
                ])
        }
    }
}

extension TokenizerFiles {
    /// The fields of tokenizer_config.json.
    func configurationFields() throws(TokenizerError) -> [String: JSONValue] {
        guard let configuration else { return [:] }
        do throws(JSONFault) {
            return try JSONValue(parsing: configuration).object ?? [:]
        } catch {
            throw TokenizerError(file: "tokenizer_config.json", problem: "byte \(error.offset): \(error.problem)")
        }
    }

    /// - Throws: when texts are cut or filled up at the left, or special tokens in a text are no tokens.
    func refuseOtherSides() throws(TokenizerError) {
        let fields = try configurationFields()
        func fault(_ key: String, _ problem: String) -> TokenizerError {
            TokenizerError(file: "tokenizer_config.json", problem: "\(key) \(problem): not supported")
        }
        if fields["truncation_side"]?.string == "left" { throw fault("truncation_side", "is left") }
        if fields["split_special_tokens"]?.bool ?? false { throw fault("split_special_tokens", "is true") }
    }
}
