/// What fields of a Hugging Face configuration mean that are absent, by family.
struct FamilyDefaults {
    struct Tower {
        var width: Int
        var intermediateWidth: Int
        var headCount: Int
    }

    let vision = Tower(width: 768, intermediateWidth: 3072, headCount: 12)
    let text: Tower
    let patchSize: Int
    let vocabularySize: Int
    let contextLength: Int
    let activation: Activation
    let layerNormEpsilon: Float
    /// What may be wrong when the activation is not said; nil where all models of the family have the same.
    let activationRisk: String?

    init(_ family: ModelFamily) {
        switch family {
        case .clip:
            text = Tower(width: 512, intermediateWidth: 2048, headCount: 8)
            patchSize = 32
            vocabularySize = 49408
            contextLength = 77
            activation = .quickGELU
            layerNormEpsilon = 1e-5
            activationRisk = "hidden_act is absent: weights trained with gelu give wrong embeddings"
        case .siglip:
            text = vision
            patchSize = 16
            vocabularySize = 32000
            contextLength = 64
            activation = .tanhGELU
            layerNormEpsilon = 1e-6
            activationRisk = nil
        }
    }
}
