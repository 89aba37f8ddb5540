import CLIP
import CLIPWeights

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

struct Models: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json, .csv]
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
            "quick_gelu", "present"}.
            """
        ],
        positionals: [],
        options: [known] + Option.outputOptions(formats),
        examples: [
            .init("clip models", "What is here."),
            .init("clip models --known --format csv", "What could be here, as a table."),
        ])

    private let listsKnown: Bool
    private let output: OutputOptions

    init(_ arguments: Arguments) throws(UsageError) {
        listsKnown = arguments.flag(Models.known)
        output = try OutputOptions(arguments, formats: Models.formats)
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        if listsKnown { try writeKnown(console) } else { try writePresent(console) }
        return !console.hasFailed
    }

    private func writeKnown(_ console: Console) throws {
        let cache = HubCache(environment: processEnvironment())
        let names = KnownModels.all.map(\.name)
        let width = names.map(columnCount).max() ?? 0
        let results = try ResultStream(
            output, console: console,
            note: "fetch one by its name, such as \"clip pull \(names[0])\"; * is in the cache")
        for model in KnownModels.all {
            let isPresent: Bool
            do throws(WeightsError) {
                guard let repository = HubName(model.repository) else { continue }
                if case .snapshot = try cache?.holding(of: repository) { isPresent = true } else { isPresent = false }
            } catch {
                console.fail("\(error)")
                continue
            }
            try results.write(KnownRecord(model: model, isPresent: isPresent, width: width))
        }
        try results.finish()
    }

    private func writePresent(_ console: Console) throws {
        let places = Models.places(console)
        let records = places.map { InstalledRecord(name: $0.name, kind: $0.kind, path: $0.path) }
        let widths = InstalledRecord.widths(records)
        let results = try ResultStream(output, console: console, heading: InstalledRecord.heading(widths))
        for record in records { try results.write(record.with(widths)) }
        try results.finish()
    }

    /// Every model that there is, by where it is.
    private static func places(_ console: Console) -> [(name: String, kind: String, path: String)] {
        var places = (try? CLIPModel.embedded()).map { [(name: "embedded", kind: "embedded", path: $0.path)] } ?? []
        // What can't be examined is told; the rest is listed all the same.
        func examining(_ body: () throws(WeightsError) -> Void) {
            do throws(WeightsError) { try body() } catch { console.fail("\(error)") }
        }
        examining { () throws(WeightsError) in
            let own = try InstalledModels(environment: processEnvironment())?.models() ?? []
            places += own.map { ($0.name, "file", $0.path) }
        }
        examining { () throws(WeightsError) in
            for (name, holding) in try HubCache(environment: processEnvironment())?.repositories() ?? [] {
                examining { () throws(WeightsError) in
                    guard case .snapshot(let path) = try holding.get(), try mayBeCLIP(path) else { return }
                    places.append((name, "hub", path))
                }
            }
        }
        return places
    }

    /// The cache is shared with programs that run all kinds of models.
    private static func mayBeCLIP(_ path: String) throws(WeightsError) -> Bool {
        let folder = ModelFolder(path: path)
        if try folder.contains("open_clip_config.json") { return true }
        guard try folder.contains("config.json"), let config = try folder.readText("config.json") else {
            return try folder.sizes().contains { $0.name.hasSuffix(".clip") || $0.name.hasSuffix(".gguf") }
        }
        return if case .transformers = DeclaredFamily(config: config) { true } else { false }
    }
}

/// One model on this machine.
private struct InstalledRecord: Record {
    private struct Facts {
        let family: String
        let byteCount: Int
        let types: [String]
        let dimension: Int
    }

    private let name: String
    private let kind: String
    private let path: String
    private let facts: Facts?
    /// Why it doesn't load.
    private let problem: String?
    private var widths: [Int] = []

    init(name: String, kind: String, path: String) {
        (self.name, self.kind, self.path) = (name, kind, path)
        do {
            let model = try CLIPModel(contentsOf: URL(filePath: path), threads: 1)
            facts = Facts(
                family: try InstalledRecord.family(at: path), byteCount: model.byteCount, types: model.weightTypes,
                dimension: model.embeddingDimension)
            problem = nil
        } catch {
            facts = nil
            problem = (error as? CLIPError)?.sentence ?? "\(error)"
        }
    }

    private static func family(at path: String) throws -> String {
        let folder = ModelFolder(path: path)
        if let config = try folder.readText("config.json"),
            case .transformers(let family) = DeclaredFamily(config: config)
        {
            return family
        }
        if path.hasSuffix(".clip"), let config = try? Checkpoint(file: path).metadata["config"],
            case .transformers(let family) = DeclaredFamily(config: Array(config.utf8))
        {
            return family
        }
        return "CLIP"
    }

    var fields: [(name: String, value: FieldValue)] {
        [
            ("name", .text(name)), ("kind", .text(kind)), ("family", .optional(facts?.family)),
            ("bytes", facts.map { .integer($0.byteCount) } ?? .null), ("dtypes", .texts(facts?.types ?? [])),
            ("embedding_dimension", facts.map { .integer($0.dimension) } ?? .null), ("path", .text(path)),
            ("problem", .optional(problem)),
        ]
    }

    /// For CSV: the types in one field.
    var rows: [[FieldValue]] {
        [fields.map { $0.name == "dtypes" ? .text((facts?.types ?? []).joined(separator: " ")) : $0.value }]
    }

    var text: String {
        guard let facts else {
            let lines = HelpText.wrapped(displayed("can't be loaded: \(problem ?? "")"), width: HelpText.width - 4)
            return "  \(displayed(name))\n" + lines.map { "    \($0)\n" }.joined()
        }
        return InstalledRecord.line(cells(facts), widths)
    }

    private func cells(_ facts: Facts) -> [String] {
        [
            displayed(name), facts.family, megabytes(Double(facts.byteCount)), facts.types.joined(separator: " "),
            "\(facts.dimension)",
        ]
    }

    func with(_ widths: [Int]) -> InstalledRecord {
        var record = self
        record.widths = widths
        return record
    }

    private static let titles = ["name", "family", "size", "dtype", "dim"]

    /// The columns' widths on a screen.
    static func widths(_ records: [InstalledRecord]) -> [Int] {
        let rows = [titles] + records.compactMap { record in record.facts.map { record.cells($0) } }
        return titles.indices.map { column in rows.map { columnCount($0[column]) }.max() ?? 0 }
    }

    static func heading(_ widths: [Int]) -> String { String(line(titles, widths).dropLast()) }

    private static func line(_ cells: [String], _ widths: [Int]) -> String {
        let last = cells.count - 1
        let padded = cells.enumerated().map { index, cell in
            index == last || index == 2 ? cell.rightAligned(to: widths[index]) : cell.padded(to: widths[index])
        }
        return "  " + padded.joined(separator: "  ") + "\n"
    }
}

/// A short name.
private struct KnownRecord: Record {
    let model: KnownModel
    let isPresent: Bool
    /// The widest name on a screen.
    let width: Int

    var fields: [(name: String, value: FieldValue)] {
        [
            ("name", .text(model.name)), ("repository", .text(model.repository)),
            ("quick_gelu", .truth(model.isQuickGELU)), ("present", .truth(isPresent)),
        ]
    }

    var text: String { "\(isPresent ? "*" : " ") \(model.name.padded(to: width))  \(model.repository)\n" }
}
