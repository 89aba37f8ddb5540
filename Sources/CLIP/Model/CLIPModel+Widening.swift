extension CLIPModel {
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
        let narrow = info.weightTypes.filter { CLIPModel.bits(of: $0) < CLIPModel.bits(of: type.rawValue) }
        guard !narrow.isEmpty,
            let widest = info.weightTypes.max(by: { CLIPModel.bits(of: $0) < CLIPModel.bits(of: $1) })
        else { return nil }
        return Widening(
            types: narrow, isOfAll: CLIPModel.bits(of: widest) < CLIPModel.bits(of: type.rawValue),
            widest: WeightType(rawValue: widest) ?? .int8)
    }

    /// Bits that a stored weight takes.
    private static func bits(of type: String) -> Int {
        switch type {
        case "f32": 32
        case "f16", "bf16": 16
        case "int8", "q8_0": 8
        default: 4
        }
    }
}
