public import CLIP
import CLIPSystem

/// A few layers on top of the embedding of a picture: labels learnt from examples, or a score that somebody has trained.
///
/// A head made of examples (`init(model:labels:examples:words:regressionC:)`) classifies pictures like a `ZeroShotClassifier`.
/// One that was trained elsewhere, such as for taste or to filter, gives its values (`values(for:)`). What such a head says is a
/// judgement, of those who chose and marked its pictures: look at what it picks out before acting on it.
/// ```swift
/// let head = try PictureHead(model: model, labels: ["rex", "mia"], examples: [rexes, mias])
/// print(head.classify(try model.embed(picture)).labels[0].label)
/// try head.write(to: URL(filePath: "pets.safetensors"))
/// ```
public struct PictureHead: Sendable {
    /// What stands between two layers.
    public enum Activation: String, Sendable, CaseIterable {
        /// Nothing: the layers are one in effect.
        case none
        /// max(x, 0).
        case relu
        /// x · Φ(x), exactly.
        case gelu
        /// The hyperbolic tangent.
        case tanh
    }

    /// What becomes of the last layer's numbers.
    public enum Output: String, Sendable, CaseIterable {
        /// They are the values.
        case value
        /// σ(x) of each by itself.
        case sigmoid
        /// Their softmax: shares among the outputs.
        case softmax
    }

    /// What the outputs are called: labels, or what is scored.
    public let names: [String]
    /// The number of values in an embedding that it takes.
    public let dimension: Int
    /// What stands between its layers.
    public let activation: Activation
    /// What becomes of the last layer's numbers.
    public let output: Output
    /// `CLIPModel.fingerprint` of the model that it belongs to; nil where its file doesn't say.
    public let fingerprint: String?
    /// What its file says of it besides: its card.
    public let card: [String: String]

    let layers: [HeadLayer]
    /// Of a head made of examples, the mean of each label's, of length 1; else empty.
    let prototypes: [Embedding]
    /// Of a head made of examples, for each label the least cosine of one of its examples with the mean of its others.
    let reaches: [Float]
    /// What cosines are multiplied by to weigh a label alone.
    let logitScale: Float

    init(
        names: [String], layers: [HeadLayer], activation: Activation, output: Output, fingerprint: String?,
        card: [String: String], prototypes: [Embedding] = [], reaches: [Float] = [], logitScale: Float = 1
    ) {
        self.names = names
        self.layers = layers
        self.activation = activation
        self.output = output
        self.fingerprint = fingerprint
        self.card = card
        self.prototypes = prototypes
        self.reaches = reaches
        self.logitScale = logitScale
        dimension = layers[0].inputs
    }

    /// Whether it was made of examples, and so classifies.
    public var hasExamples: Bool { !prototypes.isEmpty }

    /// Of a head made of examples, the mean of each label's, of length 1: what cosines with its labels are with.
    public var means: [(label: String, embedding: Embedding)] {
        zip(names, prototypes).map { (label: $0, embedding: $1) }
    }

    /// The values of a picture, one per name. The embedding is taken at length 1.
    /// - Precondition: `picture` is by the model that the head belongs to.
    /// - Complexity: O(the numbers in its layers).
    public func values(for picture: Embedding) -> [Float] { values(of: logits(picture)) }

    func values(of logits: [Double]) -> [Float] {
        switch output {
        case .value: return logits.map { Float($0) }
        case .sigmoid: return logits.map { Float(1 / (1 + exp(-$0))) }
        case .softmax:
            let largest = logits.max() ?? 0
            let powers = logits.map { exp($0 - largest) }
            let sum = powers.reduce(0, +)
            return powers.map { Float($0 / sum) }
        }
    }

    func logits(_ picture: Embedding) -> [Double] {
        var values = picture.normalized().values.map { Double($0) }
        for (place, layer) in layers.enumerated() {
            values = layer.apply(values)
            if place < layers.count - 1 { values = values.map(activation.apply) }
        }
        return values
    }

    /// Refuses a model other than the one that the head belongs to, or, where it doesn't say, one of other embeddings.
    /// - Throws: `CLIPError` of kind `.model` that names both.
    public func check(_ model: CLIPModel) throws(CLIPError) {
        try check(fingerprint: model.fingerprint, dimension: model.embeddingDimension, name: model.info.path)
    }

    /// Refuses an index of embeddings of another model.
    /// - Throws: `CLIPError` of kind `.model` that names both.
    public func check(_ index: PictureIndex) throws(CLIPError) {
        try check(fingerprint: index.fingerprint, dimension: index.dimension, name: index.modelName)
    }

    private func check(fingerprint: String, dimension: Int, name: String) throws(CLIPError) {
        let source = card["path"] ?? "the head"
        if let own = self.fingerprint, own != fingerprint {
            throw CLIPError(
                .model, path: source,
                "belongs to model \(card["model_name"] ?? "unnamed") (\(own.prefix(12))…), not to \(name) (\(fingerprint.prefix(12))…): "
                    + "what it learnt of one model's embeddings says nothing of another's")
        }
        guard self.dimension == dimension else {
            throw CLIPError(
                .model, path: source,
                "takes embeddings of \(self.dimension) numbers, those of \(name) have \(dimension): it belongs to another model"
            )
        }
    }
}

/// y = W x + b.
struct HeadLayer: Sendable {
    let inputs: Int
    let outputs: Int
    /// `[outputs, inputs]`.
    let weights: [Float]
    /// `[outputs]`.
    let biases: [Float]

    func apply(_ values: [Double]) -> [Double] {
        weights.withUnsafeBufferPointer { weights in
            (0..<outputs).map { output in
                var sum = Double(biases[output])
                for input in 0..<inputs { sum += Double(weights[output * inputs + input]) * values[input] }
                return sum
            }
        }
    }
}

extension PictureHead.Activation {
    func apply(_ value: Double) -> Double {
        switch self {
        case .none: value
        case .relu: max(0, value)
        case .gelu: 0.5 * value * (1 + erf(value / 2.0.squareRoot()))
        case .tanh: CLIPSystem.tanh(value)
        }
    }
}
