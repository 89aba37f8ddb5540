import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

/// Where a command notes what it does to files.
struct UndoChoice {
    static let list = Option(
        "undo-list", .target("file"), group: .output,
        help: """
            Where each act is noted before it is done, for 'clip undo'. (default: FOLDER.undo.jsonl beside the folder that \
            files go to, else clip.undo.jsonl here)
            """)

    private let path: PathBytes?

    init(_ arguments: inout Arguments) { path = arguments.take(UndoChoice.list).map { PathBytes($0) } }

    /// The list for acts that put files into `folder`, or leave them where they are.
    func open(_ folder: PathBytes?) throws(CLIPError) -> UndoList {
        if let path { return try UndoList(path) }
        let place = folder.map { UndoChoice.plainName($0) } ?? PathBytes("clip")
        for number in 1...9999 {
            let ending = number == 1 ? ".undo.jsonl" : ".undo-\(number).jsonl"
            let candidate = PathBytes(place.bytes + Array(ending.utf8))
            if try candidate.found(.storage, followsLinks: false) == nil { return try UndoList(candidate) }
        }
        throw CLIPError(
            .storage, "\(place.text).undo.jsonl and 9998 more are there already: name another with --undo-list")
    }

    /// The path of a folder whose last part is its name.
    private static func plainName(_ folder: PathBytes) -> PathBytes {
        var bytes = folder.bytes
        while bytes.count > 1, bytes.last == PathBytes.slash { bytes.removeLast() }
        let path = PathBytes(bytes)
        let isPlain = !path.name.isEmpty && path.name != [UInt8(ascii: ".")] && !path.name.elementsEqual("..".utf8)
        return isPlain ? path : (try? path.resolved()) ?? path
    }
}

extension UndoList {
    /// How to take back what it tells of; nil where that is nothing.
    var advice: String? { count == 0 ? nil : "clip undo \(displayed(path)) takes it back" }
}
