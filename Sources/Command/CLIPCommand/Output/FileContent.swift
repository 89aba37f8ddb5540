import CLIP
import CLIPSystem

/// What is in a file, by its first bytes: what is not to be written over by mistake.
enum FileContent: Sendable {
    case picture, model, index
    /// A picture that this program wrote.
    case drawing

    /// What to call it in messages.
    var name: String {
        switch self {
        case .picture, .drawing: "a picture"
        case .model: "a model"
        case .index: "an index of pictures"
        }
    }

    /// nil for anything else, and for what can't be read.
    init?(_ path: PathBytes) {
        guard let bytes = try? path.firstBytes(64), !bytes.isEmpty else { return nil }
        func has(_ magic: [UInt8], at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: magic) }
        func has(_ magic: String, at offset: Int = 0) -> Bool { has(Array(magic.utf8), at: offset) }

        let name = path.text.lowercased()
        if has("CLIPINDX") {
            self = .index
        } else if has("GGUF") || has("{\"", at: 8)
            || [".pt", ".pth", ".bin"].contains(where: name.hasSuffix) && (has("PK") || has([0x80]))
        {
            self = .model
        } else if has(FileContent.pictures[0]), has("tEXtSoftware\0clip", at: 37) {
            // After the signature and the header, and the length of this chunk.
            self = .drawing
        } else if Picture.isPictureName(path.text) || FileContent.pictures.contains(where: { has($0) })
            || has("RIFF") && has("WEBP", at: 8) || has("ftyp", at: 4)
        {
            self = .picture
        } else {
            return nil
        }
    }

    /// What files of pictures begin with, those included that are not decoded here.
    private static let pictures: [[UInt8]] = [
        [0x89, 0x50, 0x4E, 0x47], [0xFF, 0xD8, 0xFF], Array("GIF8".utf8), Array("qoif".utf8), [0x49, 0x49, 0x2A, 0],
        [0x4D, 0x4D, 0, 0x2A], Array("8BPS".utf8), [0xFF, 0x0A],
    ]
}
