internal import CLIPJSON
package import CLIPSystem

/// The tensors of a model, one view over one or many files.
///
/// Wrappers prefix their keys: `state_dict.`, `module.`, `clip.` and `model.` are taken off, so that `clip.logit_scale` is
/// found as `logit_scale`, and so is torch.compile's `_orig_mod.` wherever it stands. A key is left as it is where taking
/// them off would make two tensors one.
package struct Checkpoint: Sendable {
    /// How a Hugging Face folder may hold its weights, first choice first.
    package static let huggingFaceNames = [
        "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
    ]
    /// How an open_clip folder may hold its weights, first choice first.
    package static let openCLIPNames = [
        "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin",
        "open_clip_pytorch_model.pth", "model.safetensors", "pytorch_model.bin",
    ]

    /// The files behind it, in the order of their names.
    package let files: [any TensorFile]
    /// The tensor names without wrapper prefixes, in the order of files and data.
    package let names: [String]
    /// The `__metadata__` of the files; of two values for one key the first file's.
    package let metadata: [String: String]
    private let places: [String: (file: Int, name: String)]

    /// Opens one file, whatever its format; flat `.clip` files are safetensors too.
    package init(file location: PathBytes) throws(CLIPError) {
        self.init([try openTensorFile(location)], wanted: nil)
    }

    /// Opens the first of `candidates` in a model folder; a name that ends in `.index.json` brings its shards.
    ///
    /// - Throws: if there is none of them, a shard is missing, or a file is broken.
    package init(folder: PathBytes, candidates: [String] = huggingFaceNames) throws(CLIPError) {
        let modelFolder = ModelFolder(folder)
        guard let name = try modelFolder.first(of: candidates) else {
            throw try Checkpoint.noWeights(in: folder, candidates: candidates)
        }
        if name.hasSuffix(".index.json") {
            try self.init(index: name, in: modelFolder)
        } else {
            try self.init(file: modelFolder.location(of: name))
        }
    }

    private init(index: String, in folder: ModelFolder) throws(CLIPError) {
        let indexPath = folder.path(of: index)
        guard let json = try folder.readText(index) else {
            throw CLIPError(.model, path: indexPath, "is gone")
        }
        let shards = try ShardIndex(json: json, path: indexPath).shards
        let fileNames = Set(shards.values).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var missing: [String] = []
        for name in fileNames {
            if try !folder.contains(name) { missing.append(name) }
        }
        if let name = missing.first {
            throw CLIPError(
                .model, path: folder.path(of: name),
                "this shard is missing (\(missing.count) of \(fileNames.count) are), \(index) names it: "
                    + "the download is incomplete, fetch it again")
        }
        var files: [any TensorFile] = []
        var wanted: [Set<String>] = []
        var numbers: [String: Int] = [:]
        for name in fileNames {
            let file = try openTensorFile(folder.location(of: name))
            numbers[name] = files.count
            files.append(file)
            wanted.append([])
        }
        for (tensor, shard) in shards {
            if let number = numbers[shard] { wanted[number].insert(tensor) }
        }
        for (file, tensors) in zip(files, wanted) {
            if let name = tensors.subtracting(file.names).min() {
                throw CLIPError(
                    .model, path: file.file.path,
                    "has no tensor \(quoted(name)), which \(index) expects here: fetch both again")
            }
        }
        self.init(files, wanted: wanted)
    }

    /// - Parameter wanted: per file the tensors that count, nil for all.
    private init(_ files: [any TensorFile], wanted: [Set<String>]?) {
        var keys: [(file: Int, name: String)] = []
        for (number, file) in files.enumerated() {
            for name in file.names where wanted?[number].contains(name) ?? true { keys.append((number, name)) }
        }
        var uses: [String: Int] = [:]
        for key in keys { uses[Checkpoint.strippingWrappers(key.name), default: 0] += 1 }
        var places: [String: (file: Int, name: String)] = [:]
        var names: [String] = []
        for key in keys {
            let short = Checkpoint.strippingWrappers(key.name)
            let name = uses[short] == 1 ? short : key.name
            places[name] = key
            names.append(name)
        }
        var metadata: [String: String] = [:]
        for file in files { metadata.merge(file.metadata) { first, _ in first } }
        self.files = files
        self.names = names
        self.places = places
        self.metadata = metadata
    }

    /// The tensors of both.
    func joined(_ other: Checkpoint) -> Checkpoint { Checkpoint(files + other.files, wanted: nil) }

    /// The tensor `name` (without wrapper prefixes), nil if there is none.
    ///
    /// - Throws: if its element type is unknown.
    package func tensor(_ name: String) throws(CLIPError) -> StoredTensor? {
        guard let place = places[name] else { return nil }
        return try files[place.file].tensor(place.name)
    }

    /// What the files say of the tensor `name` (without wrapper prefixes), nil if there is none.
    package func layout(of name: String) -> TensorLayout? {
        places[name].flatMap { files[$0.file].layout(of: $0.name) }
    }

    /// Whether there is a tensor `name` (without wrapper prefixes).
    package func contains(_ name: String) -> Bool { places[name] != nil }

    /// What to call these weights in a message: the file, or the first of the shards.
    package var path: String { files[0].file.path }

    private static let wrappers = ["state_dict.", "module.", "clip.", "model."].map { Array($0.utf8) }

    private static func strippingWrappers(_ name: String) -> String {
        if name.utf8.contains(UInt8(ascii: "_")),
            case let parts = name.split(separator: ".", omittingEmptySubsequences: false),
            parts.dropLast().contains("_orig_mod")
        {
            return strippingWrappers(parts.filter { $0 != "_orig_mod" }.joined(separator: "."))
        }
        var rest = name.utf8[...]
        while let prefix = wrappers.first(where: { rest.starts(with: $0) }), rest.count > prefix.count {
            rest = rest.dropFirst(prefix.count)
        }
        return rest.startIndex == name.startIndex ? name : String(Substring(rest))
    }

    private static func noWeights(
        in folder: PathBytes, candidates: [String]
    ) throws(CLIPError) -> CLIPError {
        guard try folder.found(.model)?.kind == .folder else {
            return CLIPError(.model, path: folder.text, "is not a folder that can be read")
        }
        let contents = try entryNames(of: folder)
        if let name = contents.first(where: { candidates.contains($0) }) {
            return CLIPError(
                .model, path: folder.appending(name).text,
                "is not a file, or a link to one that is missing: the download is incomplete, fetch it again")
        }
        let expected = candidates.joined(separator: " or ")
        let others = [".h5", ".msgpack", ".onnx", ".npz", ".gguf", ".pt", ".pth", ".bin", ".ckpt", ".safetensors"]
        let other = contents.first { name in others.contains { name.hasSuffix($0) } }
        let found = other.map { ", found \(quoted($0))" } ?? ""
        return CLIPError(
            .model, path: folder.text, "has no weights, expected \(expected)\(found): fetch the whole model")
    }
}

