import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

/// Standard error: errors, warnings and the progress bar, which never get into each other's way.
final class Console {
    /// Whether an error was reported: the run goes on, its exit status says so.
    private(set) var hasFailed = false
    /// The progress bar, while there is one.
    var progress: ProgressBar?
    private let isQuiet: Bool
    /// What is told with the first result.
    private var noteOfResults: String?

    /// - Parameter isQuiet: neither warnings nor a progress bar.
    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    /// Reports an error that ends one input but not the run.
    func fail(_ message: String) {
        hasFailed = true
        progress?.clear()
        Console.write(error: message)
    }

    /// Reports what may not be as it was meant.
    func warn(_ message: String) {
        guard !isQuiet else { return }
        progress?.clear()
        Console.write(message, as: "warning: ", .warning)
    }

    /// Tells what must be known to read the results.
    func note(_ message: String) {
        guard !isQuiet else { return }
        progress?.clear()
        Console.write(message, as: "note: ", .note)
    }

    /// Tells what must be known to read the results once there are some.
    func noteWithResults(_ message: String) { noteOfResults = message }

    /// Says before the first result what is to be told with it.
    func resultsBegin() {
        guard let message = noteOfResults else { return }
        noteOfResults = nil
        note(message)
    }

    /// Whether standard error is a terminal on which a bar is wanted.
    var showsProgress: Bool { !isQuiet && isatty(STDERR_FILENO) == 1 }

    /// Writes `clip: message`, on one line whatever the message holds.
    static func write(error message: String) { write(message, as: "", .error) }

    private static func write(_ message: String, as kind: String, _ emphasis: Terminal.Emphasis) {
        writeLines(Terminal.emphasized("clip: " + kind, emphasis, on: STDERR_FILENO) + displayed(message) + "\n")
    }

    /// Writes to standard error. A message that can't be written there can't be complained about either.
    static func writeLines(_ text: String) {
        try? writeAll(Array(text.utf8), to: STDERR_FILENO)
    }

    /// Columns of the terminal on standard error.
    static var columns: Int { Terminal.columns(STDERR_FILENO) ?? 80 }
}

extension Console {
    /// Shows a bar for work of which it is told how many of how many are done, until all are.
    func counting(_ unit: String) -> (_ done: Int, _ total: Int) -> Void {
        var shown = 0
        return { [self] done, total in
            if progress == nil, showsProgress { progress = ProgressBar(total: total, unit: unit) }
            progress?.advance(by: done - shown)
            progress?.refresh()
            shown = done
            if done == total { endProgress() }
        }
    }

    /// Takes the bar away.
    func endProgress() {
        progress?.clear()
        progress = nil
    }
    /// Says once what was left out of folders: `skipped 2,140 files in photos: 2,100 HEIC (…), 40 CR2 (…)`; it is a
    /// warning where pictures may be among them.
    func report(skipped: [SkippedFiles], in places: [PathBytes]) {
        guard !skipped.isEmpty else { return }
        let folders = places.filter { $0.kind == .folder }.map(\.text)
        let text = skipped.summary(in: folders)
        if skipped.allSatisfy(\.isNoPicture) { note(text) } else { warn(text) }
    }
}
