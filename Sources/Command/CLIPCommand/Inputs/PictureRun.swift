import CLIP
import CLIPSystem

/// Embeds every picture of a command line, in order, one batch after another.
struct PictureRun {
    private let sources: PictureSources
    private let choice: PictureChoice
    private let console: Console

    init(_ sources: PictureSources, _ choice: PictureChoice, console: Console) {
        self.sources = sources
        self.choice = choice
        self.console = console
    }

    /// - Parameter body: takes the name and the embedding of a picture; those that fail are reported.
    /// - Returns: what was left out of folders.
    /// - Throws: what `body` throws, and when the command line names no inputs that can be had.
    @discardableResult
    func embedEach(
        with model: CLIPModel, to results: ResultStream, normalize: Bool = true,
        _ body: (_ name: RecordName, Embedding) throws -> Void
    ) throws -> [SkippedFiles] {
        let options = choice.options(for: model)
        let inputs = try PictureInputs(sources, console: console)
        if console.showsProgress { console.progress = ProgressBar(total: count(), unit: "pictures") }
        try model.embedEach(
            inputs, options: options.reading, fit: options.fit, normalize: normalize, batchSize: options.batchSize
        ) { input, result in
            switch result {
            case .success(let embedding): try body(RecordName(input), embedding)
            // A model that can't encode one picture can't encode any.
            case .failure(let error) where error.kind == .model: throw error
            case .failure(let error): try results.fail(RecordName(input), described(error, name: input.name))
            }
        }
        results.setSkipped(inputs.skipped)
        try inputs.checkEnd()
        return inputs.skipped
    }

    /// How many pictures there are; nil when finding out would use them up.
    private func count() -> Int? {
        let areFiles = sources.lists.allSatisfy { $0 != "-" && PathBytes($0).kind == .file }
        guard areFiles else { return nil }
        let silent = Console(isQuiet: true, isSilent: true)
        guard let inputs = try? PictureInputs(sources, console: silent, opensFiles: false) else { return nil }
        return inputs.reduce(0) { count, _ in count + 1 }
    }
}
