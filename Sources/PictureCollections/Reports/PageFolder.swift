import CLIPSystem

/// The folder that a page is in, for links from it to files.
struct PageFolder: Sendable {
    private let parts: [[UInt8]]?

    init(ofPage path: String) { parts = PageFolder.parts(ofFolder: Array(folderPath(of: path).utf8)) }

    /// The address of a file as seen from the page; nil when there is no such file.
    ///
    /// Both folders are taken without links: the way from one to the other can't lead elsewhere then. It says nothing of
    /// where they are on the machine, as long as they have a folder in common.
    func link(to path: [UInt8]) -> String? {
        let slash = UInt8(ascii: "/")
        let name = path.lastIndex(of: slash).map { path[($0 + 1)...] } ?? path[...]
        guard let parts, !path.isEmpty, !path.contains(0), withCString(path, { access($0, F_OK) }) == 0,
            let target = PageFolder.parts(ofFolder: Array(path[..<name.startIndex]) + [UInt8(ascii: ".")])
        else { return nil }
        let common = zip(parts, target).prefix { $0 == $1 }.count
        let up = Array(repeating: Array("..".utf8), count: parts.count - common)
        let way = up + target.dropFirst(common) + [Array(name)]
        return percentEncoded(Array(way.joined(separator: [slash])))
    }

    private static func parts(ofFolder path: [UInt8]) -> [[UInt8]]? {
        (try? PathBytes(path).resolved())?.bytes.split(separator: PathBytes.slash).map(Array.init)
    }
}
