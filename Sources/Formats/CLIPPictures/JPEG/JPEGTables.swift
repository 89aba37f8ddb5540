/// The quantisation and Huffman tables that a file has defined so far.
struct JPEGTables {
    /// 64 factors each, row by row.
    private(set) var quantisation = [[UInt16]?](repeating: nil, count: 4)
    private var dcCodes: [JPEGHuffmanCode?] = [
        JPEGStandardCodes.luminanceDC, JPEGStandardCodes.chrominanceDC, nil, nil,
    ]
    private var acCodes: [JPEGHuffmanCode?] = [
        JPEGStandardCodes.luminanceAC, JPEGStandardCodes.chrominanceAC, nil, nil,
    ]
    /// Laid out when a scan first uses them, so that tables which no scan uses cost nothing.
    private var built: [Key: JPEGHuffmanTable] = [:]

    private struct Key: Hashable {
        let use: JPEGHuffmanTable.Use
        let index: Int
    }

    /// Takes in a DQT segment.
    mutating func defineQuantisation(_ contents: JPEGSegment) throws(PictureError) {
        var segment = contents
        while segment.count > 0 {
            let start = segment.position
            let kind = try segment.byte()
            let index = Int(kind & 15)
            guard index < 4 else {
                throw .brokenJPEG(at: start, "quantisation table \(index): 0 to 3 were expected")
            }
            var factors = [UInt16](repeating: 0, count: 64)
            for position in 0..<64 {
                let factor = kind >> 4 == 0 ? Int(try segment.byte()) : try segment.word()
                factors[Int(JPEGZigzag.order[position])] = UInt16(factor)
            }
            quantisation[index] = factors
        }
    }

    /// Takes in a DHT segment.
    mutating func defineHuffman(_ contents: JPEGSegment) throws(PictureError) {
        var segment = contents
        while segment.count > 0 {
            let start = segment.position
            let kind = try segment.byte()
            let index = Int(kind & 15)
            guard index < 4, kind >> 4 < 2 else {
                throw .brokenJPEG(
                    at: start, "Huffman table \(index) of class \(kind >> 4): 0 to 3 of class 0 or 1 were expected")
            }
            var counts: [UInt8] = []
            for _ in 0..<16 { counts.append(try segment.byte()) }
            let symbolCount = counts.reduce(0) { $0 + Int($1) }
            guard symbolCount <= 256 else {
                throw .brokenJPEG(at: start, "a Huffman table of \(symbolCount) codes: 256 is the limit")
            }
            var symbols = [UInt8](repeating: 0, count: 256)
            for i in 0..<symbolCount { symbols[i] = try segment.byte() }

            let code = JPEGHuffmanCode(counts: counts, symbols: symbols)
            if kind >> 4 == 0 {
                dcCodes[index] = code
                built[Key(use: .dc, index: index)] = nil
            } else {
                acCodes[index] = code
                built[Key(use: .ac, index: index)] = nil
                built[Key(use: .refinement, index: index)] = nil
            }
        }
    }

    /// The Huffman table `index` for one use.
    /// - Parameter offset: of the scan that wants it.
    mutating func huffman(
        _ use: JPEGHuffmanTable.Use, _ index: Int, at offset: Int
    ) throws(PictureError) -> JPEGHuffmanTable {
        let key = Key(use: use, index: index)
        if let table = built[key] { return table }
        let name = use == .dc ? "DC" : "AC"
        guard index < 4, let code = use == .dc ? dcCodes[index] : acCodes[index] else {
            throw .brokenJPEG(at: offset, "the scan wants \(name) Huffman table \(index), which is not defined")
        }
        guard let table = JPEGHuffmanTable(code, for: use) else {
            throw .brokenJPEG(at: offset, "\(name) Huffman table \(index) is not a prefix code")
        }
        built[key] = table
        return table
    }
}
