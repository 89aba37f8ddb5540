@testable import CLIP
import Foundation
import Testing

@Suite struct RelativePositionsTests {
    /// Press et al., 2022, and of a number of heads that is no power of two their program.
    @Test func `Slopes halve from head to head`() {
        let twelve: [Float] = (1...8).map { 1 / Float(1 << $0) } + [0.5, 1.5, 2.5, 3.5].map { Float(pow(2, -$0)) }
        #expect(RelativePositions.slopes(heads: 12) == twelve)
        #expect(RelativePositions.slopes(heads: 8) == Array(twelve.prefix(8)))
        #expect(RelativePositions.slopes(heads: 1) == [1 / 256])
    }

    /// From transformers 5.23, MT5Attention._relative_position_bucket: where each bucket begins, from 130 places before the
    /// query to 130 behind it.
    @Test func `Buckets are those of the reference`() {
        let starts: KeyValuePairs = [
            -130: 15, -90: 14, -63: 13, -45: 12, -31: 11, -22: 10, -15: 9, -11: 8, -7: 7, -6: 6, -5: 5,
            -4: 4, -3: 3, -2: 2, -1: 1, 0: 0, 1: 17, 2: 18, 3: 19, 4: 20, 5: 21, 6: 22, 7: 23, 8: 24,
            12: 25, 16: 26, 23: 27, 32: 28, 46: 29, 64: 30, 91: 31,
        ]
        var bucket = -1
        for offset in -130...130 {
            bucket = starts.first { $0.key == offset }?.value ?? bucket
            #expect(RelativePositions.bucket(offset, count: 32, farthest: 128) == bucket, "\(offset)")
        }
    }
}
