/// How strongly the edges of macroblocks are smoothed (RFC 6386, sections 9.6 and 15).
struct VP8LoopFilterHeader {
    /// What one macroblock needs.
    struct Strength {
        /// 0 for no filter at all.
        var limit = 0
        var interiorLimit = 0
        /// Differences over this are real edges.
        var edgeThreshold = 0
    }

    var isOn = false
    /// The simple filter smooths luma alone.
    var isSimple = false
    /// Strength of each segment and kind of macroblock.
    private var strengths: [Strength] = []

    init() {}

    /// - Parameters:
    ///   - levels: of each segment.
    ///   - referenceChange: what is added in key frames.
    ///   - subblockChange: what is added where subblocks are predicted one by one.
    init(
        isOn: Bool, isSimple: Bool, levels: [Int], sharpness: Int, referenceChange: Int, subblockChange: Int
    ) {
        self.isOn = isOn
        self.isSimple = isSimple
        strengths = levels.flatMap { base in
            [0, subblockChange].map { change in
                let level = max(0, min(63, base + referenceChange + change))
                guard level > 0 else { return Strength() }
                var interior = level
                if sharpness > 0 { interior = min(interior >> (sharpness > 4 ? 2 : 1), 9 - sharpness) }
                interior = max(1, interior)
                return Strength(
                    limit: 2 * level + interior, interiorLimit: interior,
                    edgeThreshold: level >= 40 ? 2 : level >= 15 ? 1 : 0)
            }
        }
    }

    func strength(segment: Int, hasSubblocks: Bool) -> Strength { strengths[2 * segment + (hasSubblocks ? 1 : 0)] }
}
