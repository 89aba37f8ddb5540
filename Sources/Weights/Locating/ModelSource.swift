/// Where a model's weights are, and in what layout.
package enum ModelSource: Equatable, Sendable {
    /// One `.clip` file that holds everything.
    case flat(path: String)
    /// A folder with config.json and model.safetensors, sharded or not.
    case huggingFace(folder: String)
    /// A safetensors file with a config.json or open_clip_config.json in `folder`.
    case safetensors(file: String, folder: String)
    /// A folder with open_clip_config.json and its weights.
    case openCLIP(folder: String)

    /// The path to name in a message.
    package var path: String {
        switch self {
        case .flat(let path), .safetensors(let path, folder: _): path
        case .huggingFace(let folder), .openCLIP(let folder): folder
        }
    }
}
