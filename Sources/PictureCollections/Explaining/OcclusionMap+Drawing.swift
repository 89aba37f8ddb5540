public import CLIP
import CLIPPictures

extension OcclusionMap {
    /// The picture as the model sees it, enlarged, with the map over it: orange where covering lowers the cosine, blue
    /// where it raises it (two colours that most colour-blind people tell apart), stronger where it matters more. The
    /// strongest cell has the full colour, however little that is.
    /// - Parameters:
    ///   - view: the square that the model sees, as `CLIPModel.view` draws it.
    /// - Complexity: O(pixels of `view`).
    public func drawn(over view: Picture) -> Picture {
        let bitmap = view.bitmap
        let strongest = drops.reduce(0) { max($0, abs($1)) }
        guard strongest > 0 else { return view }
        var pixels = bitmap.pixels
        for y in 0..<bitmap.height {
            for x in 0..<bitmap.width {
                let across = (Float(x) + 0.5) / Float(bitmap.width)
                let drop = smoothed(x: across, y: (Float(y) + 0.5) / Float(bitmap.height)) / strongest
                let colour: (Float, Float, Float) = drop > 0 ? (255, 120, 0) : (0, 100, 255)
                let opacity = 0.7 * min(1, abs(drop))
                let start = 3 * (y * bitmap.width + x)
                for (channel, value) in [colour.0, colour.1, colour.2].enumerated() {
                    let mixed = Float(pixels[start + channel]) * (1 - opacity) + value * opacity
                    pixels[start + channel] = UInt8(max(0, min(255, mixed.rounded())))
                }
            }
        }
        return Picture(bitmap: Bitmap(width: bitmap.width, height: bitmap.height, pixels: pixels))
    }

    /// The drop at a place of the picture, each coordinate 0…1, between the centres of cells bilinear.
    private func smoothed(x: Float, y: Float) -> Float {
        func cells(_ place: Float) -> (Int, Int, Float) {
            let position = max(0, min(Float(side - 1), place * Float(side) - 0.5))
            let lower = Int(position)
            return (lower, min(lower + 1, side - 1), position - Float(lower))
        }
        let (left, right, across) = cells(x)
        let (top, bottom, down) = cells(y)
        let upper = drops[top * side + left] * (1 - across) + drops[top * side + right] * across
        let lower = drops[bottom * side + left] * (1 - across) + drops[bottom * side + right] * across
        return upper * (1 - down) + lower * down
    }
}
