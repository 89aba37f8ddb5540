import CLIP
import CLIPSystem

/// How long a model takes until both encoders and the tokenizer stand ready.
struct LoadingBench {
    private let settings: BenchSettings

    init(_ settings: BenchSettings) { self.settings = settings }

    func measure() throws -> [Measure] {
        let model = try settings.model()
        var runs: [[Double]] = []
        _ = try settings.rate(of: 1) {
            let watch = Stopwatch()
            let model = try settings.model()
            let opened = watch.seconds
            if model.info.hasImageEncoder { try model.prepare(.images) }
            let prepared = watch.seconds
            if model.info.hasTextEncoder { try model.prepare(.texts) }
            let ready = watch.seconds
            runs.append([opened, prepared - opened, ready - prepared, ready])
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
            Measure("megabytes", Double(model.info.byteCount) / 1e6, "weights", unit: "MB"),
            Measure(
                "megabytes_per_second", Double(model.info.byteCount) / 1e6 / median(3), "weights per second", unit: "MB"
            ),
            Measure("isa", model.instructionSet, "instruction set"),
            Measure("dtype", model.info.weightTypes.joined(separator: "+"), "weights' type"),
        ]
    }
}
