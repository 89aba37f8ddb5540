import CLIP
import PictureCollections

/// Makes the thumbnails of a page from the pictures themselves.
struct ThumbnailSource {
    let options: ImageOptions

    /// The picture at a path, shrunk; missing when it can't be read again, as standard input can't.
    func thumbnail(_ path: String) -> Thumbnail {
        guard let image = try? Image(reading: FilePath(path), options: options) else { return .missing }
        return Thumbnail(of: image)
    }
}
