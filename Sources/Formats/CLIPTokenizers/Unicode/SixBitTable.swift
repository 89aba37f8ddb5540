/// Numbers in a string literal, 6 bits a character from "0" on, the highest first: read where the program was loaded,
/// so that a table costs nothing until it is used.
struct SixBitTable: @unchecked Sendable {
    private let start: UnsafePointer<UInt8>
    let count: Int

    init(_ literal: StaticString) {
        start = literal.utf8Start
        count = literal.utf8CodeUnitCount
    }

    /// The number that `count` characters from `offset` on spell. The offset must be inside the table.
    @inline(__always)
    func number(at offset: Int, count: Int) -> UInt32 {
        var number: UInt32 = 0
        for place in 0..<count { number = number << 6 | UInt32(start[offset + place] &- 48) }
        return number
    }

    /// The row whose first `keyLength` characters spell `key`, in a table of rows in order of their keys.
    func row(of key: UInt64, keyLength: Int, rowLength: Int) -> Int? {
        var low = 0
        var high = count / rowLength
        while low < high {
            let middle = (low + high) / 2
            var found: UInt64 = 0
            for place in 0..<keyLength { found = found << 6 | UInt64(start[middle * rowLength + place] &- 48) }
            if found == key { return middle * rowLength }
            if found < key { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