/// `model.safetensors.index.json`: which shard holds which tensor.
private struct ShardIndex {
    /// The shard file of each tensor name.
    var shards: [String: String] = [:]

    /// - Throws: if the text is not an index or a shard's name leads out of the folder.
    init(json: [UInt8], path: String) throws(CLIPError) {
        try read(json, path)
        guard !shards.isEmpty else {
            throw CLIPError(.model, path: path, "has no \"weight_map\" with tensors in it, fetch it again")
        }
        if let name = Set(shards.values).filter({ !Path.staysInside($0) }).min() {
            throw CLIPError(
                .model, path: path, "names the shard \(quoted(name)), expected a file inside the model's folder")
        }
    }

    private mutating func read(_ json: [UInt8], _ path: String) throws(CLIPError) {
        var scanner = JSONScanner(json, at: JSONPlace(path))
        var isFirst = true
        try scanner.openObject()
        while let key = try scanner.nextKey(&isFirst) {
            guard key == "weight_map" else {
                try scanner.skipValue()
                continue
            }
            var isFirstTensor = true
            try scanner.openObject()
            while let tensor = try scanner.nextKey(&isFirstTensor) {
                guard shards.updateValue(try scanner.string(), forKey: tensor) == nil else {
                    throw scanner.fault("tensor \(quoted(tensor)) is there twice")
                }
            }
        }
        try scanner.end()
    }
}

/// Opens the file by what it holds: a PyTorch zip archive, GGUF, else safetensors.
private func openTensorFile(_ location: PathBytes) throws(CLIPError) -> any TensorFile {
    let file = try MappedFile(location, kind: .model)
    if file.bytes.starts(with: ZipArchive.signature) { return try PyTorchFile(file) }
    if file.bytes.starts(with: GGUFFile.signature) { return try GGUFFile(file) }
    return try SafetensorsFile(file)
}
