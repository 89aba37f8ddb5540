import CLIPSystem

/// Pictures whose labels are known: by the folder that they stand in, or by a table.
package struct LabelledPictures {
    private enum Source {
        /// A folder with one of pictures for each label, and where it is.
        case folder(PathBytes, resolved: PathBytes?)
        case table([[UInt8]: String])
    }

    /// What is to be read: the folder, or the pictures of the table in its order.
    package let paths: [[UInt8]]
    private let source: Source

    /// - Parameters:
    ///   - path: a folder with one of pictures for each label, or a file of CSV with a header: path (image, file …), label.
    ///   - report: takes what is wrong with a line; the others are taken.
    /// - Throws: when nothing is there, or a table can't be read or holds no picture.
    package init(_ path: PathBytes, report: (CLIPError) -> Void) throws(CLIPError) {
        if path.kind == .folder {
            paths = [path.bytes]
            source = .folder(path, resolved: try? path.resolved())
            return
        }
        if case .missing(let why) = path.kind {
            throw CLIPError(
                .storage, path: path.text,
                "\(why): expected a folder with one of pictures for each label, or a csv file of paths and labels")
        }
        let table = try CaptionTable(path: path.text, format: .csv, imageColumn: nil, captionColumn: "label") {
            what, _ in ": the \(what == "image" ? "paths of the pictures" : "labels") stand in a column of that name"
        }
        var labels: [[UInt8]: String] = [:]
        var paths: [[UInt8]] = []
        while case let rows = try table.batch(1024), !rows.isEmpty {
            for row in rows {
                switch row {
                case .failure(let error): report(error)
                case .success(let row):
                    let (picture, label) = (row.pair.picture, row.pair.caption)
                    if let other = labels.updateValue(label, forKey: picture.bytes) {
                        guard other != label else { continue }
                        throw CLIPError(
                            .storage, path: table.name,
                            "says of \(picture.text) both \"\(other)\" and \"\(label)\", expected one label of each picture"
                        )
                    }
                    paths.append(picture.bytes)
                }
            }
        }
        guard !paths.isEmpty else {
            throw CLIPError(.storage, path: table.name, "holds no pictures, expected a header and lines of path,label")
        }
        self.paths = paths
        source = .table(labels)
    }

    /// The label of a picture among them; nil where it has none: it stands beside the folders of labels, or in no line.
    package func label(of path: [UInt8]) -> String? {
        switch source {
        case .table(let labels): return labels[path].flatMap { $0.isEmpty ? nil : $0 }
        case .folder(let folder, let resolved):
            guard let rest = LabelledPictures.rest(of: PathBytes(path), in: folder, resolved),
                let slash = rest.firstIndex(of: PathBytes.slash)
            else { return nil }
            // Models read words, folders are seldom named with spaces.
            let name = String(decoding: rest[..<slash], as: UTF8.self)
            return String(name.map { $0 == "_" ? " " : $0 })
        }
    }

    /// What of a path follows the folder that it is in.
    private static func rest(of path: PathBytes, in folder: PathBytes, _ resolved: PathBytes?) -> [UInt8]? {
        let rest = path.relative(to: folder)
        if rest.count < path.bytes.count { return rest }
        guard let resolved, let place = try? path.folder.resolved(), place.isAtOrInside(resolved) else { return nil }
        return place.appending(path.name).relative(to: resolved)
    }
}
