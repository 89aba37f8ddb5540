internal import Images

/// The bytes of the picture file at `path`.
/// - Throws: `CLIPError` of kind `.image` in the system's words.
func pictureBytes(_ path: String) throws(CLIPError) -> [UInt8] {
    do {
        return try readPictureFile(path)
    } catch {
        throw CLIPError(.image, path: path, error.description)
    }
}
