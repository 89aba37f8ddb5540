import Testing

@testable import CLIPPictures

@Suite struct JPEGEntropyTests {
    @Test func `Bits come without stuffed zeros`() {
        let bytes: [UInt8] = [0x12, 0xFF, 0x00, 0x34, 0xFF, 0xFF, 0x00, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0, 0xFF, 0xD9]
        let expected: [Int] = [0x12, 0xFF, 0x34, 0xFF, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0]
        bytes.withUnsafeBufferPointer { bytes in
            var reader = JPEGBitReader(bytes, position: 0)
            for byte in expected {
                reader.refill()
                #expect(reader.unsigned(3) == byte >> 5)
                #expect(reader.unsigned(5) == byte & 31)
            }
            #expect(!reader.isOverrun)
            reader.refill()
            #expect(reader.unsigned(15) == 0)
            #expect(reader.isOverrun && !reader.isAtEnd)
            #expect(reader.position == 13)
        }
    }

    @Test func `The end of the data is noted`() {
        let bytes: [UInt8] = [0xAB, 0xCD]
        bytes.withUnsafeBufferPointer { bytes in
            var reader = JPEGBitReader(bytes, position: 0)
            reader.refill()
            #expect(reader.unsigned(15) == 0xABCD >> 1)
            let last = reader.bit()
            #expect(last && !reader.isOverrun && reader.isAtEnd)
            let beyond = reader.bit()
            #expect(!beyond)
            #expect(reader.isOverrun)
        }
    }

    @Test func `Values are extended by their sign`() {
        let bytes: [UInt8] = [0b0110_0100, 0, 0, 0, 0, 0, 0, 0]
        bytes.withUnsafeBufferPointer { bytes in
            var reader = JPEGBitReader(bytes, position: 0)
            reader.refill()
            #expect(reader.signed(0) == 0)
            #expect(reader.signed(1) == -1)
            #expect(reader.signed(2) == 3)
            #expect(reader.signed(5) == -27)
        }
    }

    /// Reads symbols, and values where the table gives them, from bits written as a string.
    private func decode(_ table: JPEGHuffmanTable, _ bits: String) -> [UInt32] {
        var bytes = [UInt8](repeating: 0, count: bits.utf8.count / 8 + 8)
        for (index, bit) in bits.utf8.enumerated() where bit == UInt8(ascii: "1") {
            bytes[index / 8] |= 0x80 >> UInt8(index % 8)
        }
        let stuffed = bytes.flatMap { $0 == 0xFF ? [0xFF, 0] : [$0] }
        return stuffed.withUnsafeBufferPointer { bytes in
            var reader = JPEGBitReader(bytes, position: 0)
            return (0..<2).map { _ in
                reader.refill()
                return reader.entry(table.view)
            }
        }
    }

    @Test func `Codes of every length are found`() throws {
        // One code of each length: 0, 10, 110 …; symbols are their lengths.
        let lengths = [UInt8](1...16)
        let code = JPEGHuffmanCode(
            counts: [UInt8](repeating: 1, count: 16),
            symbols: lengths.map { $0 << 4 } + [UInt8](repeating: 0, count: 240))
        let table = try #require(JPEGHuffmanTable(code, for: .ac))
        for length in 1...15 {
            let bits = String(repeating: "1", count: length - 1) + "0"
            let symbols = decode(table, bits + "10").map { UInt8(truncatingIfNeeded: $0 >> 8) }
            #expect(symbols == [UInt8(length) << 4, 2 << 4])
        }
    }

    @Test func `Short codes bring their values`() throws {
        let code = JPEGHuffmanCode(
            counts: [0, 2] + [UInt8](repeating: 0, count: 14),
            symbols: [0x23, 0x01] + [UInt8](repeating: 0, count: 254))
        let table = try #require(JPEGHuffmanTable(code, for: .ac))
        // 00 is a run of two and three value bits, 010 of them: -5; then 01, one value bit, 1.
        #expect(decode(table, "00010" + "011") == [0xFFFB_2305, 0x0001_0103])
        let refinement = try #require(JPEGHuffmanTable(code, for: .refinement))
        #expect(decode(refinement, "00" + "01") == [0x2302, 0x0102])
    }

    @Test func `Only prefix codes with a free code of ones are taken`() {
        func table(_ counts: [UInt8], _ use: JPEGHuffmanTable.Use = .ac, symbol: UInt8 = 0) -> JPEGHuffmanTable? {
            let counts = counts + [UInt8](repeating: 0, count: 16 - counts.count)
            return JPEGHuffmanTable(
                JPEGHuffmanCode(counts: counts, symbols: [UInt8](repeating: symbol, count: 256)), for: use)
        }
        #expect(table([1, 1]) != nil)
        #expect(table([2]) == nil)
        #expect(table([1, 2]) == nil)
        #expect(table([0, 5]) == nil)
        #expect(table([1], .dc, symbol: 15) != nil)
        #expect(table([1], .dc, symbol: 16) == nil)
        #expect(table([]) != nil)
    }
}
