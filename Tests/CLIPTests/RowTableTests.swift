import CLIP
import CLIPCompute
import Testing

@Suite struct RowTableTests {
    @Test func `Every half-precision number is widened exactly`() {
        let halves = (0..<256 * 256).map { UInt16($0) }
        let owner = Bytes(halves)
        let table = RowTable(
            rows: 256, columns: 256, elementType: .float16, bytes: UnsafeRawBufferPointer(owner.buffer), owner: owner)
        for row in 0..<256 {
            var sums = [Float](repeating: 0, count: 256)
            sums.withUnsafeMutableBufferPointer { table.add(row: row, to: $0.baseAddress!) }
            for (column, sum) in sums.enumerated() {
                let expected = Float(Float16(bitPattern: halves[row * 256 + column]))
                #expect(sum == expected || sum.isNaN && expected.isNaN, "\(row), \(column)")
            }
        }
    }
}

private final class Bytes: @unchecked Sendable {
    let buffer: UnsafeMutableBufferPointer<UInt16>

    init(_ values: [UInt16]) {
        buffer = .allocate(capacity: values.count)
        _ = buffer.initialize(from: values)
    }

    deinit { buffer.deallocate() }
}
