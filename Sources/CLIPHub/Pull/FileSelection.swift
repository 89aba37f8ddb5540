internal import CLIPWeights

/// Which of a repository's files a model needs: one set of weights, and what says how to use them.
struct FileSelection {
    /// The files at the repository's top.
    private let names: Set<String>

    init(_ paths: [String]) {
        names = Set(paths.filter { !$0.utf8.contains(UInt8(ascii: "/")) })
    }

    /// What is fetched first: configuration, tokenizer, card and licence.
    var smallFiles: [String] {
        let licences = names.filter { $0.uppercased().hasPrefix("LICEN") }
        return sorted(names.intersection(FileSelection.configurations).union(licences))
    }

    private static let configurations: Set<String> = [
        "config.json", "open_clip_config.json", "preprocessor_config.json", "processor_config.json",
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
        "merges.txt", "vocab.txt", "spiece.model", "tokenizer.model", "sentencepiece.bpe.model", "README.md",
        "model_card.json",
    ]

    /// The weights to fetch, the safest layout that there is first: files of tensors alone before pickles.
    ///
    /// - Parameter isTransformers: whether config.json is of Hugging Face's transformers; other libraries have one too,
    ///   beside weights of their own under the same names.
    /// - Throws: `HubError` when there are none, several to choose from, or only some of the parts.
    func weights(isTransformers: Bool, subject: String) throws(HubError) -> [String] {
        if isTransformers {
            if let files = try whole("model", "safetensors", subject) { return files }
        }
        if names.contains("open_clip_config.json") {
            for name in Checkpoint.openCLIPNames where name != "model.safetensors" || !names.contains("config.json") {
                if names.contains(name) { return [name] }
            }
        }
        if isTransformers, let files = try whole("pytorch_model", "bin", subject) { return files }
        let pickles = ["open_clip_pytorch_model.bin", "pytorch_model.bin"]
        if names.contains("open_clip_config.json"), let name = pickles.first(where: names.contains) { return [name] }
        for suffix in [".clip", ".gguf", ".pt"] {
            let found = sorted(names.filter { $0.hasSuffix(suffix) })
            if found.count > 1 {
                throw HubError(
                    .argument, subject,
                    "holds \(found.count) models, choose one with \"--file\": "
                        + found.prefix(8).joined(separator: ", ") + (found.count > 8 ? ", …" : ""))
            }
            if let name = found.first { return [name] }
        }
        throw none(subject)
    }

    /// The files that were asked for by name.
    func chosen(_ wanted: [String], subject: String) throws(HubError) -> [String] {
        for name in wanted where !names.contains(name) {
            let suffixes = [".safetensors", ".bin", ".clip", ".gguf", ".pt"]
            let others = sorted(names.filter { name in suffixes.contains { name.hasSuffix($0) } })
            throw HubError(
                .notFound, subject,
                "has no file \(quoted(name)): it has "
                    + (others.isEmpty ? "no weights" : others.prefix(8).joined(separator: ", ")))
        }
        return sorted(Set(wanted))
    }

    /// `NAME.SUFFIX`, else its index and all of its parts, `NAME-00001-of-00003.SUFFIX`.
    private func whole(_ name: String, _ suffix: String, _ subject: String) throws(HubError) -> [String]? {
        if names.contains("\(name).\(suffix)") { return ["\(name).\(suffix)"] }
        let index = "\(name).\(suffix).index.json"
        guard names.contains(index) else { return nil }
        let parts = sorted(names.filter { $0.hasPrefix("\(name)-") && $0.hasSuffix(".\(suffix)") })
        let words = parts.first?.dropLast(suffix.count + 1).split(separator: "-") ?? []
        guard words.count == 4, words[2] == "of", let count = Int(words[3]), count == parts.count else {
            throw HubError(
                .notFound, subject, "has \(index), but only \(parts.count) parts of \(name): it is incomplete")
        }
        return [index] + parts
    }

    private func none(_ subject: String) -> HubError {
        let other = [".h5", ".msgpack", ".onnx", ".npz", ".ot", ".mlmodel"].first { suffix in
            names.contains { $0.hasSuffix(suffix) }
        }
        let found = other.map { ", only a \($0) file, which clip can't read" } ?? ""
        return HubError(
            .notFound, subject,
            "holds no weights\(found): expected model.safetensors, open_clip_model.safetensors, "
                + "pytorch_model.bin, a .gguf, .pt or .clip file at its top")
    }

    private func sorted(_ names: Set<String>) -> [String] {
        names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
