/// A Huffman code as a DHT segment gives it: how many codes of each length, and their symbols in order.
struct JPEGHuffmanCode: Equatable {
    /// Codes of length 1…16 bits.
    let counts: [UInt8]
    let symbols: [UInt8]
}

/// A Huffman code laid out for decoding: most codes, and the value bits behind them, by one look-up.
final class JPEGHuffmanTable {
    enum Use {
        case dc
        case ac
        /// The second and later passes over AC coefficients: one bit follows a symbol, whatever size it names.
        case refinement
    }

    /// Bits that index `entries`.
    static let lookaheadBits = 10

    /// For each value of the next bits:
    /// - bits 0…7: how many bits to drop; 0 where the code is longer than the look-up,
    /// - bits 8…15: the symbol (for AC: run of zeros, and value size),
    /// - bits 16…31: the signed value where code and value bits fit the look-up (then dropped too), else 0.
    private let entries = JPEGStorage<UInt32>(repeating: 0, count: 1 << JPEGHuffmanTable.lookaheadBits)
    /// For each length the first code beyond it, left-aligned in 16 bits; 0 where there is none.
    private var limits = [UInt32](repeating: 0, count: 17)
    /// For each length what to add to a code to get its place in `symbols`.
    private var offsets = [Int](repeating: 0, count: 17)
    private let symbols: [UInt8]

    /// - Returns: nil if the lengths are not those of a prefix code that leaves the code of all ones free.
    init?(_ code: JPEGHuffmanCode, for use: Use) {
        symbols = code.symbols
        var next = 0
        var index = 0
        for length in 1...16 {
            let count = Int(code.counts[length - 1])
            offsets[length] = index - next
            for _ in 0..<count {
                guard index < symbols.count, next < 1 << length else { return nil }
                let symbol = symbols[index]
                if use == .dc, symbol > 15 { return nil }
                if length <= Self.lookaheadBits {
                    fill(code: next, length: length, symbol: symbol, hasValue: use != .refinement)
                }
                next += 1
                index += 1
            }
            guard count == 0 || next < 1 << length else { return nil }
            if count > 0 { limits[length] = UInt32(next) << (16 - length) }
            next <<= 1
        }
    }

    /// The table for a loop, without counting references; whoever makes it keeps the table.
    struct View: BitwiseCopyable {
        let entries: UnsafePointer<UInt32>
        private let table: Unmanaged<JPEGHuffmanTable>

        fileprivate init(_ table: JPEGHuffmanTable) {
            entries = UnsafePointer(table.entries.base)
            self.table = .passUnretained(table)
        }

        /// As an entry of `entries`, for a code that is too long for them.
        /// - Parameter bits: the next bits, left-aligned.
        @inline(never)
        func longEntry(_ bits: UInt64) -> UInt32 { table._withUnsafeGuaranteedRef { $0.longEntry(bits) } }
    }

    var view: View { View(self) }

    private func fill(code: Int, length: Int, symbol: UInt8, hasValue: Bool) {
        let spare = Self.lookaheadBits - length
        let size = Int(symbol & 15)
        for tail in 0..<(1 << spare) {
            var entry = UInt32(symbol) << 8
            if hasValue, size > 0, size <= spare {
                let magnitude = tail >> (spare - size)
                let value = magnitude < 1 << (size - 1) ? magnitude - (1 << size) + 1 : magnitude
                entry |= UInt32(UInt16(truncatingIfNeeded: value)) << 16 | UInt32(length + size)
            } else {
                entry |= UInt32(length)
            }
            entries.base[code << spare | tail] = entry
        }
    }

    /// For bits that are no code 17 of them are dropped and the symbol is 0, as the reference decoder has it, so that
    /// damaged files decode to the same pixels.
    private func longEntry(_ bits: UInt64) -> UInt32 {
        let code = UInt32(truncatingIfNeeded: bits >> 48)
        for length in (Self.lookaheadBits + 1)...16 where code < limits[length] {
            let symbol = symbols[(Int(code >> UInt32(16 - length)) + offsets[length]) & 255]
            return UInt32(symbol) << 8 | UInt32(length)
        }
        return 17
    }
}

/// The typical Huffman codes of T.81, annex K.3: those of files that bring none, such as single pictures of motion JPEG.
enum JPEGStandardCodes {
    static let luminanceDC = code(
        counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
        symbols: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])

    static let chrominanceDC = code(
        counts: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
        symbols: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])

    static let luminanceAC = code(
        counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
        symbols: [
            0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
            0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0,
            0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28,
            0x29, 0x2A, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
            0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
            0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
            0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7,
            0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3, 0xC4, 0xC5,
            0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
            0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
            0xF9, 0xFA,
        ])

    static let chrominanceAC = code(
        counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
        symbols: [
            0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
            0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0,
            0x15, 0x62, 0x72, 0xD1, 0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26,
            0x27, 0x28, 0x29, 0x2A, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
            0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
            0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
            0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5,
            0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
            0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
            0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
            0xF9, 0xFA,
        ])

    private static func code(counts: [UInt8], symbols: [UInt8]) -> JPEGHuffmanCode {
        JPEGHuffmanCode(counts: counts, symbols: symbols + [UInt8](repeating: 0, count: 256 - symbols.count))
    }
}
