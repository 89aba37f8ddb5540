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

    /// Opens the index that `--index` names.
    static func open(_ arguments: Arguments) throws -> PictureIndex {
        let path = path(arguments.text(.index))
        if case .missing = PathBytes(path).kind {
            throw InputError(
                "\(path): there is no index: make one with \"clip index <folder>\", or name it with --index")
        }
        return try PictureIndex(path: path)
    }

    /// The model of an index: what the command line or `CLIP_MODEL` names, else the one that made the index if it is
    /// still where it was, else the embedded one.
    /// - Throws: when it is not the model that made the index.
    static func model(of index: PictureIndex, _ arguments: Arguments) throws -> CLIPModel {
        let variable = getenv("CLIP_MODEL")
        if !arguments.has(.model), variable == nil || variable?[0] == 0,
            let model = try? CLIPModel(named: index.modelName, threads: arguments.integer(.threads)),
            model.fingerprint == index.fingerprint
        {
            return model
        }
        let model = try ModelChoice(arguments).load()
        try index.check(model)
        return model
    }
}
