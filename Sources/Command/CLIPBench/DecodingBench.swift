import CLIP
import CLIPCompute

/// How fast a picture file becomes pixels.
struct DecodingBench {
    private let settings: BenchSettings
    private let compute: Compute
    private let bytes: [UInt8]

    init(_ settings: BenchSettings) throws {
        self.settings = settings
        compute = try Compute(threads: settings.threads)
        bytes = try settings.picture ?? DecodingBench.exampleBytes()
    }

    func measure() throws -> [Measure] {
        let image = try Picture(bytes: bytes)
        let rate = settings.rate(of: settings.batch) {
            compute.forEach(settings.batch) { _ in _ = try? Picture(bytes: bytes) }
        }
        return [
            Measure("batch", settings.batch, "batch"),
            Measure("threads", compute.threads, "threads"),
            Measure("items_per_second", rate, "pictures per second"),
            Measure("milliseconds", 1000 / rate, "time for one", unit: "ms", places: 2),
            Measure("width", image.width, "width"),
            Measure("height", image.height, "height"),
            Measure(
                "megapixels_per_second", rate * Double(image.width * image.height) / 1e6, "megapixels per second"),
            Measure("megabytes_per_second", rate * Double(bytes.count) / 1e6, "megabytes of file per second"),
        ]
    }

    /// A PNG file of soft waves, 640 × 480.
    static func exampleBytes() throws(CLIPError) -> [UInt8] {
        let (width, height) = (640, 480)
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                let wave = (x * x / 97 + y * y / 61 + x * y / 89) & 511
                pixels += [UInt8(wave > 255 ? 511 - wave : wave), UInt8(x * 255 / width), UInt8(y * 255 / height)]
            }
        }
        return try Picture(pixels: pixels, width: width, height: height, format: .rgb).png()
    }
}
