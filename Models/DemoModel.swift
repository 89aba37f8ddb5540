import Foundation

/// The embedded default model: a small CLIP, trained for this project.
package enum DemoModel {
    /// Where the weights file lies: in the resource folder that the build puts beside the executable.
    package static var url: URL? { nil }
}
