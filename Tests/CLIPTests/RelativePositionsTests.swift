@testable import CLIP
import Testing

@Suite struct RelativePositionsTests {
    /// From transformers 5.23, MT5Attention._relative_position_bucket: where each bucket begins, from 130 places before the
    /// query to 130 behind it.
    @Test func `Buckets are those of the reference`() {
        let positions = RelativePositions(buckets: 32, farthest: 128)
        let starts: KeyValuePairs = [
            -130: 15, -90: 14, -63: 13, -45: 12, -31: 11, -22: 10, -15: 9, -11: 8, -7: 7, -6: 6, -5: 5,
            -4: 4, -3: 3, -2: 2, -1: 1, 0: 0, 1: 17, 2: 18, 3: 19, 4: 20, 5: 21, 6: 22, 7: 23, 8: 24,
            12: 25, 16: 26, 23: 27, 32: 28, 46: 29, 64: 30, 91: 31,
        ]
        var bucket = -1
        for offset in -130...130 {
            bucket = starts.first { $0.key == offset }?.value ?? bucket
            #expect(positions.bucket(offset) == bucket, "\(offset)")
        }
    }
}
