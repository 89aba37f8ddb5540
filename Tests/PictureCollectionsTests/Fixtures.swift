import CLIP
import Foundation

/// The small model with random weights, and pictures.
enum Fixtures {
    static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "CLIPTests/Fixtures")

    static func model() throws -> CLIPModel {
        try CLIPModel(contentsOf: path.appending(path: "models/quickgelu-f32"))
    }

    static func picture(_ name: String) throws -> Image {
        try Image(contentsOf: path.appending(path: "pictures/\(name)"))
    }

    /// The photograph and the model that come with the package.
    static func photograph() throws -> Image {
        let root = path.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try Image(contentsOf: root.appending(path: "Models/examples/cat.jpg"))
    }
}
