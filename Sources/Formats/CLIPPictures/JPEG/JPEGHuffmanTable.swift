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
