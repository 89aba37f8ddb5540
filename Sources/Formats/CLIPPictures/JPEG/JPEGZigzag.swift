/// The order in which a block's coefficients are coded.
enum JPEGZigzag {
    /// For each position in zigzag order the index in the 8 × 8 block, row by row. Runs of zeros in damaged data end up
    /// to 16 positions beyond the block: those all mean the last coefficient.
    static let order: [UInt8] =
        [
            0, 1, 8, 16, 9, 2, 3, 10,
            17, 24, 32, 25, 18, 11, 4, 5,
            12, 19, 26, 33, 40, 48, 41, 34,
            27, 20, 13, 6, 7, 14, 21, 28,
            35, 42, 49, 56, 57, 50, 43, 36,
            29, 22, 15, 23, 30, 37, 44, 51,
            58, 59, 52, 45, 38, 31, 39, 46,
            53, 60, 61, 54, 47, 55, 62, 63,
        ] + [UInt8](repeating: 63, count: 16)
}
