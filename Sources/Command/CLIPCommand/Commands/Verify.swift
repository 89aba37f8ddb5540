import CLIP
import CLIPOptions
import PictureCollections

struct Verify: Command {
    private static let results = ResultOptions.table

    static let table = CommandTable(
        "verify",
        abstract: "Check that a packed model still computes what it should, on this machine.",
        discussion: [
            """
            A .clip file carries a few texts and pictures with the embeddings that its original 32-bit weights gave. \
            They are computed again: {"probe", "cosine", "largest_error", "least_cosine", "passes", "model"}. Exit \
            status 1 when one is off.
            """
        ],
        positionals: [ModelChoice.positional],
        options: [ModelChoice.model, ModelChoice.threads], results.all,
        examples: [
            .init("clip verify", "The embedded model."),
            .init("clip verify b32.clip --format csv", "A packed model, as a table."),
        ])

    private let choice: ModelChoice
    private let output: ResultChoice

    init(_ arguments: inout Arguments) throws(UsageError) {
        choice = try ModelChoice(argument: &arguments)
        output = try ResultChoice(&arguments, Self.results)
    }

    func run(_ console: Console) throws {
        let model = try choice.load(nil)
        let probes = try model.verify()
        let failed = probes.count { !$0.passes }
        let width = probes.map { columnCount(ProbeRecord.name($0)) }.max() ?? 0
        let results = try ResultStream(
            output, console, model: model.fingerprint,
            heading: "  \("probe".padded(to: width))      cosine  least    largest error",
            note: failed == 0 ? "all \(probes.count) probes pass" : "\(failed) of \(probes.count) probes fail")
        for probe in probes { try results.write(ProbeRecord(probe: probe, width: width)) }
        try results.finish()
        if failed > 0 {
            console.fail(
                "\(model.info.path): \(failed) of \(probes.count) probes are off: pack or fetch the model again")
        }
    }
}

/// One probe.
private struct ProbeRecord: Record {
    let probe: ProbeResult
    /// The widest probe's name on a screen.
    let width: Int

    /// A probe's text in quotes, short enough for a table.
    static func name(_ probe: ProbeResult) -> String { excerpt(displayed(probe.probe), atMost: 30) }

    var fields: Fields {
        [
            "probe": probe.probe, "cosine": probe.cosine, "largest_error": probe.largestError,
            "least_cosine": probe.leastCosine, "passes": probe.passes,
        ]
    }

    var text: String {
        "  \(ProbeRecord.name(probe).padded(to: width))  \(decimal(Double(probe.cosine), places: 7).rightAligned(to: 10))"
            + "  \("\(probe.leastCosine)".padded(to: 8)) \(scientific(probe.largestError).padded(to: 13))"
            + "  \(probe.passes ? "ok" : "FAILS")\n"
    }

    /// `2.1e-05`.
    private func scientific(_ number: Float) -> String {
        guard number > 0, number.isFinite else { return "\(number)" }
        var (digits, exponent) = (Double(number), 0)
        while digits < 0.95 {
            digits *= 10
            exponent -= 1
        }
        return exponent < -1 ? "\(decimal(digits, places: 1))e\(exponent)" : decimal(Double(number), places: 3)
    }
}
