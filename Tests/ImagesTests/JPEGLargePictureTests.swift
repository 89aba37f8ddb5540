import Testing

@testable import Images

/// Pictures large enough for what is done with memory and threads only then.
@Suite struct JPEGLargePictureTests {
    /// Coefficients of several megabytes go back to the system while the picture is made of them.
    @Test(arguments: [[(1, 1), (1, 1), (1, 1)], [(2, 2), (1, 1), (1, 1)], [(1, 1)]])
    func severalScansGiveTheSamePictureAsOne(_ sampling: [(Int, Int)]) throws {
        let builder = JPEGBuilder(width: 2047, height: 1101, sampling: sampling)
        let one = try decodeImage(builder.file(.interleaved))
        #expect(one.width == 2047 && one.height == 1101)
        #expect(Set(one.pixels.prefix(1 << 16)).count > 60)
        #expect(try decodeImage(builder.file(.separate)) == one)
        #expect(try decodeImage(builder.file(.progressive)) == one)
    }
}

/// Decoding on several threads, which only pictures of a million pixels get.
@Suite struct JPEGThreadsTests {
    private static let width = 1027
    private static let height = 1033

    /// What decoding on some threads gives: a picture, or an error's text.
    private func outcome(_ bytes: [UInt8], threads: Int, _ options: DecodingOptions = DecodingOptions()) -> Outcome {
        var options = options
        options.threads = threads
        do {
            return .picture(try decodeImage(bytes, options: options))
        } catch {
            return .refused(error.description)
        }
    }

    private enum Outcome: Equatable {
        case picture(Bitmap)
        case refused(String)
    }

    /// The interval is that of the markers: none, a row of MCUs, parts of rows, two and a half rows, a single MCU.
    @Test(
        arguments: [[(2, 2), (1, 1), (1, 1)], [(1, 1), (1, 1), (1, 1)], [(1, 1)], [(2, 2)]], [0, 65, 13, 160, 3, 1])
    func theNumberOfThreadsChangesNothing(_ sampling: [(Int, Int)], _ restartInterval: Int) throws {
        let builder = JPEGBuilder(
            width: Self.width, height: Self.height, sampling: sampling, restartInterval: restartInterval)
        for coding in [JPEGBuilder.Coding.interleaved, .progressive] {
            let file = builder.file(coding)
            let one = try decodeImage(file)
            for threads in [2, 3, 8, 100] { #expect(outcome(file, threads: threads) == .picture(one)) }
        }
    }

    @Test(arguments: [1, 2, 300]) func scaledPicturesAreTheSame(_ leastEdge: Int) {
        var options = DecodingOptions()
        options.leastEdge = leastEdge
        for interval in [0, 65] {
            let file = JPEGBuilder(
                width: Self.width, height: Self.height, sampling: [(2, 2), (1, 1), (1, 1)], restartInterval: interval
            ).file(.interleaved)
            let one = outcome(file, threads: 1, options)
            #expect(one != outcome(file, threads: 1))
            for threads in [2, 5] { #expect(outcome(file, threads: threads, options) == one) }
        }
    }

    /// Bytes flipped, removed, repeated; files cut; restart markers lost.
    @Test(arguments: [0, 65, 7]) func damagedFilesGiveTheSamePictureOrError(_ restartInterval: Int) {
        let builder = JPEGBuilder(
            width: Self.width, height: Self.height, sampling: [(2, 2), (1, 1), (1, 1)],
            restartInterval: restartInterval)
        var random = SeededBytes(state: 5)
        var pictures = 0
        for round in 0..<30 {
            var file = builder.file(round % 5 == 4 ? .progressive : .interleaved)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 300..<file.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: file[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: file.removeSubrange(place..<min(place + 40, file.count))
                case 2: file.insert(contentsOf: file[place..<min(place + 40, file.count)], at: place)
                case 3: file.insert(contentsOf: [0xFF, 0xD0 + UInt8.random(in: 0..<16, using: &random)], at: place)
                default: file.removeSubrange(place...)
                }
            }
            var options = DecodingOptions()
            options.allowTruncated = round % 2 == 0
            let one = outcome(file, threads: 1, options)
            if case .picture = one { pictures += 1 }
            for threads in [2, 4] { #expect(outcome(file, threads: threads, options) == one, "round \(round)") }
        }
        #expect((8..<30).contains(pictures))
    }

    @Test func aPipelineFinishesEveryPieceInOrderAndOnce() throws {
        for count in [1, 3, 4, 5, 1000] {
            var places = [Int](repeating: -1, count: 4)
            var finished: [Int] = []
            try JPEGPipeline.run(count, places: 4) { index, place throws(ImageError) in
                places[place] = index
            } finish: { index, place in
                if places[place] == index { finished.append(index) }
            }
            #expect(finished == Array(0..<count))
        }
    }

    @Test func aPipelineEndsWithTheError() {
        for last in [0, 3, 4, 500] {
            var made = 0
            let error = ImageError.brokenJPEG(at: last, "broken")
            #expect(throws: error) {
                try JPEGPipeline.run(1000, places: 4) { (index: Int, _: Int) throws(ImageError) in
                    made = index
                    if index == last { throw error }
                } finish: { _, _ in
                }
            }
            #expect(made == last)
        }
    }
}
