import CLIP
import CLIPSystem
import PictureCollections

extension Option {
    static let index = Option(
        "index", .file("file"),
        help: "The index, or the folder that it is in. (default: .clip-index in the current folder)")
}

/// The index that a command line asks for.
enum IndexChoice {
    /// The path of the index that `argument` names by itself or by its folder.
    static func path(_ argument: PathBytes?) -> PathBytes {
        let name = PictureIndex.defaultName
        guard let argument else { return PathBytes(name) }
        return argument.kind == .folder ? argument.appending(name.utf8) : argument
    }

    /// Opens the index at `path`.
    /// - Parameter outputs: must be none of its pictures.
    static func open(_ path: PathBytes, _ outputs: OutputFiles, _ console: Console) throws -> PictureIndex {
        if case .missing = path.kind {
            throw InputError(
                "\(path.text): there is no index: make one with \"clip index <folder>\", or name it with --index")
        }
        try outputs.check(path)
        let index = try PictureIndex(path: path)
        if let problem = index.problem { console.warn(problem + "; the answer is of what is there") }
        if outputs.holdPictures {
            for number in index.pictureNumbers { try outputs.check(PathBytes(index.picture(number).pathBytes)) }
        }
        return index
    }
}

extension PictureIndex {
    /// What is wrong with an index whose end is missing.
    var problem: String? {
        guard !isComplete else { return nil }
        return
            "\(path): the end of the index is missing, \((count + unreadableCount).pictures) stand before it: a run was cut "
            + "short or still goes on (index again), or this is half a copy (copy it again)"
    }

    /// Refuses an index whose end is missing, for what would act on it as if it were all.
    func checkComplete() throws(InputError) {
        if let problem { throw InputError(problem + "; nothing was done") }
    }
}
