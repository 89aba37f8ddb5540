internal import CLIPJSON
package import CLIPSystem

/// Whether a model would load, as far as its configuration files say: asked before its weights are fetched.
package enum ConfigurationCheck {
    /// - Parameters:
    ///   - config: a `config.json` of transformers.
    ///   - hasModules: whether a `modules.json` of sentence-transformers stands beside it or above it.
    /// - Throws: `CLIPError` that names what of it isn't known, as loading would.
    package static func checkTransformers(config: [UInt8], hasModules: Bool) throws(CLIPError) {
        let path = "config.json"
        let type = try jsonObject(config, path: path)["model_type"]?.string
        if type == "M-CLIP" { return }
        if hasModules, let type, SentenceTextEncoder.types.contains(type) { return }
        _ = try HuggingFaceConfig(json: config, path: path)
    }

    /// - Parameter config: an `open_clip_config.json`.
    /// - Throws: as `checkTransformers`.
    package static func checkOpenCLIP(config: [UInt8]) throws(CLIPError) {
        _ = try OpenCLIPConfig(json: config, path: "open_clip_config.json")
    }

    /// The types of text encoders that sentence-transformers saves and that load, as their config.json names them.
    package static var sentenceTypes: Set<String> { SentenceTextEncoder.types }
}
