import CLIP
import CLIPSystem

/// How long a model takes until both encoders and the tokenizer stand ready.
struct LoadingBench {
    private let settings: BenchSettings
    private let choice: ModelChoice

    init(_ settings: BenchSettings) {
        self.settings = settings
        choice = settings.model
    }

    func measure() throws -> [Measure] {
        let model = try choice.load(nil)
        var runs: [[Double]] = []
        _ = try settings.rate(of: 1) {
            var marks = [monotonicSeconds()]
            let model = try choice.load(nil)
            marks.append(monotonicSeconds())
            if model.hasImageEncoder { try model.prepare(.images) }
            marks.append(monotonicSeconds())
            if model.hasTextEncoder { try model.prepare(.texts) }
            marks.append(monotonicSeconds())
            runs.append(zip(marks, marks.dropFirst()).map { $1 - $0 } + [marks[3] - marks[0]])
        }
        // What `rate` doesn't count.
        runs.removeFirst()
        func median(_ part: Int) -> Double { runs.map { $0[part] }.sorted()[runs.count / 2] }
        return [
            Measure("threads", model.threads, "threads"),
            Measure("runs", runs.count, "runs"),
            Measure("seconds", median(3), "until ready", unit: "s", places: 4),
            Measure("open_seconds", median(0), "opening", unit: "s", places: 4),
            Measure("image_seconds", median(1), "image encoder", unit: "s", places: 4),
            Measure("text_seconds", median(2), "text encoder and tokenizer", unit: "s", places: 4),
            Measure("megabytes", Double(model.byteCount) / 1e6, "weights", unit: "MB"),
            Measure(
                "megabytes_per_second", Double(model.byteCount) / 1e6 / median(3), "weights per second", unit: "MB"),
            Measure("isa", model.instructionSet, "instruction set"),
            Measure("dtype", model.weightTypes.joined(separator: "+"), "weights' type"),
        ]
    }
}
