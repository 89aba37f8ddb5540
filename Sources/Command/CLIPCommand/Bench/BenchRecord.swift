import CLIPCompute

/// One number of a measurement: its name in JSON, and how it reads in a table.
struct Measure {
    let name: String
    let value: FieldValue
    let label: String
    let shown: String

    init(_ name: String, _ number: Double, _ label: String, unit: String = "", places: Int = 1) {
        self.name = name
        value = .number(Float(number))
        self.label = label
        shown = decimal(number, places: places) + (unit.isEmpty ? "" : " " + unit)
    }

    init(_ name: String, _ number: Int, _ label: String) {
        self.name = name
        value = .integer(number)
        self.label = label
        shown = "\(number)"
    }

    init(_ name: String, _ text: String, _ label: String) {
        self.name = name
        value = .text(text)
        self.label = label
        shown = displayed(text)
    }

    /// A part of a whole.
    init(share name: String, _ number: Double, _ label: String) {
        self.name = name
        value = .number(Float(number))
        self.label = label
        shown = decimal(100 * number, places: 0) + " %"
    }
}

extension Measure {
    /// The machine's limits, and how much of them was reached.
    /// - Parameters:
    ///   - attained: operations a second.
    ///   - isInteger: whether most of them are of int8 layers.
    ///   - read: bytes a second.
    static func shares(
        attained: Double, read: Double, isInteger: Bool = false, of roof: MachineRoof
    ) -> [Measure] {
        let arithmetic =
            isInteger
            ? [
                Measure("integer_roof_gops", roof.integerOperationsPerSecond / 1e9, "int8 roof", unit: "GOPS"),
                Measure(share: "integer_share", attained / roof.integerOperationsPerSecond, "share of it"),
            ]
            : [
                Measure("arithmetic_roof_gflops", roof.operationsPerSecond / 1e9, "arithmetic roof", unit: "GFLOPS"),
                Measure(share: "arithmetic_share", attained / roof.operationsPerSecond, "share of it"),
            ]
        return arithmetic + [
            Measure("memory_roof_gigabytes_per_second", roof.bytesPerSecond / 1e9, "memory roof", unit: "GB/s"),
            Measure(share: "memory_share", read / roof.bytesPerSecond, "share of it"),
            Measure(
                "region_microseconds", roof.secondsPerRegion * 1e6, "handing work to all threads", unit: "µs",
                places: 2),
        ]
    }
}

/// What was measured.
struct BenchRecord: Record {
    let what: String
    let measures: [Measure]

    var fields: [(name: String, value: FieldValue)] {
        [("what", .text(what))] + measures.map { ($0.name, $0.value) }
    }

    var text: String {
        let rows = [("what", what)] + measures.map { ($0.label, $0.shown) }
        let width = rows.map { columnCount($0.0) }.max() ?? 0
        return rows.map { "\($0.0.padded(to: width))  \($0.1)\n" }.joined()
    }
}
