import CLIP
import CLIPSystem
import PictureCollections

extension Positional {
    static let indexedFolder = Positional(
        "folder", count: 0...1, isPath: true,
        help: "A folder whose index is made or brought up to date first. (default: take --index as it is)")
}

/// The index that a command works on: of a folder, brought up to date, or as it is.
struct IndexInput {
    let index: PictureIndex
    let model: CLIPModel?

    /// Options of commands that may bring an index up to date.
    static let options = [Option.index] + Option.modelOptions + [.batchSize] + Option.pictureOptions

    /// - Parameter needsModel: whether the command embeds texts.
    init(_ arguments: Arguments, console: Console, needsModel: Bool) throws {
        guard let folder = arguments.positionals.first else {
            index = try IndexChoice.open(arguments)
            model = needsModel ? try IndexChoice.model(of: index, arguments) : nil
            return
        }
        let path = IndexChoice.path(arguments.text(.index) ?? String(decoding: folder, as: UTF8.self))
        let loaded = try ModelChoice(arguments).load()
        _ = try IndexInput.update(path, roots: [folder], model: loaded, arguments, console)
        index = try PictureIndex(path: path)
        model = loaded
    }

    /// Brings an index up to date, showing how far it is, and reports what can't be read.
    static func update(
        _ path: String, roots: [[UInt8]], model: CLIPModel, _ arguments: Arguments, _ console: Console,
        vectorType: VectorType = .float16, waits: Bool = false, salvages: Bool = false, allowsEmpty: Bool = false
    ) throws -> IndexUpdate {
        let options = PictureOptions(arguments, for: model)
        var indexer = PictureIndexer(
            model: model, settings: PictureSettings(fit: options.fit, reading: options.reading),
            vectorType: vectorType, batchSize: options.batchSize, waits: waits)
        indexer.allowsEmptyFolders = allowsEmpty
        var done = 0
        let update = try indexer.update(path, roots: roots.map { PathBytes($0) }, salvages: salvages) { progress in
            if console.progress == nil, console.showsProgress {
                console.progress = ProgressBar(total: progress.total, unit: "pictures")
            }
            while done < progress.done {
                console.progress?.advance()
                done += 1
            }
        }
        console.progress?.clear()
        console.progress = nil
        for place in update.unreachable { console.fail("\(place.path): \(place.message)") }
        for folder in update.emptiedFolders {
            console.fail(
                "\(folder.path): holds no pictures any more, the index has \(folder.pictureCount) there: they are kept, in "
                    + "case a disk isn't mounted; \"clip index --allow-empty\" drops them")
        }
        console.report(skipped: update.skipped)
        for picture in update.newlyUnreadable { console.fail("\(picture.path): \(picture.message)") }
        return update
    }

    /// A bar that is told how many of how many are done.
    static func progress(_ console: Console) -> (_ done: Int, _ total: Int) -> Void {
        var shown = 0
        return { done, total in
            if console.progress == nil, console.showsProgress {
                console.progress = ProgressBar(total: total, unit: "pictures")
            }
            while shown < done {
                console.progress?.advance()
                shown += 1
            }
        }
    }
}
