/// Where a model's weights are, and in what layout.
package enum ModelSource: Equatable, Sendable {
    /// One `.clip` file that holds everything.
    case flat(path: String)
    /// A folder with config.json and model.safetensors or pytorch_model.bin, sharded or not.
    case huggingFace(folder: String)
    /// A safetensors or PyTorch file with a config.json or open_clip_config.json in `folder`.
    case weights(file: String, folder: String)
    /// A folder with open_clip_config.json and its weights.
    case openCLIP(folder: String)
    /// A PyTorch file of OpenAI's layout, whose shapes say everything.
    case openAI(file: String)
    /// A GGUF file of clip.cpp's.
    case gguf(file: String)

    /// The path to name in a message.
    package var path: String {
        switch self {
        case .flat(let path), .weights(let path, folder: _), .openAI(let path), .gguf(let path): path
        case .huggingFace(let folder), .openCLIP(let folder): folder
        }
    }
}
