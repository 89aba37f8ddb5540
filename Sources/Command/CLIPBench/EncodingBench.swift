import CLIP
import CLIPCompute

/// How fast an encoder is, and how near the machine's limits.
struct EncodingBench {
    private let settings: BenchSettings
    private let model: CLIPModel
    private let isImage: Bool

    init(_ settings: BenchSettings, ofImages: Bool) throws {
        self.settings = settings
        isImage = ofImages
        model = try settings.model()
    }

    func measure() throws -> [Measure] {
        let (rate, operations) = isImage ? try images() : try texts()
        let roof = try Compute(threads: model.threads).measureRoof()
        let attained = rate * operations
        let type = model.info.weightTypes.first.flatMap(WeightType.init) ?? .float32
        let read = rate / Double(settings.batch) * model.weightBytes(ofImageEncoder: isImage)
        return [
            Measure("batch", settings.batch, "batch"),
            Measure("threads", model.threads, "threads"),
            Measure("items_per_second", rate, isImage ? "pictures per second" : "texts per second"),
            Measure("gflops", attained / 1e9, "attained", unit: "GFLOPS"),
            Measure("isa", model.instructionSet, "instruction set"),
            Measure("dtype", model.info.weightTypes.joined(separator: "+"), "weights"),
        ]
            + Measure.shares(
                attained: attained, read: read, type: type, of: roof)
    }

    private func images() throws -> (rate: Double, operations: Double) {
        let side = model.info.imageSize
        let values = (0..<settings.batch * 3 * side * side).map { Float($0 * 7919 % 1009) / 504.5 - 1 }
        let pixels = PixelTensor(shape: [settings.batch, 3, side, side], values: values)
        let rate = try settings.rate(of: settings.batch) { _ = try model.embed(pixels) }
        return (rate, model.operationsPerImage)
    }

    private func texts() throws -> (rate: Double, operations: Double) {
        let texts = prompts
        let rate = try settings.rate(of: settings.batch) { _ = try model.embed(texts) }
        return (rate, try model.operations(embedding: texts) / Double(settings.batch))
    }

    /// The texts that were given, from the start again when they are too few; else made up.
    private var prompts: [String] {
        let texts = settings.texts
        return (0..<settings.batch).map { texts.isEmpty ? EncodingBench.prompt($0) : texts[$0 % texts.count] }
    }

    /// Letters and a word, the first ones different: 26³ texts of as many tokens that share little.
    private static func prompt(_ index: Int) -> String {
        func letter(_ place: Int) -> Character {
            Character(UnicodeScalar(UInt8(ascii: "a") + UInt8(index / place % 26)))
        }
        return "\(letter(1)) \(letter(26)) photo of \(letter(676))"
    }
}
