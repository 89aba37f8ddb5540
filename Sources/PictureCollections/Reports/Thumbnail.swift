public import CLIP
import CLIPPictures

/// A small picture for a page.
public enum Thumbnail: Sendable {
    /// A JPEG inside the page, of so many pixels.
    case embedded(jpeg: [UInt8], width: Int, height: Int)
    /// A file, by its address as seen from the page, already escaped as addresses are.
    case linked(String)
    /// The picture can't be shown.
    case missing

    /// The length in pixels of the longest edge on a page of so many pictures: sharp on every screen when they are few,
    /// a page of 40 MB when they are 5,000.
    public static func edge(pictureCount: Int) -> Int { pictureCount <= 400 ? 320 : 160 }

    /// A picture, shrunk to be put inside a page.
    /// - Parameter edge: the length of its longest edge in pixels; a smaller picture stays as it is.
    public init(of image: Picture, edge: Int = 160) {
        let bitmap = image.bitmap
        let longest = max(bitmap.width, bitmap.height)
        guard longest > edge else {
            self = .embedded(jpeg: encodeJPEG(bitmap), width: bitmap.width, height: bitmap.height)
            return
        }
        func scaled(_ length: Int) -> Int { max(1, (length * edge + longest / 2) / longest) }
        let (width, height) = (scaled(bitmap.width), scaled(bitmap.height))
        let small = bitmap.resized(
            width: width, height: height, filter: .bilinear,
            window: PixelWindow(left: 0, top: 0, width: width, height: height))
        self = .embedded(jpeg: encodeJPEG(small), width: width, height: height)
    }
}
