import CLIP
import CLIPSystem

extension Image {
    /// As much as a picture file may reasonably have: a device without an end must not fill the memory.
    static let largestFile = 1 << 30

    /// Reads and decodes the picture at a path, which may be a pipe.
    init(reading path: PathBytes, options: ImageOptions) throws(CLIPError) {
        try self.init(named: path.text, options: options) { () throws(SystemError) in
            try path.read(atMost: Image.largestFile)
        }
    }

    /// Reads and decodes the picture on standard input.
    init(readingStandardInput options: ImageOptions) throws(CLIPError) {
        try self.init(named: "standard input", options: options) { () throws(SystemError) in
            try readToEnd(of: 0, atMost: Image.largestFile)
        }
    }

    private init(
        named name: String, options: ImageOptions, _ read: () throws(SystemError) -> [UInt8]
    ) throws(CLIPError) {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try read()
        } catch {
            throw CLIPError(.image, path: name, "can't be read: \(error.message)")
        }
        try self.init(bytes: bytes, options: options)
    }
}
