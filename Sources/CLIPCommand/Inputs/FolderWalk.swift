import CLIP

/// The pictures in a folder and in those inside it, in the bytewise order of their paths.
///
/// Hidden entries are left out, and links to folders are not followed, so that a walk always ends.
struct FolderWalk {
    private struct Entry {
        let path: FilePath
        let isFolder: Bool
    }

    /// What is left to visit, the next at the end.
    private var stack: [Entry]
    private let report: (String) -> Void
    /// Whether every folder could be read so far.
    private(set) var isComplete = true

    /// - Parameter report: takes the message on a folder that can't be read.
    init(_ folder: FilePath, report: @escaping (String) -> Void) {
        stack = [Entry(path: folder, isFolder: true)]
        self.report = report
    }

    /// The next picture; nil after the last.
    mutating func next() -> FilePath? {
        while let entry = stack.popLast() {
            if !entry.isFolder { return entry.path }
            open(entry.path)
        }
        return nil
    }

    private mutating func open(_ folder: FilePath) {
        let names: [[UInt8]]
        do throws(SystemError) {
            names = try folder.names()
        } catch {
            isComplete = false
            report("\(folder.text): the folder can't be read: \(error.message)")
            return
        }
        let entries = names.compactMap { name -> (key: [UInt8], entry: Entry)? in
            guard name.first != UInt8(ascii: ".") else { return nil }
            let path = folder.appending(name)
            switch path.kind {
            // A folder's contents sort as their paths do: by the name and a slash.
            case .folder: return path.isLink ? nil : (name + [UInt8(ascii: "/")], Entry(path: path, isFolder: true))
            case .file: return Image.isPictureName(path.text) ? (name, Entry(path: path, isFolder: false)) : nil
            // A link to nothing is a picture that is missing: that should be said.
            case .missing: return Image.isPictureName(path.text) ? (name, Entry(path: path, isFolder: false)) : nil
            case .other: return nil
            }
        }
        stack += entries.sorted { $1.key.lexicographicallyPrecedes($0.key) }.map(\.entry)
    }
}
