/// Luma and chroma of a frame, whole macroblocks.
struct VP8Planes {
    let macroblocksAcross: Int
    let macroblocksDown: Int
    /// `[16 * macroblocksDown, 16 * macroblocksAcross]`
    var luma: [UInt8]
    /// `[8 * macroblocksDown, 8 * macroblocksAcross]`: blue difference, red difference.
    var chroma: [[UInt8]]

    init(width: Int, height: Int) {
        macroblocksAcross = (width + 15) / 16
        macroblocksDown = (height + 15) / 16
        let count = 64 * macroblocksAcross * macroblocksDown
        luma = pictureMemory(4 * count)
        // Neutral, so that what is missing of a cut frame is black.
        chroma = [[UInt8]](repeating: [UInt8](repeating: 128, count: count), count: 2)
    }

    var lumaStride: Int { 16 * macroblocksAcross }
    var chromaStride: Int { 8 * macroblocksAcross }
}
