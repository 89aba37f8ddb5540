import CLIP
import CLIPCompute
import CLIPSystem
import PictureCollections

/// How fast exact search is in an index of so many pictures that memory is what it waits for.
struct SearchBench {
    private static let pictureCount = 100_000
    private static let dimension = 512
    private static let top = 10

    private let settings: BenchSettings
    private let compute: Compute

    init(_ settings: BenchSettings) throws {
        self.settings = settings
        compute = try Compute(threads: settings.threads)
    }

    func measure() throws -> [Measure] {
        let scratch = try scratchFile([])
        let index = try SearchBench.index(at: scratch.path)
        var directions = Directions(seed: 2)
        let queries = (0..<settings.batch).map { _ in SearchQuery(directions.next(SearchBench.dimension)) }
        let rate = try settings.rate(of: settings.batch) {
            _ = try index.search(queries, top: SearchBench.top, threads: settings.threads)
        }
        let roof = compute.measureRoof()
        let attained = rate * Double(2 * SearchBench.pictureCount * SearchBench.dimension)
        let read = rate / Double(settings.batch) * Double(2 * SearchBench.pictureCount * SearchBench.dimension)
        return [
            Measure("batch", settings.batch, "batch"),
            Measure("threads", compute.threads, "threads"),
            Measure("vectors", index.count, "vectors"),
            Measure("dimension", index.dimension, "dimension"),
            Measure("items_per_second", rate, "queries per second"),
            Measure("milliseconds", 1000 / rate, "time for one", unit: "ms", places: 2),
            Measure("gflops", attained / 1e9, "attained", unit: "GFLOPS"),
            Measure("isa", compute.instructionSet.rawValue, "instruction set"),
            Measure("dtype", index.vectorType.rawValue, "vectors' type"),
        ] + Measure.shares(attained: attained, read: read, of: roof)
    }

    /// An index of made-up embeddings, written as any other.
    private static func index(at path: String) throws -> PictureIndex {
        let writer = try PictureIndexWriter(
            PathBytes(path).url, dimension: dimension, fingerprint: String(repeating: "0", count: 64),
            modelName: "made up")
        var directions = Directions(seed: 1)
        for start in stride(from: 0, to: pictureCount, by: 10_000) {
            try writer.append(
                (start..<start + 10_000).map {
                    PictureIndexWriter.Entry(PathBytes("\(path).\($0)").url, embedding: directions.next(dimension))
                })
        }
        try writer.finish()
        return try PictureIndex(path: PathBytes(path))
    }
}

/// Embeddings of length 1 in all directions, the same on every run.
private struct Directions {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next(_ dimension: Int) -> Embedding {
        let values = (0..<dimension).map { _ -> Float in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
        }
        return Embedding(values: values).normalized()
    }
}
