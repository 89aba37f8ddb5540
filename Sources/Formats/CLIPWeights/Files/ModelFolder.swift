import CLIPSystem

/// The small files of a model folder: configuration, vocabulary, merges.
package struct ModelFolder: Sendable {
    /// A tokenizer.json of a quarter of a million pieces has about 35 MB.
    package static let largestText = 128 << 20

    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// True if the folder has a regular file `name`, links followed.
    /// - Throws: when that can't be found out.
    package func contains(_ name: String) throws(WeightsError) -> Bool {
        try FileKind(at: Path.join(path, name)) == .file
    }

    /// The first of `names` that the folder has a regular file of.
    /// - Throws: when that can't be found out.
    package func first(of names: [String]) throws(WeightsError) -> String? {
        for name in names {
            if try contains(name) { return name }
        }
        return nil
    }

    /// The regular files in the folder, links followed, with their sizes in bytes; sorted by name.
    /// - Throws: when the folder or one of them can't be examined.
    package func sizes() throws(WeightsError) -> [(name: String, byteCount: Int)] {
        var sizes: [(name: String, byteCount: Int)] = []
        for name in try Path.contents(of: path) {
            if let count = try byteCount(ofFile: Path.join(path, name)) { sizes.append((name, count)) }
        }
        return sizes
    }

    /// The bytes of the file `name`, nil if there is none.
    ///
    /// - Throws: if `name` leads out of the folder, or the file can't be examined or read, is a broken link, or over `limit` bytes.
    package func readText(_ name: String, limit: Int = largestText) throws(WeightsError) -> [UInt8]? {
        guard Path.staysInside(name) else {
            throw WeightsError(path: path, problem: "\"\(name)\" is not the name of a file in this folder")
        }
        let file = Path.join(path, name)
        if try FileKind(at: file) == .missing {
            guard try fileStatus(file, followsLinks: false) != nil else { return nil }
            throw WeightsError(
                path: file, problem: "is a link to a file that is missing: the download is incomplete, fetch it again")
        }
        return try readFile(file, limit: limit)
    }
}

/// All bytes of a regular file of at most `limit` bytes.
func readFile(_ path: String, limit: Int) throws(WeightsError) -> [UInt8] {
    let (descriptor, byteCount) = try openRegularFile(path)
    defer { close(descriptor) }
    guard byteCount <= limit else {
        throw WeightsError(path: path, problem: "has \(byteCount) bytes, expected at most \(limit)")
    }
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
        count = 0
        while count < byteCount {
            let got = read(descriptor, buffer.baseAddress! + count, byteCount - count)
            if got < 0 && errno == EINTR { continue }
            if got < 0 { failure = errno }
            if got <= 0 { break }
            count += got
        }
    }
    guard failure == 0 else {
        throw WeightsError(path: path, problem: "can't be read: \(systemMessage(failure))")
    }
    return bytes
}
