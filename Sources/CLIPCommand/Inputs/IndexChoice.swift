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
    static func path(_ argument: String?) -> String {
        guard let argument else { return PictureIndex.defaultName }
        return PathBytes(argument).kind == .folder
            ? PathBytes(argument).appending(Array(PictureIndex.defaultName.utf8)).text : argument
    }

    /// Opens the index at `path`.
    /// - Parameter outputs: must be none of its pictures.
    static func open(_ path: String, _ outputs: OutputFiles) throws -> PictureIndex {
        if case .missing = PathBytes(path).kind {
            throw InputError(
                "\(path): there is no index: make one with \"clip index <folder>\", or name it with --index")
        }
        try outputs.check(PathBytes(path))
        let index = try PictureIndex(path: path)
        if outputs.holdPictures {
            for number in index.pictureNumbers { try outputs.check(PathBytes(index.picture(number).pathBytes)) }
        }
        return index
    }
}
