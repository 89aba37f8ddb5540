internal import CLIPSystem

/// Decompresses the strips and tiles of a TIFF picture.
struct TIFFChunkDecoder {
    let layout: TIFFLayout
    let bytes: [UInt8]
    let isLittleEndian: Bool
    let format: String

    /// Decompresses one strip or tile.
    /// - Parameter rows: how many rows it has.
    /// - Returns: `rows` rows of `layout.chunkRowBytes`, big-endian samples made little-endian; zeros where data is
    ///   missing, and how many bytes are not missing.
    func decode(_ index: Int, rows: Int) throws(CLIPError) -> (bytes: [UInt8], present: Int) {
        let size = rows * layout.chunkRowBytes
        guard index < layout.offsets.count, layout.offsets[index] < bytes.count else {
            return ([UInt8](repeating: 0, count: size), 0)
        }
        let start = layout.offsets[index]
        var data = Array(bytes[start..<start + layout.byteCounts[index]])
        if layout.isBitReversed { data = data.map { TIFFChunkDecoder.reversed[Int($0)] } }
        var output: [UInt8]
        switch layout.compression {
        case 1: output = data
        case 2, 3, 4: output = try fax(data, rows: rows)
        case 5: output = try lzw(data, size: size, at: start)
        case 8, 32946: output = try deflate(data, size: size, at: start)
        case 32773: output = packBits(data, size: size)
        case let other: throw unsupported(other)
        }
        let present = min(output.count, size)
        if output.count > size { output.removeLast(output.count - size) }
        output.append(contentsOf: repeatElement(0, count: size - output.count))
        if !isLittleEndian, layout.bitsPerSample > 8 { swapBytes(&output) }
        if layout.hasPredictor { addDifferences(&output, rows: rows) }
        return (output, present)
    }

    private func unsupported(_ compression: Int) -> CLIPError {
        let names = [
            6: "old-style JPEG compression", 34712: "JPEG 2000 compression",
            34925: "LZMA compression", 50000: "Zstandard compression", 50001: "WebP compression",
        ]
        return .unsupported(
            format: format, feature: names[compression] ?? "compression \(compression)",
            advice: "convert it to PNG first, for example with `magick in.tif out.png`")
    }

    private static let reversed: [UInt8] = (0..<256).map { byte in
        (0..<8).reduce(UInt8(0)) { $0 << 1 | UInt8(byte >> $1 & 1) }
    }

    private func lzw(_ data: [UInt8], size: Int, at start: Int) throws(CLIPError) -> [UInt8] {
        // Before TIFF 5.0 codes were written as in GIF: a clear code then begins with a zero byte.
        let isOld = data.count >= 2 && data[0] == 0 && data[1] & 1 == 1
        let decoder = LZWDecoder(flavour: isOld ? .gif : .tiff, literalBits: 8)
        let capacity = min(size, (data.count + 1) * 4096)
        var output = [UInt8](repeating: 0, count: capacity + LZWDecoder.slack)
        let (written, ending) = data.withUnsafeBufferPointer { input in
            output.withUnsafeMutableBufferPointer { decoder.decode(input, into: $0) }
        }
        if case .undefinedCode(let position) = ending {
            throw .malformed(
                format: format, offset: start + position,
                problem: "the compressed data uses a code that it has not defined")
        }
        output.removeLast(output.count - written)
        return output
    }

    private func deflate(_ data: [UInt8], size: Int, at start: Int) throws(CLIPError) -> [UInt8] {
        var output: [UInt8] = []
        func malformed(_ problem: String) -> CLIPError {
            .malformed(format: format, offset: start, problem: problem)
        }
        var stream: ZlibStream
        do throws(StreamFault) { stream = try ZlibStream(data) } catch {
            if case .corrupt(let problem) = error { throw malformed(problem) }
            return []
        }
        output.reserveCapacity(min(size, data.count * 1032))
        while output.count < size {
            switch stream.next({ (piece) throws(Never) in output.append(contentsOf: piece) }) {
            case .more: continue
            case .failed(.corrupt(let problem)) where output.count < size: throw malformed(problem)
            case .finished, .failed: return output
            }
        }
        return output
    }

    private func fax(_ data: [UInt8], rows: Int) throws(CLIPError) -> [UInt8] {
        guard layout.bitsPerSample == 1, layout.samplesPerChunkPixel == 1, layout.faxOptions & 2 == 0 else {
            throw .unsupported(
                format: format, feature: "fax compression of other than bilevel pictures, or uncompressed fax data",
                advice: "convert it to PNG first, for example with `magick in.tif out.png`")
        }
        let scheme: CCITTDecoder.Scheme =
            switch layout.compression {
            case 3: .group3(isTwoDimensional: layout.faxOptions & 1 == 1)
            case 4: .group4
            default: .runs
            }
        return CCITTDecoder.decode(data, width: layout.chunkWidth, rows: rows, scheme: scheme)
    }

