internal import CLIPSystem
import Dispatch
import Synchronization

/// Decodes a picture whose only scan has all components: block by block into the rows under way, without keeping
/// coefficients.
struct JPEGStreamedPicture {
    private let header: JPEGScanHeader
    private let order: JPEGBlockOrder
    private let canvas: JPEGCanvas
    private let file: JPEGFile
    /// One for each component.
    private let quantisation: [JPEGStorage<Int16>?]

    static func decode(
        _ file: inout JPEGFile, _ header: JPEGScanHeader, into canvas: JPEGCanvas
    ) throws(CLIPError) {
        let frame = canvas.frame
        let scan = try JPEGSequentialScan(header, &file)
        var quantisation = [JPEGStorage<Int16>?](repeating: nil, count: frame.components.count)
        for member in header.members {
            quantisation[member.component] = try file.quantisation(of: frame.components[member.component])
        }
        let picture = JPEGStreamedPicture(
            header: header, order: JPEGBlockOrder(header, frame), canvas: canvas, file: file, quantisation: quantisation
        )
        if canvas.threads == 1 {
            try picture.decode(scan)
        } else if let parts = try picture.parts() {
            picture.decode(parts)
        } else {
            try picture.decodePipelined(scan)
        }
    }

    private func decode(_ scan: JPEGSequentialScan) throws(CLIPError) {
        var scan = scan
        let band = JPEGBand.whole(canvas.frame)
        let assembly = try canvas.assembly(of: band)
        let targets = targets(assembly)
        let block = JPEGStorage<Int16>(repeating: 0, count: 64)
        for mcuRow in band.rows {
            decodeRow(mcuRow, &scan, targets, block)
            try file.requireComplete(scan.reader, hasRunOut: scan.hasRunOut)
            assembly.finish(mcuRow: mcuRow)
        }
    }

    /// A band of the picture, and the scan from where it begins.
    private typealias Part = (band: JPEGBand, assembly: JPEGRowAssembly, scan: JPEGSequentialScan)

    /// - Returns: nil if the scan can't be taken up at several places.
    private func parts() throws(CLIPError) -> [Part]? {
        let frame = canvas.frame
        guard let intervals = JPEGRestartIntervals(file, unitsPerRow: order.mcusPerRow, unitCount: order.mcuCount)
        else { return nil }
        let bands = JPEGBand.split(frame, threads: canvas.threads, alignment: intervals.alignment)
        guard bands.count > 1 else { return nil }
        var parts: [Part] = []
        var file = file
        for band in bands {
            let (index, position) = intervals.interval(atRow: band.start)
            file.segments.position = position
            parts.append((band, try canvas.assembly(of: band), try JPEGSequentialScan(header, &file, from: index)))
        }
        return parts
    }

    private func decode(_ parts: [Part]) {
        concurrently(parts.count) { index in
            let (band, assembly, start) = parts[index]
            var scan = start
            let targets = targets(assembly)
            let block = JPEGStorage<Int16>(repeating: 0, count: 64)
            for mcuRow in band.start..<band.rows.upperBound {
                decodeRow(mcuRow, &scan, targets, block)
                assembly.finish(mcuRow: mcuRow)
            }
        }
    }

    /// One thread reads coefficients, another makes rows of the picture of them.
    private func decodePipelined(_ start: JPEGSequentialScan) throws(CLIPError) {
        let frame = canvas.frame
        let assembly = try canvas.assembly(of: .whole(frame))
        let reconstruction = JPEGReconstruction(frame, quantisation)
        // A quarter of a megabyte of coefficients at a time: few of them stay in the cache, and a thread that waits for
        // the next is not woken for next to nothing.
        let blocksPerRow = frame.blockCount / frame.mcuRows
        let rowsPerPiece = max(1, 2048 / blocksPerRow)
        let places = (0..<4).map { _ in
            frame.components.map { JPEGCoefficients($0, blockRows: rowsPerPiece * $0.layout.vertical) }
        }
        func rows(_ piece: Int) -> Range<Int> {
            piece * rowsPerPiece..<min((piece + 1) * rowsPerPiece, frame.mcuRows)
        }
        let planes = places.map { place in JPEGStorage(header.members.map { place[$0.component].plane }) }
        var scan = start
        let pieceCount = (frame.mcuRows + rowsPerPiece - 1) / rowsPerPiece
        try JPEGPipeline.run(pieceCount, places: places.count) { (piece, place) throws(CLIPError) in
            for plane in places[place] { plane.clear() }
            for (top, mcuRow) in rows(piece).enumerated() {
                scan.readRow(mcuRow, order, into: planes[place], top: top)
                try file.requireComplete(scan.reader, hasRunOut: scan.hasRunOut)
            }
        } finish: { piece, place in
            for (top, mcuRow) in rows(piece).enumerated() {
                reconstruction.transform(places[place], top: top, into: assembly.windows)
                assembly.finish(mcuRow: mcuRow)
            }
        }
    }

    @inline(__always)
    private func decodeRow(
        _ mcuRow: Int, _ scan: inout JPEGSequentialScan, _ targets: JPEGStorage<Target>, _ block: JPEGStorage<Int16>
    ) {
        // By value, which stays in registers where it is the only one.
        let first = targets.base[0]
        @inline(__always)
        func visit(_ scan: inout JPEGSequentialScan, _ hasData: Bool, _ member: Int, _ row: Int, _ column: Int) {
            let target = member == 0 ? first : targets.base[member]
            target.decodeBlock(&scan, hasData, row: row, column: column, block)
        }
        scan.readRow(mcuRow, order, visit)
    }

