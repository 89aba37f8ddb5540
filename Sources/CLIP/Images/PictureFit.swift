/// How a picture that is not square becomes the square that the image encoder takes.
public enum PictureFit: String, Sendable, CaseIterable {
    /// The shortest edge is resized to the model's size and the middle is kept: the ends of wide pictures are lost.
    case crop
    /// The picture is resized to the square, whatever its proportions.
    case squash
    /// The longest edge is resized to the model's size and the rest is filled.
    case pad
    /// Square windows along the long side, both ends included, are embedded each and averaged.
    case multicrop
}
