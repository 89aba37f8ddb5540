#if canImport(Darwin)
import Foundation
#endif
internal import CLIPSystem

/// The embedded default model: a small CLIP, trained for this project.
///
/// Apps on Apple's systems have it in a resource bundle. On Linux its file is found without one: a bundle's accessor loads
/// all of Foundation into every program, which costs more time than embedding a picture.
package enum EmbeddedModel {
    /// The name of its weights file.
    package static let fileName = "clip-small.clip"

    /// `CLIPModel.fingerprint` of it, which its embeddings carry. Another training changes it, and then the figures that
    /// were measured of the model are measured again.
    package static let fingerprint = "3ce82900334685c955d511e33b6f6d9b84c4ad2366ab30a2b86239d7f3b146a1"

    /// Where the weights file lies; nil when it is nowhere. Looked for beside the program, in `../share/clip` as seen from
    /// there, and in the package's own folder, where it was built from.
    package static var path: String? {
        let found = places(beside: programFolder()).first { access($0, R_OK) == 0 }
        #if canImport(Darwin)
        return found ?? Bundle.module.url(forResource: "clip-small", withExtension: "clip")?.path
        #else
        return found
        #endif
    }

    static func places(beside folder: String?) -> [String] {
        let beside = ["", "clip_CLIPEmbeddedModel.resources/", "clip_CLIPEmbeddedModel.bundle/", "../share/clip/"]
        return (folder.map { folder in beside.map { "\(folder)/\($0)\(fileName)" } } ?? []) + [sourceFolder + fileName]
    }

    /// The folder of this source file, with a slash.
    private static let sourceFolder = String(#filePath.dropLast("EmbeddedModel.swift".count))
}
