package import CLIPSystem

/// The small files of a model folder: configuration, vocabulary, merges.
package struct ModelFolder: Sendable {
    /// A tokenizer.json of a quarter of a million pieces has about 35 MB.
    package static let largestText = 128 << 20

    package let location: PathBytes

    package init(_ location: PathBytes) { self.location = location }

    /// What to call the folder in a message.
    package var path: String { location.text }

    /// Where the file `name` lies.
    package func location(of name: String) -> PathBytes { location.appending(name) }

    /// What to call the file `name` in a message.
    package func path(of name: String) -> String { location(of: name).text }

    /// True if the folder has a regular file `name`, links followed.
    /// - Throws: when that can't be found out.
    package func contains(_ name: String) throws(CLIPError) -> Bool {
        try location(of: name).found(.model)?.kind == .file
    }

    /// The first of `names` that the folder has a regular file of.
    /// - Throws: when that can't be found out.
    package func first(of names: [String]) throws(CLIPError) -> String? {
        for name in names {
            if try contains(name) { return name }
        }
        return nil
    }

    /// The regular files in the folder, links followed, with their sizes in bytes; sorted by name.
    /// - Throws: when the folder or one of them can't be examined.
    package func sizes() throws(CLIPError) -> [(name: String, byteCount: Int)] {
        var sizes: [(name: String, byteCount: Int)] = []
        for name in try entryNames(of: location) {
            let status = try location(of: name).found(.model)
            if let status, status.kind == .file { sizes.append((name, status.byteCount)) }
        }
        return sizes
    }

    /// The bytes of the file `name`, nil if there is none.
    ///
    /// - Throws: if `name` leads out of the folder, or the file can't be examined or read, is a broken link, or over `limit` bytes.
    package func readText(_ name: String, limit: Int = largestText) throws(CLIPError) -> [UInt8]? {
        guard Path.staysInside(name) else {
            throw CLIPError(.model, path: path, "\"\(name)\" is not the name of a file in this folder")
        }
        let file = location(of: name)
        if try file.found(.model) == nil {
            guard try file.found(.model, followsLinks: false) != nil else { return nil }
            throw CLIPError(
                .model, path: file.text,
                "is a link to a file that is missing: the download is incomplete, fetch it again")
        }
        return try readFile(file, limit: limit, kind: .model)
    }
}

/// The names in a folder as text, in bytewise order; empty if there is no such folder.
/// - Throws: when it can't be read to its end.
func entryNames(of folder: PathBytes) throws(CLIPError) -> [String] {
    try folder.contents(.model).map { String(decoding: $0, as: UTF8.self) }
}
