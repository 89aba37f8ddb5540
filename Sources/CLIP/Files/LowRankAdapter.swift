internal import CLIPJSON
internal import CLIPSystem
internal import CLIPWeights

/// A LoRA adapter that peft saved beside the weights that it adapts (Hu et al., 2021): W + s · B · A for each linear layer
/// of its own, merged while the layer is read.
struct LowRankAdapter: Sendable {
    /// What is added to one linear layer, or to a table, whose rows are outputs.
    struct Module: Sendable {
        /// `[rank, inputs]`.
        let down: StoredTensor
        /// `[outputs, rank]`.
        let up: StoredTensor
        let scale: Float
    }

    /// The configuration's bytes, which count for the fingerprint.
    let configuration: [UInt8]
    let checkpoint: Checkpoint
    /// The layers by the names that their modules have in the model, such as `text_model.encoder.layers.0.mlp.fc1`.
    private let modules: [String: Module]
    /// Tensors that stand for the model's own, by their names there.
    private let replacements: [String: StoredTensor]

    static let configurationName = "adapter_config.json"
    static let weightNames = ["adapter_model.safetensors", "adapter_model.bin"]

    /// The adapter in a model's folder; nil when there is none.
    /// - Throws: `CLIPError` when one of its two files is missing or damaged, or it is of another kind, named in the message.
    init?(in folder: ModelFolder) throws(CLIPError) {
        let weightsName = try folder.first(of: LowRankAdapter.weightNames)
        guard let json = try folder.readText(LowRankAdapter.configurationName) else {
            guard let weightsName else { return nil }
            throw CLIPError(
                .model, path: folder.path(of: weightsName),
                "lies beside the model without its \(LowRankAdapter.configurationName): put that beside it, or take the "
                    + "adapter away")
        }
        let path = folder.path(of: LowRankAdapter.configurationName)
        let settings = try AdapterSettings(jsonObject(json, path: path), path: path)
        guard let weightsName else {
            throw CLIPError(
                .model, path: path,
                "lies beside the model without \(LowRankAdapter.weightNames.joined(separator: " or ")): put the adapter's "
                    + "weights beside it, or take it away")
        }
        let checkpoint = try Checkpoint(file: folder.location(of: weightsName))
        self.configuration = json
        self.checkpoint = checkpoint
        (modules, replacements) = try LowRankAdapter.parts(of: checkpoint, settings)
    }

    /// How many linear layers it adapts.
    var moduleCount: Int { modules.count }

    /// What is added to the layer `key`, which the checkpoint calls `name`.
    func module(of key: String, named name: String) -> Module? {
        modules[LowRankAdapter.module(name)] ?? modules[LowRankAdapter.module(key)]
    }

    /// What stands for the tensor `name` of the model.
    func replacement(of name: String) throws(CLIPError) -> StoredTensor? { replacements[name] }

    /// The first of this adapter's tensors that belongs to none of the linear layers and tensors of the model.
    /// - Parameter keys: the linear layers', and the names that the checkpoint has for them.
    func unusedTensor(layers: [(key: String, name: String)], tensors: Set<String>) -> String? {
        let used = Set(layers.flatMap { [LowRankAdapter.module($0.key), LowRankAdapter.module($0.name)] })
        let unused = modules.filter { !used.contains($0.key) }.map(\.value.down.name)
        return (unused + replacements.filter { !tensors.contains($0.key) }.map(\.value.name)).min()
    }

    private static func module(_ name: String) -> String {
        name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : name
    }