    /// One for each of the scan's components.
    private func targets(_ assembly: JPEGRowAssembly) -> JPEGStorage<Target> {
        JPEGStorage(
            header.members.enumerated().compactMap { index, member in
                quantisation[member.component].map {
                    Target(
                        index, canvas.frame.components[member.component], $0, assembly.windows[member.component])
                }
            })
    }

    /// Where one component's blocks go.
    private struct Target: BitwiseCopyable {
        /// Index of the component within the scan.
        let member: Int
        let quantisation: UnsafePointer<Int16>
        let samples: UnsafeMutablePointer<UInt8>
        let stride: Int
        let blockSize: Int

        init(
            _ member: Int, _ component: JPEGComponent, _ quantisation: JPEGStorage<Int16>,
            _ window: JPEGSampleWindow
        ) {
            self.member = member
            blockSize = component.blockSize
            self.quantisation = UnsafePointer(quantisation.base)
            samples = window.block(row: 0, column: 0)
            stride = window.stride
        }

        @inline(__always)
        func decodeBlock(
            _ scan: inout JPEGSequentialScan, _ hasData: Bool, row: Int, column: Int, _ block: JPEGStorage<Int16>
        ) {
            UnsafeMutableRawPointer(block.base).storeBytes(of: Zeros(), as: Zeros.self)
            let extent = hasData ? scan.readBlock(member: member, into: block.base) : .dcOnly
            JPEGInverseDCT.transform(
                block.base, extent: extent, quantisation: quantisation, size: blockSize,
                into: samples + blockSize &* (row &* stride &+ column), stride: stride)
        }
    }

    /// A block's worth of zeros, stored without a call.
    private struct Zeros: BitwiseCopyable {
        var first = SIMD32<Int16>.zero
        var second = SIMD32<Int16>.zero
    }
}

/// Two stages of work on a sequence of pieces, the second on another thread if one is free.
///
/// The pieces pass through a few places in turn. Nothing is ever waited for that has not begun: with no other thread to
/// be had, the first stage's thread does both.
final class JPEGPipeline: Sendable {
    private enum Helper {
        /// No thread has come for the second stage so far; that stage has finished so many pieces.
        case absent(finished: Int)
        case present
        /// All pieces are finished, or never will be.
        case late
    }

    private let count: Int
    private let places: Int
    private let hasMaker = Atomic(false)
    private let isStopped = Atomic(false)
    private let helper = Mutex(Helper.absent(finished: 0))
    private let made = DispatchSemaphore(value: 0)
    private let free = DispatchSemaphore(value: 0)

    private init(count: Int, places: Int) {
        self.count = count
        self.places = places
        // Not as its first value, which must not be above its last.
        for _ in 0..<places { free.signal() }
    }

    /// - Parameters:
    ///   - make: the first stage: an index below `count`, and its place below `places`. What it throws ends the work.
    ///   - finish: the second stage.
    static func run(
        _ count: Int, places: Int, make: (Int, Int) throws(CLIPError) -> Void, finish: (Int, Int) -> Void
    ) throws(CLIPError) {
        let pipeline = JPEGPipeline(count: count, places: places)
        var failure: CLIPError?
        withUnsafeMutablePointer(to: &failure) { failure in
            nonisolated(unsafe) let failure = failure
            withoutActuallyEscaping(make) { make in
                withoutActuallyEscaping(finish) { finish in
                    nonisolated(unsafe) let (make, finish) = (make, finish)
                    concurrently(2) { _ in
                        if pipeline.hasMaker.exchange(true, ordering: .relaxed) {
                            pipeline.help(finish)
                        } else {
                            do throws(CLIPError) {
                                try pipeline.makeAll(make, finish)
                            } catch {
                                failure.pointee = error
                                pipeline.stop()
                            }
                        }
                    }
                }
            }
        }
        if let failure { throw failure }
    }

    private func makeAll(
        _ make: (Int, Int) throws(CLIPError) -> Void, _ finish: (Int, Int) -> Void
    ) throws(CLIPError) {
        for index in 0..<count {
            if free.wait(timeout: .now()) == .timedOut, !finishAlone(upTo: index - places + 1, finish) { free.wait() }
            try make(index, index % places)
            made.signal()
        }
        _ = finishAlone(upTo: count, finish)
    }

    /// Does the second stage's work if no other thread has come for it.
    private func finishAlone(upTo end: Int, _ finish: (Int, Int) -> Void) -> Bool {
        helper.withLock { state in
            guard case .absent(let finished) = state else { return false }
            for index in finished..<end {
                made.wait()
                finish(index, index % places)
            }
            state = end == count ? .late : .absent(finished: end)
            return true
        }
    }

    private func help(_ finish: (Int, Int) -> Void) {
        let first: Int? = helper.withLock { state in
            guard case .absent(let finished) = state else { return nil }
            state = .present
            return finished
        }
        guard let first else { return }
        for index in first..<count {
            made.wait()
            if isStopped.load(ordering: .relaxed) { return }
            finish(index, index % places)
            free.signal()
        }
    }

    private func stop() {
        isStopped.store(true, ordering: .relaxed)
        helper.withLock { state in
            if case .absent = state { state = .late }
        }
        made.signal()
    }
}
