import CLIPSystem
import CLIPTestSupport
import Testing

@testable import CLIPPictures

@Suite struct PNGDecoderTests {
    @Test func `Every colour type, depth, filter and interlacing is exact`() throws {
        let pictures = try GoldenPicture.all(in: "png")
        #expect(pictures.count == 178)
        for picture in pictures { try picture.expectExact() }
    }

    @Test func `16-bit grey: the high byte, or clipped as Pillow does`() throws {
        let bytes = pngFile(
            width: 3, height: 1, depth: 16, colourType: 0, rows: [[0, 0x12, 0x34, 0x00, 0x80, 0xFF, 0xFF]])
        #expect(try decodePicture(bytes).pixels == [0x12, 0x12, 0x12, 0, 0, 0, 255, 255, 255])
        var options = DecodingOptions()
        options.gray16 = .clip
        #expect(try decodePicture(bytes, options: options).pixels == [255, 255, 255, 128, 128, 128, 255, 255, 255])
    }

    private func exif(_ orientation: UInt8, isLittleEndian: Bool) -> [UInt8] {
        isLittleEndian
            ? [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0]
            : [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]
    }

    @Test(arguments: [true, false])
    func `Orientation is applied unless it is not wanted`(isLittleEndian: Bool) throws {
        // 1 2 3
        // 4 5 6
        let upright: [(UInt8, Int, [UInt8])] = [
            (1, 3, [1, 2, 3, 4, 5, 6]), (2, 3, [3, 2, 1, 6, 5, 4]), (3, 3, [6, 5, 4, 3, 2, 1]),
            (4, 3, [4, 5, 6, 1, 2, 3]), (5, 2, [1, 4, 2, 5, 3, 6]), (6, 2, [4, 1, 5, 2, 6, 3]),
            (7, 2, [6, 3, 5, 2, 4, 1]), (8, 2, [3, 6, 2, 5, 1, 4]), (0, 3, [1, 2, 3, 4, 5, 6]),
            (9, 3, [1, 2, 3, 4, 5, 6]),
        ]
        for (orientation, width, samples) in upright {
            let file = pngFile([
                ("IHDR", [0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 0]),
                ("IDAT", storedZlib([0, 1, 2, 3, 0, 4, 5, 6])),
                ("eXIf", exif(orientation, isLittleEndian: isLittleEndian)),
            ])
            let picture = try decodePicture(file)
            #expect(picture.width == width && picture.height == 6 / width)
            #expect(picture.pixels == samples.flatMap { [$0, $0, $0] }, "orientation \(orientation)")
            var options = DecodingOptions()
            options.appliesOrientation = false
            #expect(try decodePicture(file, options: options).pixels == [1, 2, 3, 4, 5, 6].flatMap { [$0, $0, $0] })
        }
    }

    @Test func `ImageMagick's EXIF in a text chunk counts, unless there is a chunk of its own`() throws {
        let plain = pngFile(width: 2, height: 1, depth: 8, colourType: 0, rows: [[0, 10, 20]])
        let chunks = try splitPNG(plain)
        let (upsideDown, upright) = (exif(3, isLittleEndian: false), exif(1, isLittleEndian: true))
        func text(_ bytes: [UInt8]) -> [UInt8] {
            let digits = (Array("Exif\0\0".utf8) + bytes).map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            let lines = [digits[..<20].joined(), digits[20...].joined()]
            return Array("\nexif\n      32\n\(lines[0])\n\(lines[1])\n".utf8)
        }
        let keyword = Array("Raw profile type exif".utf8) + [0]
        let turned = Bitmap(width: 2, height: 1, pixels: [20, 20, 20, 10, 10, 10])
        for chunk in [
            ("tEXt", keyword + text(upsideDown)), ("zTXt", keyword + [0] + storedZlib(text(upsideDown))),
        ] {
            #expect(try decodePicture(pngFile([chunks[0], chunk] + chunks[1...])) == turned)
            let own = [chunks[0], chunk, ("eXIf", upright)]
            #expect(try decodePicture(pngFile(own + chunks[1...])) == decodePicture(plain))
        }
        for broken in [keyword, keyword + Array("\n\n\nzz".utf8), Array("Raw profile".utf8), keyword + [0, 9]] {
            for type in ["tEXt", "zTXt"] {
                #expect(try decodePicture(pngFile([chunks[0], (type, broken)] + chunks[1...])) == decodePicture(plain))
            }
        }
    }

