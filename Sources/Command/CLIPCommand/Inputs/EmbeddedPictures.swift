import CLIP
import PictureCollections

/// The embeddings of all pictures of a command line, handed on in order.
struct EmbeddedPictures {
    /// How the pictures are read.
    let reading: PictureOptions
    /// What was left out of folders.
    let skipped: [SkippedFiles]

    /// - Parameter body: takes the name and embedding of each; what can't be had is reported.
    init(
        _ pictures: PictureOrigin.Opened, _ model: CLIPModel, _ results: ResultStream, _ console: Console,
        _ body: (RecordName, Embedding) throws -> Void
    ) throws {
        func take(_ name: RecordName, _ embedding: Embedding) throws {
            try body(name, embedding)
            console.progress?.advance()
        }
        switch pictures {
        case .files(let sources, let choice):
            reading = choice.options(for: model).reading
            skipped = try PictureRun(sources, choice, console).embedEach(with: model, to: results, take)
        case .index(let indexed, let index):
            reading = index.settings.reading
            skipped = []
            try indexed.forEach(in: index, console, take)
        }
        console.endProgress()
    }
}
