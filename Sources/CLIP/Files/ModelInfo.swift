internal import CLIPSystem
internal import CLIPWeights

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// What is known of a model without touching its weights.
public struct ModelInfo: Sendable {
    package let location: PathBytes
    /// The shape of the two encoders. Of a model that holds one encoder, the other's is without meaning.
    package let configuration: ModelConfiguration
    /// How pictures are resized, cropped and normalised.
    package let preprocessing: PreprocessingConfiguration
    /// Whether pictures can be embedded: the weights hold an image encoder.
    public let hasImageEncoder: Bool
    /// Whether texts can be embedded: the weights hold a text encoder.
    public let hasTextEncoder: Bool
    /// The logarithm of `logitScale`, as weights store it.
    let logitScaleLogarithm: Float
    /// What is added to scaled cosines before a sigmoid, in models that were trained with one (SigLIP); nil in others.
    public let logitBias: Float?
    /// Every setting that was resolved while loading, where it came from, and what is risky about it. A `.clip` file
    /// keeps the settings of the model that it was packed from.
    public let settings: [ModelSetting]
    /// Provenance, licence and limits, if the file carries them.
    public let card: ModelCard?
    /// How the weights are stored: `f32`, `f16`, `bf16`, or several of them.
    public let weightTypes: [String]
    /// The size of the weights' files, in bytes.
    public let byteCount: Int
    /// Whether it is a `.clip` file.
    let isPacked: Bool
    /// The narrowest type that the weights were rounded to on their way here.
    let precision: WeightType

    /// The number of values in an embedding.
    public var embeddingDimension: Int { configuration.embeddingDimension }
    /// The side in pixels of the square that the image encoder takes; where pictures keep their shape, of the largest.
    public var imageSize: Int { preprocessing.cropSize }
    /// Whether pictures keep their shape unless a fit is asked for, as in SigLIP 2's NaFlex.
    public var keepsShape: Bool { preprocessing.patches != nil }
    /// The length in pixels that the shortest edge of a picture is resized to, before the square is cut out of it.
    public var resizedEdge: Int { preprocessing.resizeSize }
    /// The most tokens that the text encoder takes.
    public var contextLength: Int { configuration.text.contextLength }
    /// Where the model was loaded from.
    public var url: URL { location.url }
    /// What to call the model in a message.
    package var path: String { location.text }

    /// The factor on cosines before a softmax: the exponential of the stored `logit_scale`, 100 in OpenAI's models.
    public var logitScale: Float { logitFactor(logitScaleLogarithm) }

    /// Those of the settings about which two files of the model's folder say different things, with what follows from the
    /// choice as their warnings. A `.clip` file has none.
    public var contradictions: [ModelSetting] {
        isPacked
            ? []
            : settings.filter {
                $0.warning != nil && [ModelSetting.configuration, ModelSetting.pictures].contains($0.name)
            }
    }

    /// The number of weights of the encoders that are there.
    public var weightCount: Int { (hasImageEncoder ? imageWeightCount : 0) + (hasTextEncoder ? textWeightCount : 0) }
    /// The number of weights that the image encoder has by its configuration.
    package var imageWeightCount: Int { configuration.imageTensors.reduce(0) { $0 + $1.count } }
    /// The number of weights that the text encoder has by its configuration.
    package var textWeightCount: Int { configuration.textTensors.reduce(0) { $0 + $1.count } }

    /// The tensors of those encoders in `parts` that are there, the image encoder's first.
    func tensors(of parts: ModelParts = .all) -> [ModelTensor] {
        (hasImageEncoder && parts.holdImages ? configuration.imageTensors : [])
            + (hasTextEncoder && parts.holdTexts ? configuration.textTensors : [])
    }
}

/// The encoders of a model.
public enum ModelParts: String, Sendable, CaseIterable {
    /// The image encoder and the text encoder.
    case all
    /// The image encoder alone.
    case images
    /// The text encoder alone.
    case texts

    var holdImages: Bool { self != .texts }
    var holdTexts: Bool { self != .images }
}

/// How weights are stored. Arithmetic is in 32-bit floats, with int16 and int8 weights in whole numbers where the time
/// goes.
public enum WeightType: String, Sendable, CaseIterable {
    /// 32-bit floats: exact.
    case float32 = "f32"
    /// 16-bit floats: half the size.
    case float16 = "f16"
    /// Whole numbers of 13 bits in 16, with a scale for each output of a layer: half the size, about as exact as f16, and
    /// computed with up to twice as fast as floats. Token embeddings stay f16.
    case int16
    /// 8-bit whole numbers with a scale for each output of a layer: a quarter of f32's size, and several times its speed.
    /// The last projections are int16, token embeddings f16.
    case int8
}

extension WeightType {
    /// How weights of this type are declared in a file.
    var elementType: ElementType {
        switch self {
        case .float32: .f32
        case .float16: .f16
        case .int16: .i16
        case .int8: .i8
        }
    }

    /// How `tensor` is declared. Beside whole numbers token embeddings stay floats. In an int8 file only what takes time
    /// and space is int8, the matrices of the layers and the patch embedding: the others are int16.
    func elementType(of tensor: ModelTensor) -> ElementType {
        switch self {
        case .float32, .float16: elementType
        case .int16: tensor.isMatrix ? .i16 : .f16
        case .int8: tensor.isQuantisable ? .i8 : tensor.isMatrix ? .i16 : .f16
        }
    }

    /// Whether matrices are whole numbers.
    var isWhole: Bool { self == .int16 || self == .int8 }

    /// The one of the two that rounds more.
    func narrower(_ other: WeightType) -> WeightType { leastCosine <= other.leastCosine ? self : other }

    /// The least cosine of embeddings by these weights to those by the original weights.
    var leastCosine: Float {
        switch self {
        case .float32: 0.999999
        case .float16: 0.9999
        case .int16: 0.99999
        case .int8: 0.99
        }
    }
}

extension ModelInfo {
    /// Weights that packing in a type would give more room than they have: no more exact for it.
    package struct Widening {
        /// What they are stored as.
        package let types: [String]
        /// Whether no weights are as wide as that.
        package let isOfAll: Bool
        /// The type that keeps them as small as they are.
        package let widest: WeightType
    }

    /// nil where none gets more room.
    package func widening(to type: WeightType) -> Widening? {
        let narrow = weightTypes.filter { ModelInfo.bits(of: $0) < ModelInfo.bits(of: type.rawValue) }
        guard !narrow.isEmpty,
            let widest = weightTypes.max(by: { ModelInfo.bits(of: $0) < ModelInfo.bits(of: $1) })
        else { return nil }
        return Widening(
            types: narrow, isOfAll: ModelInfo.bits(of: widest) < ModelInfo.bits(of: type.rawValue),
            widest: WeightType(rawValue: widest) ?? .int8)
    }

    /// Bits that a stored weight takes.
    private static func bits(of type: String) -> Int {
        switch type {
        case "f32": 32
        case "f16", "bf16", "int16": 16
        case "int8", "q8_0": 8
        default: 4
        }
    }
}
