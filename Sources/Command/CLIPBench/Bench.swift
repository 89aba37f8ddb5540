import CLIP
import CLIPCompute

/// What can be measured: what users call, timed as they call it.
package enum BenchSubject: String, CaseIterable, Sendable {
    case image, text, decode, search, cold, load

    /// Measures it.
    /// - Returns: numbers in the order of reading.
    package func measure(_ settings: BenchSettings) throws -> [Measure] {
        switch self {
        case .image: try EncodingBench(settings, ofImages: true).measure()
        case .text: try EncodingBench(settings, ofImages: false).measure()
        case .decode: try DecodingBench(settings).measure()
        case .search: try SearchBench(settings).measure()
        case .cold: try ColdStartBench(settings).measure()
        case .load: try LoadingBench(settings).measure()
        }
    }
}

/// How to measure.
package struct BenchSettings {
    /// Loads the model.
    let model: () throws -> CLIPModel
    let texts: [String]
    /// The bytes of a picture file; nil makes one up.
    let picture: [UInt8]?
    let threads: Int?
    let batch: Int
    let seconds: Double

    /// - Parameters:
    ///   - model: loads the model.
    ///   - texts: taken from the start again when they are fewer than a batch; none are made up.
    ///   - picture: the bytes of a picture file; nil makes one up.
    ///   - batch: how many are taken at once.
    ///   - seconds: how long to measure, after one run that doesn't count.
    package init(
        model: @escaping () throws -> CLIPModel, texts: [String], picture: [UInt8]?, threads: Int?, batch: Int,
        seconds: Double
    ) {
        self.model = model
        self.texts = texts
        self.picture = picture
        self.threads = threads
        self.batch = batch
        self.seconds = seconds
    }

    /// Calls `body`, which does `count` items, for as long as was asked for, after one call that doesn't count.
    /// - Returns: items a second.
    func rate(of count: Int, _ body: () throws -> Void) rethrows -> Double {
        try body()
        let watch = Stopwatch()
        var done = 0
        repeat {
            try body()
            done += count
        } while watch.seconds < seconds
        return Double(done) / watch.seconds
    }
}

/// Counts seconds from its making, on a clock that is never set.
struct Stopwatch {
    private let start = ContinuousClock.now

    var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }
}

/// One number of a measurement: its name in JSON, and how it reads in a table.
package struct Measure: Sendable {
    package enum Value: Sendable {
        case count(Int)
        case text(String)
        /// A number, with the unit and the decimal places that people read it with.
        case number(Double, unit: String, places: Int)
        /// A part of a whole.
        case share(Double)
    }

    package let name: String
    package let label: String
    package let value: Value

    init(_ name: String, _ number: Double, _ label: String, unit: String = "", places: Int = 1) {
        self.name = name
        self.label = label
        value = .number(number, unit: unit, places: places)
    }

    init(_ name: String, _ number: Int, _ label: String) {
        self.name = name
        self.label = label
        value = .count(number)
    }

    init(_ name: String, _ text: String, _ label: String) {
        self.name = name
        self.label = label
        value = .text(text)
    }

    init(share name: String, _ number: Double, _ label: String) {
        self.name = name
        self.label = label
        value = .share(number)
    }
}

extension Measure {
    /// The machine's limits, and how much of them was reached.
    /// - Parameters:
    ///   - attained: operations a second.
    ///   - type: what most of them are of.
    ///   - read: bytes a second.
    static func shares(
        attained: Double, read: Double, type: WeightType = .float32, of roof: MachineRoof
    ) -> [Measure] {
        let integerRoof: Double? =
            switch type {
            case .int8: roof.integerOperationsPerSecond
            case .int16: roof.pairOperationsPerSecond
            case .float32, .float16: nil
            }
        let arithmetic =
            if let integerRoof {
                [
                    Measure("integer_roof_gops", integerRoof / 1e9, "\(type.rawValue) roof", unit: "GOPS"),
                    Measure(share: "integer_share", attained / integerRoof, "share of it"),
                ]
            } else {
                [
                    Measure(
                        "arithmetic_roof_gflops", roof.operationsPerSecond / 1e9, "arithmetic roof", unit: "GFLOPS"),
                    Measure(share: "arithmetic_share", attained / roof.operationsPerSecond, "share of it"),
                ]
            }
        return arithmetic + [
            Measure("memory_roof_gigabytes_per_second", roof.bytesPerSecond / 1e9, "memory roof", unit: "GB/s"),
            Measure(share: "memory_share", read / roof.bytesPerSecond, "share of it"),
            Measure(
                "region_microseconds", roof.secondsPerRegion * 1e6, "handing work to all threads", unit: "µs",
                places: 2),
        ]
    }
}
