import CLIP
import CLIPSystem

extension Picture {
    /// Reads and decodes the picture at a path, which may be a pipe.
    init(reading path: PathBytes, options: PictureOptions) throws(CLIPError) {
        try self.init(bytes: try path.pictureBytes(), options: options)
    }

    /// Reads and decodes the picture on standard input.
    init(readingStandardInput options: PictureOptions) throws(CLIPError) {
        try self.init(bytes: try standardInputPicture(), options: options)
    }
}

extension PathBytes {
    /// The bytes of the picture file there, or of what a pipe brings.
    func pictureBytes() throws(CLIPError) -> [UInt8] {
        let descriptor: Int32
        do throws(SystemError) {
            descriptor = try open()
        } catch {
            throw CLIPError(.picture, path: text, "can't be read: \(error.message)")
        }
        defer { close(descriptor) }
        return try CLIP.pictureBytes(descriptor: descriptor, name: text)
    }
}

/// The bytes of the picture on standard input.
func standardInputPicture() throws(CLIPError) -> [UInt8] {
    try pictureBytes(descriptor: STDIN_FILENO, name: "standard input")
}
