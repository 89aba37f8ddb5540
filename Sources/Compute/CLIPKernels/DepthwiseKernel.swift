/// Some rows of what a depthwise convolution makes of a map: every channel has a square of weights of its own.
@usableFromInline package struct DepthwiseJob {
    /// The places of the map, row after row, from the first channel on.
    @usableFromInline package var input: Rows<Float>
    /// Places along a side of the map.
    @usableFromInline package var side: Int
    /// The rows of the output.
    @usableFromInline package var rows: Range<Int>
    /// The side of the square of weights.
    @usableFromInline package var kernel: Int
    /// Places from one square to the next.
    @usableFromInline package var step: Int
    /// Places outside of the map that the first square reaches over.
    @usableFromInline package var padding: Int
    /// `[kernel · kernel, channels]`. Whole vectors are read.
    @usableFromInline package var weights: Rows<Float>
    /// A number for each channel.
    @usableFromInline package var bias: UnsafePointer<Float>
    @usableFromInline package var channels: Int
    /// The places of the rows. A whole vector is written where channels end in the middle of one.
    @usableFromInline package var target: MutableRows<Float>

    @inlinable
    package init(
        _ input: Rows<Float>, side: Int, rows: Range<Int>, kernel: Int, step: Int, padding: Int,
        weights: Rows<Float>, bias: UnsafePointer<Float>, channels: Int, target: MutableRows<Float>
    ) {
        self.input = input
        self.side = side
        self.rows = rows
        self.kernel = kernel
        self.step = step
        self.padding = padding
        self.weights = weights
        self.bias = bias
        self.channels = channels
        self.target = target
    }

    /// Places along a row of the output.
    @inlinable @inline(__always)
    var outputSide: Int { target.count / rows.count }

    /// The lines of the map that the squares of an output's row reach over.
    @inlinable @inline(__always)
    func lines(of row: Int) -> Range<Int> {
        let top = row * step - padding
        return max(0, top)..<min(side, top + kernel)
    }
}

extension VectorUnit {
    /// The sums of the squares around each place; outside of the map are zeros.
    ///
    /// A vector of channels at a time is laid out without gaps, zeros beside its lines: it then stays in the first cache
    /// while all squares pass, and those at the edges are as the others.
    @inlinable @inline(__always)
    package static func depthwise(_ job: DepthwiseJob) {
        let lines = job.lines(of: job.rows.lowerBound).lowerBound..<job.lines(of: job.rows.upperBound - 1).upperBound
        let places = (job.outputSide - 1) * job.step + job.kernel
        let taps = job.kernel * job.kernel
        let floats = width * (taps + lines.count * places)
        withUnsafeTemporaryAllocation(byteCount: 4 * floats, alignment: 64) { scratch in
            let weights = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
            let layout = weights + width * taps
            let inside = min(job.side, places - job.padding)
            let right = job.padding + inside
            for line in 0..<lines.count {
                let target = layout + width * line * places
                target.update(repeating: 0, count: width * job.padding)
                (target + width * right).update(repeating: 0, count: width * (places - right))
            }
            for channel in stride(from: 0, to: job.channels, by: width) {
                for tap in 0..<taps { store(load(job.weights[tap] + channel), weights + width * tap) }
                for line in lines {
                    let target = layout + width * ((line - lines.lowerBound) * places + job.padding)
                    for place in 0..<inside {
                        store(load(job.input[line * job.side + place] + channel), target + width * place)
                    }
                }
                for row in job.rows {
                    depthwise(
                        job, row, channel: channel, weights: weights,
                        lines: Rows(layout, stride: width * places, count: lines.count), from: lines.lowerBound)
                }
            }
        }
    }

    /// A vector of channels of a row of the output.
    /// - Parameters:
    ///   - weights: `[kernel · kernel, width]`.
    ///   - lines: those of the map from `first` on, `[places, width]` each.
    @inlinable @inline(__always)
    static func depthwise(
        _ job: DepthwiseJob, _ row: Int, channel: Int, weights: UnsafePointer<Float>, lines: Rows<Float>,
        from first: Int
    ) {
        let side = job.outputSide
        let range = job.lines(of: row)
        let skipped = range.lowerBound - (row * job.step - job.padding)
        let blocks = (side + 7) / 8
        for block in 0..<blocks {
            let places = evenBlock(block, of: blocks, rows: side)
            let square = DepthwiseSquares<Self>(
                input: Rows(
                    lines[range.lowerBound - first] + width * job.step * places.lowerBound, stride: lines.stride,
                    count: range.count),
                step: width * job.step, kernel: job.kernel, weights: weights + width * job.kernel * skipped,
                bias: load(job.bias + channel))
            let target = job.target[(row - job.rows.lowerBound) * side + places.lowerBound] + channel
            switch places.count {
            case 1: square.sum(PlaceSum<Self>.self, target, stride: job.target.stride)
            case 2: square.sum(PlaceSums2<Self>.self, target, stride: job.target.stride)
            case 3: square.sum(PlaceSums3<Self>.self, target, stride: job.target.stride)
            case 4: square.sum(PlaceSums4<Self>.self, target, stride: job.target.stride)
            case 5: square.sum(PlaceSums5<Self>.self, target, stride: job.target.stride)
            case 6: square.sum(PlaceSums6<Self>.self, target, stride: job.target.stride)
            case 7: square.sum(PlaceSums7<Self>.self, target, stride: job.target.stride)
            default: square.sum(PlaceSums8<Self>.self, target, stride: job.target.stride)
            }
        }
    }
}

