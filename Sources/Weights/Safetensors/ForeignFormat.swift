/// Files that are often met where safetensors was meant, told by their first bytes or their name.
enum ForeignFormat {
    case pyTorch, gguf, lfsPointer, webPage

    init?(_ bytes: UnsafeRawBufferPointer) {
        func begins(_ text: String) -> Bool { bytes.starts(with: text.utf8) }
        if begins("PK\u{3}\u{4}") || bytes.starts(with: [0x80, 0x02]) && bytes.count > 8 && bytes[7] != 0 {
            self = .pyTorch
        } else if begins("GGUF") {
            self = .gguf
        } else if begins("version https://git-lfs") {
            self = .lfsPointer
        } else if begins("<!DOCTYPE") || begins("<!doctype") || begins("<html") {
            self = .webPage
        } else {
            return nil
        }
    }

    init?(fileName: String) {
        let name = fileName.lowercased()
        if [".bin", ".pt", ".pth", ".ckpt"].contains(where: name.hasSuffix) {
            self = .pyTorch
        } else if name.hasSuffix(".gguf") {
            self = .gguf
        } else {
            return nil
        }
    }

    var description: String {
        switch self {
        case .pyTorch: "a PyTorch file (pickle)"
        case .gguf: "a GGUF file"
        case .lfsPointer: "a Git LFS pointer, not the weights"
        case .webPage: "a web page, not the weights"
        }
    }

    var advice: String {
        switch self {
        case .pyTorch: "this version can't read it, save the model as safetensors (model.safetensors) first"
        case .gguf: "this version can't read it, use the model's original safetensors files"
        case .lfsPointer: "run \"git lfs pull\" in its folder, or download the file itself"
        case .webPage: "download the file itself, not the page about it"
        }
    }
}
