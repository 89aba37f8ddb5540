import CLIP
import CLIPJSON
import CLIPPictures
import CLIPSystem

/// Where the lines of a caption table come from.
protocol CaptionLines: AnyObject {
    /// What they are called in messages.
    var name: String { get }
    /// The number of the line that `next` returned last, from 1.
    var number: Int { get }
    /// Whether `next` would return at once.
    var isReady: Bool { get }
    /// The next line without its end; nil after the last.
    func next() throws(CLIPError) -> [UInt8]?
}

extension EntryReader: CaptionLines {}

/// The pictures in an archive with the captions beside them, as lines of JSON: those of `000123.jpg` are in `000123.txt` or
/// `000123.json`, as in the shards of WebDataset and img2dataset.
final class ShardCaptions: CaptionLines {
    let name: String
    private let archive: ArchiveDirectory
    private let imageName: String
    private let captionNames: [String]
    /// The place of the next file among the archive's names.
    private var place = 0
    private(set) var number = 0
    let isReady = true

    /// - Parameters:
    ///   - imageName: the key that a line has its picture under.
    ///   - captionNames: the keys of a JSON file inside that may hold the caption; a line has it under the first.
    init(_ path: PathBytes, imageName: String, captionNames: [String]) throws(CLIPError) {
        name = path.text
        self.imageName = imageName
        self.captionNames = captionNames
        do throws(CLIPError) {
            archive = try ArchiveDirectory.of(path)
        } catch {
            throw error.at(path.text)
        }
    }

    func next() throws(CLIPError) -> [UInt8]? {
        while place < archive.names.count {
            let picture = archive.names[place]
            place += 1
            guard ArchiveDirectory.isPictureName(picture) else { continue }
            number += 1
            let path = String(decoding: archive.path(of: picture).bytes, as: UTF8.self)
            let caption = try caption(of: picture)
            // Without a caption the line says less than it must, and is complained about as any other.
            let rest = caption.map { ",\(jsonString(captionNames[0])):\(jsonString($0))" } ?? ""
            return Array("{\(jsonString(imageName)):\(jsonString(path))\(rest)}".utf8)
        }
        return nil
    }

    /// The caption that stands beside a picture; nil where none does.
    private func caption(of picture: [UInt8]) throws(CLIPError) -> String? {
        // A sample's key ends at the first dot of the file's name.
        let start = picture.lastIndex(of: PathBytes.slash).map { $0 + 1 } ?? 0
        let key = Array(picture[..<(picture[start...].firstIndex(of: UInt8(ascii: ".")) ?? picture.endIndex)])
        for ending in ["txt", "caption"] {
            let name = key + Array(".\(ending)".utf8)
            guard archive.contains(name) else { continue }
            let text = String(decoding: try contents(name), as: UTF8.self)
            return String(text.prefix { !$0.isNewline })
        }
        let name = key + Array(".json".utf8)
        guard archive.contains(name) else { return nil }
        let path = String(decoding: archive.path(of: name).bytes, as: UTF8.self)
        let object = try JSONValue(
            parsing: try contents(name), at: JSONPlace(path, .storage, part: "is no JSON object: "))
        return captionNames.lazy.compactMap { object[$0]?.string }.first
    }

    /// What a text beside a picture may be long at most.
    private static let longest = 1 << 20

    private func contents(_ name: [UInt8]) throws(CLIPError) -> [UInt8] {
        do throws(CLIPError) {
            return try archive.bytes(of: name, limit: ShardCaptions.longest)
        } catch {
            throw CLIPError(.storage, path: archive.path(of: name).text, error.message)
        }
    }
}
