import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

struct Models: Command {
    private static let results = ResultOptions.table
    private static let known = Option(
        "known", help: "List the short names that --model and pull know instead, here or not.")

    static let table = CommandTable(
        "models",
        abstract: "List the models on this machine, or the short names of models on the hub.",
        discussion: [
            """
            Looks at the embedded model, the .clip files in $CLIP_MODELS (~/.local/share/clip/models), which are called by \
            their bare names, and the hub's cache. Only configurations and headers are read. Prints {"name", "kind", \
            "family", "bytes", "dtypes", "embedding_dimension", "path", "problem"}, and with --known {"name", "repository", \
            "quick_gelu", "parameters", "license", "languages", "loads", "present"}: the number of weights, the licence as the \
            hub spells it (null: see the model's card), the language or how many, and whether this program has what the model is \
            built of.
            """
        ],
        positionals: [],
        options: [known], results.all,
        examples: [
            .init("clip models", "What is here."),
            .init("clip models --known --format csv", "What could be here, as a table."),
        ])

    private let listsKnown: Bool
    private let output: ResultChoice

    init(_ arguments: inout Arguments) throws(UsageError) {
        listsKnown = arguments.take(Self.known)
        output = try ResultChoice(&arguments, Self.results)
    }

    func run(_ console: Console) throws {
        if listsKnown { try writeKnown(console) } else { try writePresent(console) }
    }

    private func writeKnown(_ console: Console) throws {
        let models = ModelShortName.all()
        let widths = [models.map { columnCount($0.name) }.max() ?? 0, models.map { $0.licenseText.count }.max() ?? 0]
        let results = try ResultStream(
            output, console,
            note:
                "fetch one by its name, such as \"clip pull \(models[0].name)\"; * is in the cache, ! doesn't load; a number is "
                + "that of languages")
        for model in models {
            switch model.isPresent {
            case .success(let isPresent):
                try results.write(KnownRecord(model: model, isPresent: isPresent, widths: widths))
            case .failure(let error): console.fail(shown(error))
            }
        }
        try results.finish()
    }

    private func writePresent(_ console: Console) throws {
        let (models, problems) = ModelAtHand.all()
        // What can't be examined is told; the rest is listed all the same.
        for problem in problems { console.fail(shown(problem)) }
        let rows = [InstalledRecord.titles] + models.compactMap { try? InstalledRecord.cells($0, $0.facts.get()) }
        let widths = InstalledRecord.titles.indices.map { column in rows.map { columnCount($0[column]) }.max() ?? 0 }
        let heading = InstalledRecord.line(InstalledRecord.titles, widths)
        let results = try ResultStream(output, console, heading: String(heading.dropLast()))
        for model in models { try results.write(InstalledRecord(model: model, widths: widths)) }
        try results.finish()
    }
}

/// One model on this machine.
private struct InstalledRecord: Record {
    let model: ModelAtHand
    /// The columns' widths on a screen.
    let widths: [Int]

    private var facts: ModelAtHand.Facts? { try? model.facts.get() }

    /// Why it doesn't load.
    private var problem: String? {
        guard case .failure(let error) = model.facts else { return nil }
        return (error as? CLIPError)?.sentence ?? "\(error)"
    }

    private func fields(types: any FieldConvertible) -> Fields {
        [
            "name": model.name, "kind": model.place.rawValue, "family": facts?.family, "bytes": facts?.byteCount,
            "dtypes": types, "embedding_dimension": facts?.embeddingDimension, "path": model.location.text,
            "problem": problem,
        ]
    }

    var fields: Fields { fields(types: facts?.weightTypes ?? []) }

    /// The types in one field.
    var rows: [Fields] { [fields(types: (facts?.weightTypes ?? []).joined(separator: " "))] }

    var text: String {
        guard let facts else {
            let lines = HelpText.wrapped(displayed("can't be loaded: \(problem ?? "")"), width: HelpText.width - 4)
            return "  \(displayed(model.name))\n" + lines.map { "    \($0)\n" }.joined()
        }
        return InstalledRecord.line(InstalledRecord.cells(model, facts), widths)
    }

    static let titles = ["name", "family", "size", "dtype", "dim"]

    static func cells(_ model: ModelAtHand, _ facts: ModelAtHand.Facts) -> [String] {
        [
            displayed(model.name), facts.family, megabytes(Double(facts.byteCount)),
            facts.weightTypes.joined(separator: " "), "\(facts.embeddingDimension)",
        ]
    }

    static func line(_ cells: [String], _ widths: [Int]) -> String {
        let last = cells.count - 1
        let padded = cells.enumerated().map { index, cell in
            index == last || index == 2 ? cell.rightAligned(to: widths[index]) : cell.padded(to: widths[index])
        }
        return "  " + padded.joined(separator: "  ") + "\n"
    }
}

extension ModelShortName {
    fileprivate var licenseText: String { license ?? "see its card" }
}

/// A short name.
private struct KnownRecord: Record {
    let model: ModelShortName
    let isPresent: Bool
    /// The widest name and licence on a screen.
    let widths: [Int]

    var fields: Fields {
        [
            "name": model.name, "repository": model.repository, "quick_gelu": model.isQuickGELU,
            "parameters": model.millions * 1_000_000, "license": model.license, "languages": model.languages,
            "loads": model.loads, "present": isPresent,
        ]
    }

    var text: String {
        "\(isPresent ? "*" : model.loads ? " " : "!") \(model.name.padded(to: widths[0]))  "
            + "\("\(model.millions) M".rightAligned(to: 6))  \(model.languages.padded(to: 7))  "
            + "\(model.licenseText.padded(to: widths[1]))  \(model.repository)\n"
    }
}
