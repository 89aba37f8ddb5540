import CLIP
import CLIPSystem

/// What a whole process takes that embeds one picture.
struct ColdStartBench {
    private let settings: BenchSettings
    private let model: CLIPModel
    private let bytes: [UInt8]

    init(_ settings: BenchSettings) throws {
        self.settings = settings
        model = try settings.model()
        bytes = try settings.picture ?? DecodingBench.exampleBytes()
    }

    func measure() throws -> [Measure] {
        let scratch = try scratchFile(bytes)
        let command =
            ["clip", "embed-image", scratch.path, "--model", model.info.path, "--threads", "\(model.threads)"]
            + ["--format", "jsonl", "--output", "/dev/null", "--quiet"]
        var runs: [ChildUsage] = []
        do {
            _ = try settings.rate(of: 1) { runs.append(try runSelf(command)) }
        } catch {
            throw CLIPError(
                .storage, "a process that was to embed a picture failed, see above: clip \(command[1])")
        }
        runs.removeFirst()
        let before = processorSeconds()
        var count = 0
        _ = try settings.rate(of: 1) {
            _ = try model.embed(try Picture(bytes: bytes))
            count += 1
        }
        let warm = (processorSeconds() - before) / Double(count)
        func median(_ part: (ChildUsage) -> Double) -> Double { runs.map(part).sorted()[runs.count / 2] }
        // The system counts processor time in ticks, which one short run may not meet: means tell more than medians.
        func mean(_ part: (ChildUsage) -> Double) -> Double { runs.map(part).reduce(0, +) / Double(runs.count) }
        let user = mean(\.userSeconds)
        return [
            Measure("threads", model.threads, "threads"),
            Measure("runs", runs.count, "processes"),
            Measure("wall_seconds", median(\.wallSeconds), "wall time", unit: "s", places: 3),
            Measure("user_seconds", user, "user time", unit: "s", places: 3),
            Measure("system_seconds", mean(\.systemSeconds), "system time", unit: "s", places: 3),
            Measure("warm_seconds", warm, "decoding and encoding, warm", unit: "s", places: 3),
            Measure("user_over_warm", user / warm, "user time over that", places: 2),
            Measure("peak_megabytes", median(\.peakBytes) / 1e6, "peak memory", unit: "MB"),
            Measure("page_faults", Int(median { Double($0.pageFaults) }), "page faults"),
            Measure("isa", model.instructionSet, "instruction set"),
            Measure("dtype", model.info.weightTypes.joined(separator: "+"), "weights"),
        ]
    }
}
