internal import CLIPSystem
internal import CLIPPictures

/// The bytes of the picture file at `path`.
/// - Throws: `CLIPError` of kind `.image` in the system's words.
func pictureBytes(_ path: PathBytes) throws(CLIPError) -> [UInt8] {
    do {
        return try readPictureFile(path)
    } catch {
        throw CLIPError(.image, path: path.text, error.description)
    }
}

/// The bytes of the picture that an open descriptor brings, which stays open. What doesn't begin as one is not read on.
/// - Parameter name: what it is, for errors.
/// - Throws: `CLIPError` of kind `.image`.
package func pictureBytes(descriptor: Int32, name: String) throws(CLIPError) -> [UInt8] {
    do {
        return try readPicture(descriptor: descriptor)
    } catch {
        throw CLIPError(.image, path: name, error.description)
    }
}
