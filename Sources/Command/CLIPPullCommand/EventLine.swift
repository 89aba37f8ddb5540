import CLIPHub
import Foundation

/// One line that `clip pull` reads.
struct EventLine {
    private let fields: [String: Any]

    init(_ progress: PullProgress) {
        var fields: [String: Any] = [
            "bytes": progress.byteCount, "of": progress.totalByteCount, "found": progress.foundByteCount,
        ]
        fields["note"] = progress.note
        self.fields = fields
    }

    init(_ pulled: PulledModel) {
        fields = [
            "name": pulled.name, "revision": pulled.revision, "commit": pulled.commit, "path": pulled.path,
            "files": pulled.fileCount, "bytes": pulled.byteCount, "fetched": pulled.fetchedByteCount,
        ]
    }

    init(_ error: CLIPError) {
        var fields: [String: Any] = ["error": error.line("")]
        switch error.advice {
        case .chooseFile(let names): fields["files"] = names
        case .fetch(let name, let revision): fields["fetch"] = [name] + (revision.map { [$0] } ?? [])
        case .nameKnownModel: fields["known"] = true
        default: fields["error"] = error.description
        }
        self.fields = fields
    }

    static func failure(_ message: String) -> EventLine { EventLine(fields: ["error": message]) }

    private init(fields: [String: Any]) {
        self.fields = fields
    }

    /// Writes the line whole: lines come from several threads. Nobody listens any more when it can't be written: then
    /// this program has no reason to go on.
    func write() {
        guard var line = try? JSONSerialization.data(withJSONObject: fields, options: [.sortedKeys]) else { return }
        line.append(UInt8(ascii: "\n"))
        Watch.lineCount.add(1, ordering: .relaxed)
        do {
            try FileHandle.standardOutput.write(contentsOf: line)
        } catch {
            exit(1)
        }
    }
}
