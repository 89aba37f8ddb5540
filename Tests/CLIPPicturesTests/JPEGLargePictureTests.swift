import CLIPSystem
import CLIPTestSupport
import Testing

@testable import CLIPPictures

/// Pictures large enough for what is done with memory and threads only then.
@Suite struct JPEGLargePictureTests {
    /// Coefficients of several megabytes go back to the system while the picture is made of them.
    @Test(arguments: [[(1, 1), (1, 1), (1, 1)], [(2, 2), (1, 1), (1, 1)], [(1, 1)]])
    func `Several scans give the same picture as one`(_ sampling: [(Int, Int)]) throws {
        let builder = JPEGBuilder(width: 2047, height: 1101, sampling: sampling)
        let one = try decodePicture(builder.file(.interleaved))
        #expect(one.width == 2047 && one.height == 1101)
        #expect(Set(one.pixels.prefix(1 << 16)).count > 60)
        #expect(try decodePicture(builder.file(.separate)) == one)
        #expect(try decodePicture(builder.file(.progressive)) == one)
    }
}

/// Decoding on several threads.
@Suite struct JPEGThreadsTests {
    /// What decoding on some threads gives: a picture, or an error's text.
    private func outcome(_ bytes: [UInt8], threads: Int, _ options: DecodingOptions = DecodingOptions()) -> Outcome {
        var options = options
        options.threads = threads
        do {
            return .picture(try decodePicture(bytes, options: options))
        } catch {
            return .refused(error.description)
        }
    }

    private enum Outcome: Equatable {
        case picture(Bitmap)
        case refused(String)
    }

    @Test func `A large picture is the same`() throws {
        for restartInterval in [0, 65] {
            let file = JPEGBuilder(
                width: 1027, height: 1033, sampling: [(2, 2), (1, 1), (1, 1)], restartInterval: restartInterval
            ).file(.interleaved)
            let one = try decodePicture(file)
            for threads in [2, 3] { #expect(outcome(file, threads: threads) == .picture(one)) }
        }
    }

    /// The interval is that of the markers: none, a row of MCUs or of blocks, parts of rows, two and a half rows, one MCU.
    @Test(
        arguments: [[(2, 2), (1, 1), (1, 1)], [(1, 1), (1, 1), (1, 1)], [(1, 1)], [(2, 2)]],
        [0, 9, 18, 3, 45, 1, 7])
    func `The number of threads changes nothing`(_ sampling: [(Int, Int)], _ restartInterval: Int) throws {
        let builder = JPEGBuilder(width: 140, height: 1033, sampling: sampling, restartInterval: restartInterval)
        var options = DecodingOptions()
        options.leastSharedPixels = 0
        for coding in [JPEGBuilder.Coding.interleaved, .progressive] {
            let file = builder.file(coding)
            for leastEdge in [nil, 60, 30, 1] {
                options.leastEdge = leastEdge
                let one = outcome(file, threads: 1, options)
                guard case .picture = one else {
                    Issue.record("\(one)")
                    return
                }
                for threads in [2, 3, 8, 100] { #expect(outcome(file, threads: threads, options) == one) }
            }
        }
    }

    /// The files of all kinds, scaled down or not, sound or damaged: small ones, which only a test shares.
    @Test func `Small pictures are the same where they are shared`() throws {
        let pictures = try GoldenPicture.all(in: "jpeg")
        var random = SeededGenerator(seed: 9)
        var refused = 0
        for round in 0..<2000 {
            var bytes = pictures[round % pictures.count].bytes
            if round >= pictures.count { bytes = random.damaged(bytes) }
            var options = DecodingOptions()
            options.maximumPixels = 1 << 20
            options.leastSharedPixels = 0
            options.allowTruncated = round % 3 == 0
            options.leastEdge = round % 4 == 0 ? 8 : nil
            let one = outcome(bytes, threads: 1, options)
            if case .refused = one { refused += 1 }
            #expect(outcome(bytes, threads: 2 + round % 3, options) == one, "round \(round)")
        }
        #expect((200..<1500).contains(refused))
    }

    /// Bytes flipped, removed, repeated; files cut; restart markers lost.
    @Test(arguments: [0, 9, 7]) func `Damaged files give the same picture or error`(_ restartInterval: Int) {
        let builder = JPEGBuilder(
            width: 140, height: 1033, sampling: [(2, 2), (1, 1), (1, 1)], restartInterval: restartInterval)
        let files = [builder.file(.interleaved), builder.file(.progressive)]
        var random = SeededGenerator(seed: 5)
        var pictures = 0
        for round in 0..<100 {
            var file = files[round % 5 == 4 ? 1 : 0]
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
            options.leastSharedPixels = 0
            options.allowTruncated = round % 2 == 0
            let one = outcome(file, threads: 1, options)
            if case .picture = one { pictures += 1 }
            for threads in [2, 4] { #expect(outcome(file, threads: threads, options) == one, "round \(round)") }
        }
        #expect((30..<100).contains(pictures))
    }

    @Test func `A pipeline finishes every piece in order and once`() throws {
        for count in [1, 3, 4, 5, 1000] {
            // Two threads are in different places at once, which an array doesn't allow.
            let places = UnsafeMutablePointer<Int>.allocate(capacity: 4)
            defer { places.deallocate() }
            places.initialize(repeating: -1, count: 4)
            var finished: [Int] = []
            try JPEGPipeline.run(count, places: 4) { index, place throws(CLIPError) in
                places[place] = index
            } finish: { index, place in
                if places[place] == index { finished.append(index) }
            }
            #expect(finished == Array(0..<count))
        }
    }

    @Test func `A pipeline ends with the error`() {
        for last in [0, 3, 4, 500] {
            var made = 0
            let error = CLIPError.brokenJPEG(at: last, "broken")
            #expect(throws: error) {
                try JPEGPipeline.run(1000, places: 4) { (index: Int, _: Int) throws(CLIPError) in
                    made = index
                    if index == last { throw error }
                } finish: { _, _ in
                }
            }
            #expect(made == last)
        }
    }
}