    /// A directory of these entries: tag, type, count, and the four bytes of its value or offset.
    private func exif(_ entries: [(Int, Int, Int, [UInt8])], values: [UInt8] = []) -> [UInt8] {
        func bytes(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 0xFF) } }
        var file: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0]
        file += bytes(entries.count, 2)
        for (tag, type, count, value) in entries {
            file += bytes(tag, 2)
            file += bytes(type, 2)
            file += bytes(count, 4)
            file += value
        }
        return file + [0, 0, 0, 0] + values
    }

    @Test func `Orientations in other forms mean what they mean to Pillow`() {
        // Of several values the first counts, within the entry or elsewhere.
        #expect(exifOrientation(exif([(0x112, 3, 2, [6, 0, 8, 0])])[...]) == 6)
        #expect(exifOrientation(exif([(0x112, 3, 3, [26, 0, 0, 0])], values: [8, 0, 1, 0, 1, 0])[...]) == 8)
        // Numbers of other types count, bytes and letters don't; neither is no orientation, which XMP would give.
        for (type, value) in [(4, [6, 0, 0, 0]), (6, [6]), (8, [6, 0]), (9, [6, 0, 0, 0]), (13, [6, 0, 0, 0])] {
            let value = (value + [0, 0, 0]).prefix(4).map { UInt8($0) }
            #expect(exifOrientation(exif([(0x112, type, 1, value)])[...]) == 6, "type \(type)")
        }
        #expect(exifOrientation(exif([(0x112, 11, 1, [0, 0, 0xC0, 0x40])])[...]) == 6)
        #expect(exifOrientation(exif([(0x112, 5, 1, [26, 0, 0, 0])], values: [12, 0, 0, 0, 2, 0, 0, 0])[...]) == 6)
        #expect(exifOrientation(exif([(0x112, 5, 1, [26, 0, 0, 0])], values: [12, 0, 0, 0, 0, 0, 0, 0])[...]) == 1)
        for type in [1, 2, 7] {
            #expect(exifOrientation(exif([(0x112, type, 1, [6, 0, 0, 0])])[...]) == 1, "type \(type)")
        }
        // What is no entry is stepped over, and the first of two counts.
        #expect(exifOrientation(exif([(0x112, 3, 0, [6, 0, 0, 0])])[...]) == nil)
        #expect(exifOrientation(exif([(0x112, 14, 1, [8, 0, 0, 0]), (0x112, 3, 1, [6, 0, 0, 0])])[...]) == 6)
        #expect(exifOrientation(exif([(0x112, 3, 1, [6, 0, 0, 0]), (0x112, 3, 1, [8, 0, 0, 0])])[...]) == 6)
        // Values beyond the end: too many are stepped over, else nothing is read behind them.
        let good = (0x112, 3, 1, [6, 0, 0, 0] as [UInt8])
        #expect(exifOrientation(exif([(0x10F, 2, 100_000, [26, 0, 0, 0]), good])[...]) == 6)
        #expect(exifOrientation(exif([(0x10F, 2, 9, [200, 0, 0, 0]), good])[...]) == nil)
    }

    @Test func `Broken EXIF data mean upright`() {
        let good = exif(6, isLittleEndian: true)
        #expect(exifOrientation(good[...]) == 6)
        #expect(exifOrientation([0x45, 0x78, 0x69, 0x66, 0, 0] + good[...]) == 6)
        for length in 0..<22 { #expect([nil, 1, 6].contains(exifOrientation(good[..<length]))) }
        for (place, value) in [(0, 0x4D), (2, 43), (4, 0xFF), (7, 0xFF), (8, 0), (12, 2), (14, 0), (17, 0x7F), (18, 0)]
        {
            var broken = good
            broken[place] = UInt8(value)
            #expect((exifOrientation(broken[...]) ?? 1) == 1, "byte \(place)")
        }
    }

    @Test func `A cut file is refused, or decoded as far as it goes`() throws {
        let picture = try #require(try GoldenPicture.all(in: "png").first { $0.name == "f04n2c08.png" })
        let whole = try decodePicture(picture.bytes)
        let cut = Array(picture.bytes[..<(picture.bytes.count * 2 / 3)])
        let error = #expect(throws: CLIPError.self) { try decodePicture(cut) }
        #expect(error?.advice == .allowTruncated)
        var options = DecodingOptions()
        options.allowTruncated = true
        let part = try decodePicture(cut, options: options)
        #expect(part.width == whole.width && part.height == whole.height)
        let quarter = whole.pixels.count / 4
        #expect(part.pixels[..<quarter] == whole.pixels[..<quarter])
        #expect(part.pixels.suffix(whole.width * 3).allSatisfy { $0 == 0 })
        let hopeless = #expect(throws: CLIPError.self) {
            try decodePicture(Array(picture.bytes[..<20]), options: options)
        }
        #expect(hopeless != nil && hopeless?.advice == nil)
    }

    @Test func `Sizes are refused at the header`() {
        for (width, height) in [(65535, 65535), (2_147_483_647, 2_147_483_647), (2_147_483_647, 1)] {
            let bytes = pngFile(width: width, height: height, depth: 16, colourType: 6, rows: [])
            #expect(throws: CLIPError.tooLarge(format: "PNG", width: width, height: height, limit: 200_000_000)) {
                try decodePicture(bytes)
            }
        }
        // Within the limit, but no data of this length can hold it.
        #expect(throws: CLIPError.self) {
            try decodePicture(pngFile(width: 10_000, height: 10_000, depth: 8, colourType: 2, rows: [[0]]))
        }
    }

    private static let header: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]
    private static let data = storedZlib([0, 200])

    @Test(
        arguments: [
            ([("IDAT", data)], "the first chunk is IDAT, expected IHDR"),
            ([("IHDR", [0, 0, 0, 1])], "the header has 4 bytes, expected 13"),
            ([("IHDR", [0, 0, 0, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0])], "0 × 1 pixels"),
            ([("IHDR", [0, 0, 0, 1, 0, 0, 0, 1, 8, 5, 0, 0, 0])], "colour type 5 does not exist"),
            ([("IHDR", [0, 0, 0, 1, 0, 0, 0, 1, 4, 2, 0, 0, 0])], "depth 4 does not go with colour type 2"),
            ([("IHDR", [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 2])], "interlace 2"),
            ([("IHDR", header), ("IEND", [])], "before the picture's data"),
            ([("IHDR", header), ("IHDR", header)], "a second IHDR"),
            ([("IHDR", header), ("ABCD", [1]), ("IDAT", data)], "ABCD is critical but not known"),
            ([("IHDR", header), ("IDAT", storedZlib([5, 200]))], "unknown filter"),
            ([("IHDR", header), ("IDAT", storedZlib([0]))], "before the picture's last row"),
            ([("IHDR", header), ("IDAT", [0x79, 0x9C, 1, 2])], "no zlib header"),
            ([("IHDR", header), ("IDAT", [0x78, 0xBB, 1, 2])], "preset dictionary"),
            ([("IHDR", header), ("IDAT", data.dropLast() + [0])], "checksum of the decompressed data"),
            ([("IHDR", [0, 0, 0, 1, 0, 0, 0, 1, 8, 3, 0, 0, 0]), ("IDAT", data)], "without a palette"),
            ([("IHDR", [0, 0, 0, 1, 0, 0, 0, 1, 8, 3, 0, 0, 0]), ("PLTE", [1, 2]), ("IDAT", data)], "2 bytes"),
            ([("CgBI", [1, 2, 3, 4]), ("IHDR", header)], "CgBI"),
        ] as [([(String, [UInt8])], String)])
    func `Broken files are refused and the message says where`(chunks: [(String, [UInt8])], part: String) {
        let error = #expect(throws: CLIPError.self) { try decodePicture(pngFile(chunks)) }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }

    @Test
    func `Checksums up to the picture's data count, whatever they are of, and no others: as in Pillow`() throws {
        let chunks = [
            ("IHDR", Self.header), ("tEXt", [1, 2, 3]), ("abCd", [4]), ("IDAT", Array(Self.data.prefix(6))),
            ("IDAT", Array(Self.data.dropFirst(6))), ("tIME", [5]), ("ABCD", [6]), ("IEND", []),
        ]
        let file = pngFile(chunks)
        var end = PNGChunkReader.signature.count
        for (index, chunk) in chunks.enumerated() {
            end += 12 + chunk.1.count
            var damaged = file
            damaged[end - 1] ^= 1
            if index < 3 {
                let error = #expect(throws: CLIPError.self) { try decodePicture(damaged) }
                #expect(error?.description.contains("checksum of the \(chunk.0) chunk is wrong") == true)
            } else {
                #expect(try decodePicture(damaged).pixels == [200, 200, 200], "\(chunk.0)")
            }
            // Without it, it is as good as wrong.
            if index >= 4 { #expect(try decodePicture(Array(file[..<(end - 3)])).pixels == [200, 200, 200]) }
        }
        var options = DecodingOptions()
        options.allowTruncated = true
        var damaged = file
        damaged[8 + 25 + 12 + 2] ^= 1
        #expect(try decodePicture(damaged, options: options).pixels == [200, 200, 200])
    }

    @Test
    func `Behind the picture's data a chunk must be whole; more data behind it are not the picture's`() throws {
        let file = pngFile([("IHDR", Self.header), ("IDAT", Self.data), ("tEXt", [1, 2, 3])])
        let error = #expect(throws: CLIPError.self) { try decodePicture(Array(file.dropLast(5))) }
        #expect(error?.description.contains("inside its tEXt chunk") == true)
        let apart = pngFile([
            ("IHDR", Self.header), ("IDAT", Array(Self.data.prefix(6))), ("tEXt", [1]),
            ("IDAT", Array(Self.data.dropFirst(6))), ("IEND", []),
        ])
        #expect(throws: CLIPError.self) { try decodePicture(apart) }
    }

    @Test func `A missing end and more data than needed do no harm`() throws {
        for data in [Self.data, storedZlib([0, 200, 7, 7, 7]), Array(Self.data.dropLast(4))] {
            #expect(try decodePicture(pngFile([("IHDR", Self.header), ("IDAT", data)])).pixels == [200, 200, 200])
        }
    }

    @Test(arguments: [(1, 1), (3, 2), (257, 85), (200, 150)])
    func `What is encoded decodes to the same`(width: Int, height: Int) throws {
        let bitmap = Bitmap(
            width: width, height: height,
            pixels: (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) })
        let file = encodePNG(bitmap)
        #expect(try decodePicture(file) == bitmap)
        // Other decoders check what ours forgives: the last block's flag and the end chunk.
        #expect(file.suffix(12) == [0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82])
    }
}

