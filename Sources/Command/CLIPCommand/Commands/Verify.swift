import CLIP

struct Verify: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json, .csv]

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
        positionals: [.optionalModel],
        options: [.model, .threads] + Option.outputOptions(formats),
        examples: [
            .init("clip verify", "The embedded model."),
            .init("clip verify b32.clip --format csv", "A packed model, as a table."),
        ])

    private let choice: ModelChoice
    private let output: OutputOptions

    init(_ arguments: Arguments) throws(UsageError) {
        choice = try ModelChoice(argument: arguments)
        output = try OutputOptions(arguments, formats: Verify.formats)
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let model = try choice.load(nil)
        let probes = try model.verify()
        let width = probes.map { columnCount(ProbeRecord.name($0)) }.max() ?? 0
        let results = try ResultStream(
            output, console: console,
            heading: "  \("probe".padded(to: width))      cosine  least    largest error", note: Verify.verdict(probes))
        for probe in probes {
            try results.write(ProbeRecord(probe: probe, width: width, fingerprint: model.fingerprint))
        }
        try results.finish()
        let failed = probes.count { !$0.passes }
        if failed > 0 {
            console.fail("\(model.path): \(failed) of \(probes.count) probes are off: pack or fetch the model again")
        }
        return !console.hasFailed
    }

    private static func verdict(_ probes: [ProbeResult]) -> String {
        let failed = probes.count { !$0.passes }
        return failed == 0 ? "all \(probes.count) probes pass" : "\(failed) of \(probes.count) probes fail"
    }
}

/// One probe.
private struct ProbeRecord: Record {
    let probe: ProbeResult
    /// The widest probe's name on a screen.
    let width: Int
    let fingerprint: String

    /// A probe's text in quotes, short enough for a table.
    static func name(_ probe: ProbeResult) -> String { quoted(displayed(probe.probe), atMost: 30) }

    var fields: [(name: String, value: FieldValue)] {
        [
            ("probe", .text(probe.probe)), ("cosine", .number(probe.cosine)),
            ("largest_error", .number(probe.largestError)), ("least_cosine", .number(probe.leastCosine)),
            ("passes", .truth(probe.passes)), ("model", .text(fingerprint)),
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