    private func packBits(_ data: [UInt8], size: Int) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(min(size, data.count * 64))
        var position = 0
        while position < data.count, output.count < size {
            let head = Int(Int8(bitPattern: data[position]))
            position += 1
            if head >= 0 {
                let end = min(position + head + 1, data.count)
                output.append(contentsOf: data[position..<end])
                position = end
            } else if head > -128, position < data.count {
                output.append(contentsOf: repeatElement(data[position], count: 1 - head))
                position += 1
            }
        }
        return output
    }

    private func swapBytes(_ output: inout [UInt8]) {
        let size = layout.bitsPerSample / 8
        output.withUnsafeMutableBufferPointer { output in
            for start in stride(from: 0, to: output.count - size + 1, by: size) {
                for index in 0..<size / 2 { output.swapAt(start + index, start + size - 1 - index) }
            }
        }
    }

    /// Undoes horizontal differencing (TIFF 6.0, section 14).
    private func addDifferences(_ output: inout [UInt8], rows: Int) {
        let samples = layout.samplesPerChunkPixel
        let rowBytes = layout.chunkRowBytes
        let size = layout.bitsPerSample / 8
        output.withUnsafeMutableBufferPointer { output in
            for row in 0..<rows {
                let first = row * rowBytes + samples * size
                let end = (row + 1) * rowBytes
                guard first < end else { continue }
                if size == 1 {
                    for at in first..<end { output[at] &+= output[at - samples] }
                    continue
                }
                for at in stride(from: first, to: end, by: size) {
                    var carry = 0
                    for byte in 0..<size {
                        let sum = Int(output[at + byte]) + Int(output[at + byte - samples * size]) + carry
                        output[at + byte] = UInt8(truncatingIfNeeded: sum)
                        carry = sum >> 8
                    }
                }
            }
        }
    }
}

/// JPEG inside TIFF (TIFF Technical Note 2): every strip or tile is a JPEG of its own, its tables may be apart.
struct TIFFJPEG {
    let layout: TIFFLayout
    let bytes: [UInt8]
    /// A JPEG of tables alone, from its first to its last marker.
    let tables: ArraySlice<UInt8>?

    /// - Returns: `[height, width, 3]`
    func decode(_ options: DecodingOptions) throws(CLIPError) -> [UInt8] {
        var pixels = pictureMemory(3 * layout.width * layout.height)
        for index in 0..<layout.chunksAcross * layout.chunksDown {
            let top = index / layout.chunksAcross * layout.chunkHeight
            let left = index % layout.chunksAcross * layout.chunkWidth
            guard let stream = stream(index) else {
                if options.allowTruncated { continue }
                throw .truncated(format: "TIFF", offset: bytes.count, problem: "strip or tile \(index) is not a JPEG")
            }
            var limited = options
            limited.leastEdge = nil
            limited.maximumPixels = min(options.maximumPixels, layout.chunkWidth * (layout.chunkHeight + 16))
            let chunk = try JPEGDecoder.decode(stream, options: limited).bitmap
            let columns = min(layout.width - left, chunk.width)
            for y in 0..<min(layout.height - top, chunk.height) {
                let start = 3 * ((top + y) * layout.width + left)
                let source = 3 * y * chunk.width
                pixels.replaceSubrange(start..<start + 3 * columns, with: chunk.pixels[source..<source + 3 * columns])
            }
        }
        return pixels
    }

    /// A whole JPEG: the tables put in, and a marker that says what its colours are.
    private func stream(_ index: Int) -> [UInt8]? {
        guard index < layout.offsets.count, layout.offsets[index] < bytes.count else { return nil }
        let start = layout.offsets[index]
        let data = bytes[start..<start + layout.byteCounts[index]]
        guard data.starts(with: [0xFF, 0xD8]) else { return nil }
        // Adobe's marker: no transform for RGB, 1 for YCC.
        let transform: UInt8 = if case .jpegYCC = layout.colour { 1 } else { 0 }
        let adobe: [UInt8] = [0xFF, 0xEE, 0, 14] + Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, transform]
        var stream: [UInt8] = [0xFF, 0xD8]
        if layout.samplesPerPixel == 3 { stream += adobe }
        if let tables, tables.count > 4 { stream += tables.dropFirst(2).dropLast(2) }
        return stream + data.dropFirst(2)
    }
}