@Suite struct PNGMutationTests {
    @Test func `Four thousand damaged files decode or throw`() throws {
        let pictures = try GoldenPicture.all(in: "png")
        let decoded = GoldenPicture.decodeMutations(of: pictures, count: 4000, seed: 0x9A6)
        #expect((200..<3800).contains(decoded))
    }

    @Test func `Six thousand files damaged under right checksums decode or throw`() throws {
        let pictures = try GoldenPicture.all(in: "png")
        var random = SeededGenerator(seed: 0xC4C)
        var decoded = 0
        for round in 0..<6000 {
            var chunks = try splitPNG(pictures[round % pictures.count].bytes)
            let chunk = Int.random(in: 0..<chunks.count, using: &random)
            let isStructural = Int.random(in: 0..<8, using: &random) == 0
            if isStructural {
                chunks.swapAt(chunk, Int.random(in: 0..<chunks.count, using: &random))
            } else {
                chunks[chunk].1 = random.damaged(chunks[chunk].1)
            }
            var options = DecodingOptions()
            options.maximumPixels = 1 << 20
            options.allowTruncated = round % 3 == 0
            options.alpha = round % 2 == 0 ? .white : .drop
            if (try? decodePicture(pngFile(chunks), options: options)) != nil { decoded += 1 }
        }
        #expect((1000..<5500).contains(decoded))
    }

    @Test func `Eight thousand damaged zlib streams inflate or throw`() throws {
        var random = SeededGenerator(seed: 0x2D1B)
        let streams = try GoldenPicture.all(in: "png").map { picture in
            try splitPNG(picture.bytes).filter { $0.0 == "IDAT" }.flatMap(\.1)
        }
        var whole = 0
        for round in 0..<8000 {
            var bytes = streams[round % streams.count]
            bytes = random.damaged(bytes)
            guard var stream = try? ZlibStream(bytes) else { continue }
            var total = 0
            inflating: while true {
                switch stream.next({ total += $0.count }) {
                case .more: break
                case .finished:
                    whole += 1
                    break inflating
                case .failed: break inflating
                }
            }
            #expect(total <= 1032 * bytes.count + 1032)
        }
        #expect(whole < 4000)
    }
}
