import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

struct Undo: Command {
    private static let results = ResultOptions.table

    static let table = CommandTable(
        "undo",
        abstract: "Take back what another command did to files, by the list that it wrote.",
        discussion: [
            """
            A command that moves, copies, links or replaces files notes each act in a list before it does it, so that the list \
            tells of everything even where the command was killed. Acts are taken back from the last to the first: \
            {"change", "path", "was", "restored"}, where restored is false of what was not done, or was taken back already.
            """,
            """
            A file is touched only where it holds what the list says: what was changed since stays, with a line that says \
            so and exit status 1. Nothing is ever replaced by something else. It may be run again.
            """,
        ],
        positionals: [Positional("list", count: 1...1, isPath: true, help: "A list, such as duplicates.undo.jsonl.")],
        options: results.all,
        examples: [
            .init("clip undo duplicates.undo.jsonl", "Put back what clip dedupe --move-to duplicates put aside.")
        ])

    private let output: ResultChoice
    private let list: PathBytes

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        list = PathBytes(arguments.positionals[0])
    }

    func run(_ console: Console) throws {
        let progress = console.counting("changes")
        var done = 0
        let changes = try UndoList.undo(path: list) { change, total in
            if case .failure(let error) = change.outcome { console.fail(error.shown) }
            done += 1
            progress(done, total)
        }
        console.endProgress()
        let results = try ResultStream(output, console, columns: UndoRecord.columns)
        for change in changes {
            guard case .success(let isRestored) = change.outcome else { continue }
            try results.write(UndoRecord(change: change, isRestored: isRestored))
        }
        if changes.isEmpty {
            try results.tell("\(displayed(list.text)): nothing was done, so nothing is to be taken back")
        }
        try results.finish()
    }
}

/// A change that was taken back, or was not there.
private struct UndoRecord: Record {
    let change: UndoList.TakenBack
    let isRestored: Bool

    static let columns = ["change", "path", "was", "restored", "path_bytes", "was_bytes"]

    var fields: Fields {
        [
            "change": change.kind, "path": RecordName(bytes: change.place.bytes),
            "was": change.former.map { RecordName(bytes: $0.bytes) }, "restored": isRestored,
        ]
    }

    /// With a cell for each column.
    var rows: [Fields] {
        [
            [
                "change": change.kind, "path": RecordName(bytes: change.place.bytes),
                "was": RecordName(bytes: change.former?.bytes ?? []), "restored": isRestored,
            ]
        ]
    }

    var text: String {
        let verb = !isRestored ? "as it was" : change.removes ? "removed  " : "restored "
        return "\(verb)  \(displayed(change.place.text))\(change.former.map { ", was \(displayed($0.text))" } ?? "")\n"
    }
}
