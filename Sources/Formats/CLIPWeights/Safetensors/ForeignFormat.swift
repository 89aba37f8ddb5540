/// Files that are often met where weights were meant, told by their first bytes.
enum ForeignFormat {
    case pyTorch, gguf, legacyPyTorch, tar, compressed, lfsPointer, webPage, json
    /// A picture, such as `JPEG`.
    case picture(String)

    init?(_ bytes: UnsafeRawBufferPointer) {
        func begins(_ text: String) -> Bool { bytes.starts(with: text.utf8) }
        if bytes.starts(with: ZipArchive.signature) {
            self = .pyTorch
        } else if bytes.starts(with: GGUFFile.signature) {
            self = .gguf
        } else if bytes.starts(with: [0x80, 0x02]) && bytes.count > 8 && bytes[7] != 0 {
            self = .legacyPyTorch
        } else if bytes.count > 262 && bytes[257..<262].elementsEqual("ustar".utf8) {
            self = .tar
        } else if bytes.starts(with: [0x1F, 0x8B]) || bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
            self = .compressed
        } else if begins("version https://git-lfs") {
            self = .lfsPointer
        } else if begins("<!DOCTYPE") || begins("<!doctype") || begins("<html") {
            self = .webPage
        } else if begins("{") && bytes.count > 8 && bytes[7] != 0 {
            self = .json
        } else if let name = ForeignFormat.picture(bytes) {
            self = .picture(name)
        } else {
            return nil
        }
    }

    /// The format of a picture; none of these beginnings is the length of a safetensors header.
    private static func picture(_ bytes: UnsafeRawBufferPointer) -> String? {
        let magics: [(name: String, magic: [UInt8])] = [
            ("JPEG", [0xFF, 0xD8, 0xFF]), ("PNG", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A]), ("GIF", Array("GIF8".utf8)),
            ("TIFF", [0x49, 0x49, 0x2A, 0x00, 0x08]), ("TIFF", [0x4D, 0x4D, 0x00, 0x2A]),
        ]
        if let match = magics.first(where: { bytes.starts(with: $0.magic) }) { return match.name }
        guard bytes.count > 12, bytes.starts(with: "RIFF".utf8), bytes[8..<12].elementsEqual("WEBP".utf8) else {
            return bytes.count > 12 && bytes[4..<8].elementsEqual("ftyp".utf8) ? "HEIC or AVIF" : nil
        }
        return "WebP"
    }

    var description: String {
        switch self {
        case .pyTorch: "a PyTorch file"
        case .gguf: "a GGUF file"
        case .legacyPyTorch: "a PyTorch file of the form before version 1.6 (a bare pickle)"
        case .tar: "a tar archive, as PyTorch wrote before version 0.1.10, or one that holds the weights"
        case .compressed: "a compressed file"
        case .lfsPointer: "a Git LFS pointer, not the weights"
        case .webPage: "a web page, not the weights"
        case .json: "a JSON text, not the weights"
        case .picture(let name): "a picture (\(name)), not a model"
        }
    }

    var advice: String {
        switch self {
        case .pyTorch: "name it so, .pt or .bin"
        case .gguf: "name it so, .gguf"
        case .legacyPyTorch:
            "load it in PyTorch 1.6 or later and save it again, torch.save(torch.load(\"IN\"), \"OUT\")"
        case .tar: "unpack it, or load it in PyTorch and save it again"
        case .compressed: "unpack it first"
        case .lfsPointer: "run \"git lfs pull\" in its folder, or download the file itself"
        case .webPage: "download the file itself, not the page about it"
        case .json: "give the folder that it lies in, or the file of weights beside it"
        case .picture: "give a model's file or folder"
        }
    }
}
