import CLIP
import CLIPJSON
import CLIPSystem
import CLIPWeights

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// A head's file is safetensors. What it holds are linear layers, `NAME.weight` `[outputs, inputs]` with `NAME.bias`
/// `[outputs]`, in the order of their names, numbers counted as such. Of a head made of examples `prototypes` and `reaches` stand
/// beside them. Metadata, all texts: `format` "clip-head", `names` (a JSON list; or `labels`), `activation`, `output`, `model`
/// (the fingerprint), `logit_scale`; every other key is its card.
extension PictureHead {
    /// Reads a head, of examples or trained elsewhere.
    /// - Parameters:
    ///   - url: where its file is.
    ///   - activation: what stands between its layers, where the file doesn't say.
    /// - Throws: `CLIPError` of kind `.model` when it is no such file, or holds anything that is no linear layer.
    public init(contentsOf url: URL, activation: Activation? = nil) throws(CLIPError) {
        guard let path = PathBytes(url) else {
            throw CLIPError(.model, path: url.absoluteString, "is not a file on this machine")
        }
        try self.init(path: path, activation: activation)
    }

    package init(path: PathBytes, activation: Activation? = nil) throws(CLIPError) {
        let file = try SafetensorsFile(path)
        func fault(_ message: String) -> CLIPError { CLIPError(.model, path: path.text, message) }
        func choice<Choice: RawRepresentable<String> & CaseIterable>(_ key: String) throws(CLIPError) -> Choice? {
            guard let text = file.metadata[key] else { return nil }
            guard let value = Choice(rawValue: text.lowercased()) else {
                throw fault(
                    "its metadata says \(key) \(quoted(text)), expected one of "
                        + Choice.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return value
        }
        if let normalize = file.metadata["normalize"], normalize != "true" {
            throw fault("wants embeddings that are not of length 1, which is not supported")
        }
        let layers = try PictureHead.layers(of: file, fault)
        let declared: Activation? = try choice("activation")
        if let declared, let activation, declared != activation {
            throw fault("its metadata says activation \(declared.rawValue), not \(activation.rawValue)")
        }
        guard let between = declared ?? activation ?? (layers.count == 1 ? Activation.none : nil) else {
            throw fault(
                "has \(layers.count) layers and doesn't say what stands between them: say which of "
                    + Activation.allCases.map(\.rawValue).joined(separator: ", ") + " it was trained with")
        }
        let outputs = layers[layers.count - 1].outputs
        let names = try PictureHead.names(of: file, count: outputs, fault)
        var prototypes: [Embedding] = []
        var reaches: [Float] = []
        if file.layout(of: "prototypes") != nil {
            let (count, dimension) = (names.count, layers[0].inputs)
            let values = try PictureHead.numbers("prototypes", [count, dimension], of: file, fault)
            prototypes = (0..<count).map { Embedding(values: Array(values[$0 * dimension..<($0 + 1) * dimension])) }
            reaches = try PictureHead.numbers("reaches", [count], of: file, fault)
        }
        let scale = try file.metadata["logit_scale"].map { text throws(CLIPError) in
            guard let scale = Float(text), scale.isFinite else {
                throw fault("its metadata says logit_scale \(quoted(text)), expected a number")
            }
            return scale
        }
        let known: Set = ["format", "names", "labels", "activation", "output", "model", "logit_scale", "normalize"]
        var card = file.metadata.filter { !known.contains($0.key) }
        card["path"] = path.text
        self.init(
            names: names, layers: layers, activation: between, output: try choice("output") ?? .value,
            fingerprint: file.metadata["model"], card: card, prototypes: prototypes, reaches: reaches,
            logitScale: scale ?? 1)
    }

    /// Writes the head to a file, which appears whole or not at all.
    /// - Throws: `CLIPError` of kind `.model` when it can't be written.
    public func write(to url: URL) throws(CLIPError) {
        guard let path = PathBytes(url) else {
            throw CLIPError(.model, path: url.absoluteString, "is not a file on this machine")
        }
        try write(path: path)
    }

    package func write(path: PathBytes) throws(CLIPError) {
        var metadata = card.filter { $0.key != "path" }
        metadata["format"] = "clip-head"
        metadata["names"] = "[" + names.map { jsonString($0) }.joined(separator: ",") + "]"
        metadata["activation"] = activation.rawValue
        metadata["output"] = output.rawValue
        metadata["logit_scale"] = logitScale.description
        metadata["model"] = fingerprint
        var tensors: [(name: String, shape: [Int], values: [Float])] = []
        for (place, layer) in layers.enumerated() {
            tensors.append(("layers.\(place).weight", [layer.outputs, layer.inputs], layer.weights))
            tensors.append(("layers.\(place).bias", [layer.outputs], layer.biases))
        }
        if hasExamples {
            tensors.append(("prototypes", [names.count, dimension], prototypes.flatMap(\.values)))
            tensors.append(("reaches", [names.count], reaches))
        }
        let writer = try SafetensorsWriter(
            path, metadata: metadata,
            tensors: tensors.map { TensorDeclaration(name: $0.name, type: .f32, shape: $0.shape) })
        for tensor in tensors { try writer.write(tensor.name, tensor.values) }
        try writer.finish()
    }

    private static let mostLayers = 32

    private static func layers(
        of file: SafetensorsFile, _ fault: (String) -> CLIPError
    ) throws(CLIPError) -> [HeadLayer] {
        var rest = Set(file.names).subtracting(["prototypes", "reaches"])
        let weights = rest.filter { $0 == "weight" || $0.hasSuffix(".weight") }.sorted(by: comesBefore)
        guard !weights.isEmpty, weights.count <= mostLayers else {
            throw fault(
                "has \(weights.count) layers, expected 1 to \(mostLayers): tensors called weight, or NAME.weight")
        }
        var layers: [HeadLayer] = []
        for name in weights {
            let shape = file.layout(of: name)?.shape ?? []
            guard shape.count == 2, shape[0] > 0, shape[1] > 0 else {
                throw fault(
                    "tensor \(quoted(name)) has the shape \(shape), expected [outputs, inputs] of a linear layer")
            }
            if let last = layers.last, last.outputs != shape[1] {
                throw fault(
                    "tensor \(quoted(name)) takes \(shape[1]) numbers, the layer before it gives \(last.outputs): layers are "
                        + "taken in the order of their names")
            }
            let bias = name.dropLast("weight".count) + "bias"
            layers.append(
                HeadLayer(
                    inputs: shape[1], outputs: shape[0], weights: try numbers(name, shape, of: file, fault),
                    biases: rest.contains(String(bias))
                        ? try numbers(String(bias), [shape[0]], of: file, fault)
                        : [Float](repeating: 0, count: shape[0])))
            rest.subtract([name, String(bias)])
        }
        if let other = rest.min() {
            throw fault("tensor \(quoted(other)) belongs to no linear layer: other layers are not supported")
        }
        return layers
    }

    /// Orders names with the numbers in them as numbers: `layers.2.weight` before `layers.10.weight`.
    private static func comesBefore(_ first: String, _ second: String) -> Bool {
        func parts(_ name: String) -> [(number: Int?, text: String)] {
            name.split(separator: ".").map { (Int($0), String($0)) }
        }
        for (a, b) in zip(parts(first), parts(second)) where a.text != b.text {
            if let a = a.number, let b = b.number { return a < b }
            return a.text < b.text
        }
        return first.utf8.count < second.utf8.count
    }

    private static func numbers(
        _ name: String, _ shape: [Int], of file: SafetensorsFile, _ fault: (String) -> CLIPError
    ) throws(CLIPError) -> [Float] {
        guard let tensor = try file.tensor(name), tensor.shape == shape else {
            throw fault(
                "expected a tensor \(quoted(name)) of the shape \(shape), found \(file.layout(of: name)?.shape ?? [])")
        }
        let values = try tensor.floats()
        if let place = firstNonFinite(in: values) {
            throw fault("number \(place) of tensor \(quoted(name)) is not finite")
        }
        return values
    }

    private static func names(
        of file: SafetensorsFile, count: Int, _ fault: (String) -> CLIPError
    ) throws(CLIPError) -> [String] {
        guard let text = file.metadata["names"] ?? file.metadata["labels"] else {
            return count == 1 ? ["score"] : (0..<count).map { "output \($0)" }
        }
        let list = try? JSONValue(parsing: Array(text.utf8)).array?.compactMap(\.string)
        guard let names = list ?? nil, names.count == count, Set(names).count == count else {
            throw fault("its metadata has names \(quoted(text)), expected a JSON list of \(count) different texts")
        }
        return names
    }
}
