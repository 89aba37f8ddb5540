package import Foundation

/// The files that tests are held to. Each test target adds what its own mean.
package enum Fixtures {
    private static let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    /// The fixtures of a test target.
    package static func folder(of target: String) -> URL { tests.appending(path: "\(target)/Fixtures") }

    /// A small model with golden values.
    package static func modelFolder(_ name: String = "quickgelu-f32") -> URL {
        folder(of: "CLIPTests").appending(path: "models/\(name)")
    }

    /// A small picture.
    package static func pictureFile(_ name: String) -> URL {
        folder(of: "CLIPTests").appending(path: "pictures/\(name)")
    }

    /// A photograph that comes with the package.
    package static func example(_ name: String) -> URL {
        tests.deletingLastPathComponent().appending(path: "Models/examples/\(name)")
    }
}
