/// Which version this is: the one place that says so. CHANGELOG.md and the README's `from:` are held to it.
package enum PackageVersion {
    package static let text = "0.1.0"
    /// When it was finished, for the manual pages.
    package static let date = "2026-11-29"
}
