/// What a person must know of a model before trusting its scores. It travels inside the weights file.
public struct ModelCard: Sendable, Equatable {
    /// The model's name.
    public var name: String
    /// The version of these weights.
    public var version: String?
    /// The licence of the weights, as an SPDX expression where there is one.
    public var license: String?
    /// Where the weights come from.
    public var source: String?
    /// What it was trained on.
    public var trainingData: [String] = []
    /// What it is meant for.
    public var intendedUse: [String] = []
    /// What it can't do.
    public var limits: [String] = []
    /// Skews that were measured or are known.
    public var biases: [String] = []
    /// SHA-256 of the weights that this file was packed from.
    public var sourceSHA256: String?

    /// A card that says no more than the name.
    public init(name: String) { self.name = name }
}

/// One setting that loading a model resolved: most wrong embeddings come from a silent default.
public struct ModelSetting: Sendable, Equatable {
    /// What is set, e.g. `text activation`.
    public let name: String
    /// What it was set to.
    public let value: String
    /// Where that came from: a file's name, `default`, or `inferred from shape`.
    public let source: String
    /// What may be wrong about it; nil when nothing is.
    public let warning: String?

    /// A resolved setting.
    public init(name: String, value: String, source: String, warning: String? = nil) {
        self.name = name
        self.value = value
        self.source = source
        self.warning = warning
    }
}
