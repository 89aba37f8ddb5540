/// The folder for `.clip` files that are called by their bare names: `b32` is `b32.clip` in there.
package struct InstalledModels: Sendable {
    package let path: String

    /// CLIP_MODELS, else XDG_DATA_HOME/clip/models, else HOME/.local/share/clip/models. nil if none of them is set.
    package init?(environment: [String: String]) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let folder = value("CLIP_MODELS") {
            path = folder
        } else if let data = value("XDG_DATA_HOME") ?? value("HOME").map({ Path.join($0, ".local/share") }) {
            path = Path.join(data, "clip/models")
        } else {
            return nil
        }
    }

    /// The models there, by name, sorted.
    /// - Throws: when the folder or one of them can't be examined.
    package func models() throws(WeightsError) -> [(name: String, path: String)] {
        var models: [(name: String, path: String)] = []
        for file in try Path.contents(of: path) where file.hasSuffix(".clip") {
            let full = Path.join(path, file)
            if try FileKind(at: full) == .file { models.append((String(file.dropLast(".clip".utf8.count)), full)) }
        }
        return models
    }
}