    /// Sorts the tensors by what they do.
    private static func parts(
        of checkpoint: Checkpoint, _ settings: AdapterSettings
    ) throws(CLIPError) -> (modules: [String: Module], replacements: [String: StoredTensor]) {
        var matrices: [String: StoredTensor] = [:]
        var replacements: [String: StoredTensor] = [:]
        for name in checkpoint.names {
            let found = try checkpoint.tensor(name)
            guard let tensor = found else { continue }
            let own = name.hasPrefix("base_model.model.") ? String(name.dropFirst("base_model.model.".count)) : name
            if own.hasSuffix(".lora_A.weight") || own.hasSuffix(".lora_B.weight"), tensor.shape.count == 2 {
                matrices[own] = tensor
            } else if !own.contains("lora_"), settings.replaces(own) {
                replacements[own.replacing(".base_layer.", with: ".")] = tensor
            } else {
                throw CLIPError(
                    .model, path: checkpoint.path,
                    "tensor \(quoted(tensor.name)) is no LoRA of a linear layer, and nothing else of an adapter is merged here: "
                        + "merge the adapter with peft (merge_and_unload) and save the whole model")
            }
        }
        var modules: [String: Module] = [:]
        for (name, tensor) in matrices {
            let module = String(name.dropLast(".lora_A.weight".count))
            guard let down = matrices[module + ".lora_A.weight"], let up = matrices[module + ".lora_B.weight"] else {
                throw CLIPError(
                    .model, path: checkpoint.path,
                    "tensor \(quoted(tensor.name)) has no other half (lora_A and lora_B): the adapter is incomplete, fetch it "
                        + "again")
            }
            guard settings.targets(module) else {
                throw CLIPError(
                    .model, path: checkpoint.path,
                    "tensor \(quoted(tensor.name)) adapts a module that \(configurationName) doesn't name in target_modules: "
                        + "the two files are not of one adapter")
            }
            modules[module] = Module(
                down: down, up: up, scale: try settings.scale(of: module, rank: down.shape[0]))
        }
        return (modules, replacements)
    }
}

extension LowRankAdapter.Module {
    /// What is added to some rows.
    func rows(_ range: Range<Int>) -> LowRankAdapter.Module {
        LowRankAdapter.Module(down: down, up: up.rows(range), scale: scale)
    }

    /// Adds s · B · A to the numbers of a layer, `[outputs, inputs]`.
    func add(to numbers: inout [Float], outputs: Int, inputs: Int) throws(CLIPError) {
        let rank = down.shape.first ?? 0
        guard down.shape == [rank, inputs] else { throw CLIPError(down, expected: [rank, inputs]) }
        guard up.shape == [outputs, rank] else { throw CLIPError(up, expected: [outputs, rank]) }
        let (down, up) = (try down.finiteFloats(), try up.finiteFloats())
        var product = [Float](repeating: 0, count: inputs)
        for row in 0..<outputs {
            for column in product.indices { product[column] = 0 }
            for index in 0..<rank {
                let factor = up[row * rank + index]
                for column in 0..<inputs { product[column] += factor * down[index * inputs + column] }
            }
            for column in 0..<inputs { numbers[row * inputs + column] += scale * product[column] }
        }
    }
}

/// What adapter_config.json says, refused where it asks for more than W + s · B · A on linear layers.
private struct AdapterSettings {
    private let path: String
    private let rank: Int
    private let alpha: Double
    private let ranks: [String: Double]
    private let alphas: [String: Double]
    private let isStabilised: Bool
    /// The last parts of the modules' names; nil for a pattern, whose meaning shows in the tensors.
    private let targetNames: [String]?
    private let savedModules: [String]
    private let replacesBiases: Bool

    /// Fields that change nothing once the adapter is trained.
    private static let harmless: Set<String> = [
        "alora_invocation_string", "auto_mapping", "base_model_name_or_path", "corda_config", "ensure_weight_tying",
        "eva_config", "exclude_modules", "fan_in_fan_out", "inference_mode", "layers_pattern", "layers_to_transform",
        "loftq_config", "lora_dropout", "lora_ga_config", "megatron_core", "peft_version", "qalora_group_size",
        "revision",
        "runtime_config", "task_type",
    ]
    private static let known: Set<String> = [
        "peft_type", "r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora", "target_modules", "bias",
        "modules_to_save", "init_lora_weights",
    ]

