import CLIP
import PictureCollections
import CLIPCompute

/// How fast exact search is among so many vectors that memory is what it waits for.
struct SearchBench {
    private static let vectorCount = 100_000
    private static let dimension = 512
    private static let top = 10

    private let settings: BenchSettings
    private let compute: Compute

    init(_ settings: BenchSettings) throws(CLIPError) {
        self.settings = settings
        do throws(ComputeError) {
            compute = try Compute(threads: settings.threads)
        } catch {
            throw CLIPError(.argument, error.description)
        }
    }

    func measure() throws -> [Measure] {
        let vectors = PanelPackedMatrix(
            SearchBench.unitVectors(SearchBench.vectorCount, seed: 1), outputs: SearchBench.vectorCount,
            inputs: SearchBench.dimension, elementType: .float16)
        let values = SearchBench.unitVectors(settings.batch, seed: 2)
        let queries = (0..<settings.batch).map { query in
            Embedding(values: Array(values[query * SearchBench.dimension..<(query + 1) * SearchBench.dimension]))
        }
        let rate = try settings.rate(of: settings.batch) {
            _ = try compute.nearest(to: queries, in: vectors, top: SearchBench.top)
        }
        let roof = compute.measureRoof()
        let attained = rate * Double(2 * SearchBench.vectorCount * SearchBench.dimension)
        let read = rate / Double(settings.batch) * Double(vectors.bytes.count)
        return [
            Measure("batch", settings.batch, "batch"),
            Measure("threads", compute.threads, "threads"),
            Measure("vectors", SearchBench.vectorCount, "vectors"),
            Measure("dimension", SearchBench.dimension, "dimension"),
            Measure("items_per_second", rate, "queries per second"),
            Measure("milliseconds", 1000 / rate, "time for one", unit: "ms", places: 2),
            Measure("gflops", attained / 1e9, "attained", unit: "GFLOPS"),
            Measure("isa", compute.instructionSet.rawValue, "instruction set"),
            Measure("dtype", "f16", "vectors' type"),
        ] + Measure.shares(attained: attained, read: read, of: roof)
    }

    /// `[count, dimension]`, rows of length 1 in all directions.
    private static func unitVectors(_ count: Int, seed: UInt64) -> [Float] {
        var state = seed
        return (0..<count).flatMap { _ in
            let values = (0..<dimension).map { _ -> Float in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
            }
            return Embedding(values: values).normalized().values
        }
    }
}
