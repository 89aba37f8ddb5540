/// Files that are often met where weights were meant, told by their first bytes.
enum ForeignFormat {
    case pyTorch, gguf, legacyPyTorch, tar, compressed, lfsPointer, webPage

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
        } else {
            return nil
        }
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
        }
    }
}