    init(_ fields: [String: JSONValue], path: String) throws(CLIPError) {
        self.path = path
        var section = ConfigSection(path: path, source: LowRankAdapter.configurationName, fields: fields)
        let type = try section.text("peft_type")
        guard type == "LORA" else {
            let found =
                type.map { "is a \(String($0.unicodeScalars.prefix(40))) adapter" } ?? "doesn't name its peft_type"
            throw CLIPError(
                .model, path: path,
                "\(found), expected LORA: merge the adapter with peft (merge_and_unload) and save the whole model")
        }
        // use_dora, lora_bias, layer_replication and whatever comes after them: said only where it is not off.
        for (name, value) in fields.sorted(by: { $0.key < $1.key })
        where !Self.harmless.contains(name) && !Self.known.contains(name) && !AdapterSettings.isOff(value) {
            throw CLIPError(
                .model, path: path,
                "asks for \(quoted(name)), which is not known here: merge the adapter with peft (merge_and_unload) and save the "
                    + "whole model")
        }
        // Other beginnings change the weights that the adapter is added to.
        if let start = section.present("init_lora_weights"), start.bool == nil,
            !["gaussian", "orthogonal", "eva"].contains(start.string ?? "")
        {
            throw section.fault("init_lora_weights", start, expected: "true, false, gaussian, orthogonal or eva")
        }
        rank = try section.int("r", named: "rank", default: 8, in: 1...1 << 16)
        alpha = try section.double("lora_alpha", default: 8, in: -1e6...1e6)
        isStabilised = try section.flag("use_rslora", default: false)
        ranks = try AdapterSettings.pattern("rank_pattern", section)
        alphas = try AdapterSettings.pattern("alpha_pattern", section)
        targetNames = section.present("target_modules")?.array?.compactMap(\.string)
        savedModules = section.present("modules_to_save")?.array?.compactMap(\.string) ?? []
        replacesBiases = try section.text("bias") ?? "none" != "none"
    }

    /// Whether a tensor of the adapter stands for the model's own.
    func replaces(_ name: String) -> Bool {
        if replacesBiases && name.hasSuffix(".bias") { return true }
        guard let dot = name.lastIndex(of: ".") else { return false }
        return savedModules.contains { AdapterSettings.matches($0, String(name[..<dot])) }
    }

    func targets(_ module: String) -> Bool {
        targetNames.map { $0.contains { AdapterSettings.matches($0, module) } } ?? true
    }

    /// What B · A is multiplied by (`lora_alpha` / r, with `use_rslora` / √r).
    func scale(of module: String, rank found: Int) throws(CLIPError) -> Float {
        let rank = ranks.first { AdapterSettings.matches($0.key, module) }?.value ?? Double(rank)
        let alpha = alphas.first { AdapterSettings.matches($0.key, module) }?.value ?? alpha
        guard rank == Double(found) else {
            throw CLIPError(
                .model, path: path,
                "gives \(quoted(module)) the rank \(Int(rank)), its tensors have \(found): the two files are not of one adapter"
            )
        }
        return Float(alpha / (isStabilised ? rank.squareRoot() : rank))
    }

    /// Whether `module` is called so, or ends so.
    private static func matches(_ name: String, _ module: String) -> Bool {
        module == name || module.hasSuffix("." + name)
    }

    private static func isOff(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false): true
        case .array(let elements): elements.isEmpty
        case .object(let fields): fields.isEmpty
        case .bool, .number, .string: false
        }
    }

    /// Numbers by the names of modules, which are regular expressions in peft: here only those that are plain names.
    private static func pattern(_ key: String, _ section: ConfigSection) throws(CLIPError) -> [String: Double] {
        guard let value = section.present(key) else { return [:] }
        var numbers: [String: Double] = [:]
        for (name, number) in value.object ?? ["": .null] {
            let isPlain = !name.isEmpty && name.utf8.allSatisfy { !"^$*+?()[]{}|\\".utf8.contains($0) }
            guard isPlain, let number = number.double, (1e-6...1e6).contains(number) else {
                throw section.fault(key, value, expected: "numbers by plain names of modules, without patterns")
            }
            numbers[name] = number
        }
        return numbers
    }
}