/// The squares around neighbouring places, a vector of channels of them.
@frozen @usableFromInline struct DepthwiseSquares<Unit: VectorUnit> {
    /// The lines that the squares reach over, from the first square's left side on.
    @usableFromInline let input: Rows<Float>
    /// Floats from one square to the next.
    @usableFromInline let step: Int
    /// Places along a side.
    @usableFromInline let kernel: Int
    /// Those of the first line on.
    @usableFromInline let weights: UnsafePointer<Float>
    @usableFromInline let bias: Unit.Vector

    @inlinable @inline(__always)
    init(input: Rows<Float>, step: Int, kernel: Int, weights: UnsafePointer<Float>, bias: Unit.Vector) {
        self.input = input
        self.step = step
        self.kernel = kernel
        self.weights = weights
        self.bias = bias
    }

    /// Writes the sums of as many squares as `Sums` holds, `stride` floats apart.
    @inlinable @inline(__always)
    func sum<Sums: PlaceSums>(_: Sums.Type, _ target: UnsafeMutablePointer<Float>, stride: Int)
    where Sums.Unit == Unit {
        // Squares of a known side that overlap: what several of them read of a line is loaded once.
        switch (kernel, step) {
        case (3, Unit.width): sum(Sums.self, target, stride: stride, kernel: 3, step: Unit.width)
        case (5, Unit.width): sum(Sums.self, target, stride: stride, kernel: 5, step: Unit.width)
        case (7, Unit.width): sum(Sums.self, target, stride: stride, kernel: 7, step: Unit.width)
        default: sum(Sums.self, target, stride: stride, kernel: kernel, step: step)
        }
    }

    @inlinable @inline(__always)
    func sum<Sums: PlaceSums>(
        _: Sums.Type, _ target: UnsafeMutablePointer<Float>, stride: Int, kernel: Int, step: Int
    ) where Sums.Unit == Unit {
        var sums = Sums(bias)
        for line in 0..<input.count {
            let (source, weights) = (input[line], weights + Unit.width * kernel * line)
            for tap in 0..<kernel {
                sums.accumulate(source + Unit.width * tap, step: step, Unit.load(weights + Unit.width * tap))
            }
        }
        sums.store(target, stride: stride)
    }
}

/// The sums of neighbouring places, held in registers while the squares' weights pass.
@usableFromInline protocol PlaceSums<Unit> {
    associatedtype Unit: VectorUnit
    static var count: Int { get }
    init(_ bias: Unit.Vector)
    /// Adds a weight times what lies at `source` and, `step` floats apart, behind it.
    mutating func accumulate(_ source: UnsafePointer<Float>, step: Int, _ weight: Unit.Vector)
    func store(_ target: UnsafeMutablePointer<Float>, stride: Int)
}

@frozen @usableFromInline struct PlaceSum<Unit: VectorUnit>: PlaceSums {
    @usableFromInline var sum: Unit.Vector

    @inlinable @inline(__always)
    static var count: Int { 1 }

    @inlinable @inline(__always)
    init(_ bias: Unit.Vector) { sum = bias }

    @inlinable @inline(__always)
    mutating func accumulate(_ source: UnsafePointer<Float>, step: Int, _ weight: Unit.Vector) {
        sum = Unit.multiplyAdd(Unit.load(source), weight, sum)
    }

    @inlinable @inline(__always)
    func store(_ target: UnsafeMutablePointer<Float>, stride: Int) { Unit.store(sum, target) }
}

/// Sums beside others.
@frozen @usableFromInline struct PlaceSumsPair<Left: PlaceSums, Right: PlaceSums>: PlaceSums
where Left.Unit == Right.Unit {
    @usableFromInline typealias Unit = Left.Unit

    @usableFromInline var left: Left
    @usableFromInline var right: Right

    @inlinable @inline(__always)
    static var count: Int { Left.count + Right.count }

    @inlinable @inline(__always)
    init(_ bias: Unit.Vector) {
        left = Left(bias)
        right = Right(bias)
    }

    @inlinable @inline(__always)
    mutating func accumulate(_ source: UnsafePointer<Float>, step: Int, _ weight: Unit.Vector) {
        left.accumulate(source, step: step, weight)
        right.accumulate(source + Left.count * step, step: step, weight)
    }

    @inlinable @inline(__always)
    func store(_ target: UnsafeMutablePointer<Float>, stride: Int) {
        left.store(target, stride: stride)
        right.store(target + Left.count * stride, stride: stride)
    }
}

@usableFromInline typealias PlaceSums2<Unit: VectorUnit> = PlaceSumsPair<PlaceSum<Unit>, PlaceSum<Unit>>
@usableFromInline typealias PlaceSums3<Unit: VectorUnit> = PlaceSumsPair<PlaceSums2<Unit>, PlaceSum<Unit>>
@usableFromInline typealias PlaceSums4<Unit: VectorUnit> = PlaceSumsPair<PlaceSums2<Unit>, PlaceSums2<Unit>>
@usableFromInline typealias PlaceSums5<Unit: VectorUnit> = PlaceSumsPair<PlaceSums4<Unit>, PlaceSum<Unit>>
@usableFromInline typealias PlaceSums6<Unit: VectorUnit> = PlaceSumsPair<PlaceSums4<Unit>, PlaceSums2<Unit>>
@usableFromInline typealias PlaceSums7<Unit: VectorUnit> = PlaceSumsPair<PlaceSums4<Unit>, PlaceSums3<Unit>>
@usableFromInline typealias PlaceSums8<Unit: VectorUnit> = PlaceSumsPair<PlaceSums4<Unit>, PlaceSums4<Unit>>
