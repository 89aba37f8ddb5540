/// One row of what a depthwise convolution makes of a map: every channel has a square of weights of its own.
@usableFromInline package struct DepthwiseRow {
    /// The places of the map, row after row, `channels` numbers each.
    @usableFromInline package var input: Rows<Float>
    /// Places along a side of the map.
    @usableFromInline package var side: Int
    /// The row of the output.
    @usableFromInline package var row: Int
    /// The side of the square of weights.
    @usableFromInline package var kernel: Int
    /// Places from one square to the next.
    @usableFromInline package var step: Int
    /// Places outside of the map that the first square reaches over.
    @usableFromInline package var padding: Int
    /// `[kernel · kernel, channels]`, rows `channels` rounded up to a whole panel apart.
    @usableFromInline package var weights: Rows<Float>
    /// A number for each channel.
    @usableFromInline package var bias: UnsafePointer<Float>
    @usableFromInline package var channels: Int
    /// The places of the row. A whole vector is written where channels end in the middle of one.
    @usableFromInline package var target: MutableRows<Float>

    @inlinable
    package init(
        _ input: Rows<Float>, side: Int, row: Int, kernel: Int, step: Int, padding: Int,
        weights: Rows<Float>, bias: UnsafePointer<Float>, channels: Int, target: MutableRows<Float>
    ) {
        self.input = input
        self.side = side
        self.row = row
        self.kernel = kernel
        self.step = step
        self.padding = padding
        self.weights = weights
        self.bias = bias
        self.channels = channels
        self.target = target
    }
}

extension VectorUnit {
    /// The sums of the squares around each place of one row; outside of the map are zeros.
    @inlinable @inline(__always)
    package static func depthwise(_ job: DepthwiseRow) {
        let top = job.row * job.step - job.padding
        let lines = max(0, -top)..<min(job.kernel, job.side - top)
        for channel in stride(from: 0, to: job.channels, by: width) {
            var place = 0
            while place < job.target.count {
                let left = place * job.step - job.padding
                // Four places whose squares lie inside share the weights in registers.
                if left >= 0, place + 4 <= job.target.count,
                    left + 3 * job.step + job.kernel <= job.side
                {
                    depthwiseFour(job, lines, top: top, left: left, place: place, channel: channel)
                    place += 4
                } else {
                    depthwiseOne(job, lines, top: top, left: left, place: place, channel: channel)
                    place += 1
                }
            }
        }
    }

    @inlinable @inline(__always)
    static func depthwiseFour(
        _ job: DepthwiseRow, _ lines: Range<Int>, top: Int, left: Int, place: Int, channel: Int
    ) {
        let bias = load(job.bias + channel)
        var (a, b, c, d) = (bias, bias, bias, bias)
        let next = job.step * job.input.stride
        for line in lines {
            var source = job.input[(top + line) * job.side + left] + channel
            for offset in 0..<job.kernel {
                let weight = load(job.weights[line * job.kernel + offset] + channel)
                a = multiplyAdd(load(source), weight, a)
                b = multiplyAdd(load(source + next), weight, b)
                c = multiplyAdd(load(source + 2 * next), weight, c)
                d = multiplyAdd(load(source + 3 * next), weight, d)
                source += job.input.stride
            }
        }
        store(a, job.target[place] + channel)
        store(b, job.target[place + 1] + channel)
        store(c, job.target[place + 2] + channel)
        store(d, job.target[place + 3] + channel)
    }

    @inlinable @inline(__always)
    static func depthwiseOne(
        _ job: DepthwiseRow, _ lines: Range<Int>, top: Int, left: Int, place: Int, channel: Int
    ) {
        var sum = load(job.bias + channel)
        for line in lines {
            for offset in max(0, -left)..<max(max(0, -left), min(job.kernel, job.side - left)) {
                sum = multiplyAdd(
                    load(job.input[(top + line) * job.side + left + offset] + channel),
                    load(job.weights[line * job.kernel + offset] + channel), sum)
            }
        }
        store(sum, job.target[place] + channel)
    }

    /// Takes rows of `columns` numbers, rounded up to a whole vector, through an activation in place.
    @inlinable @inline(__always)
    package static func activate(_ rows: MutableRows<Float>, columns: Int, _ activation: LinearActivation) {
        switch activation {
        case .identity: break
        case .quickGELU: activate(rows, columns: columns) { quickGELU($0) }
        case .gelu: activate(rows, columns: columns) { gelu($0) }
        case .tanhGELU: activate(rows, columns: columns) { tanhGELU($0) }
        case .silu: activate(rows, columns: columns) { silu($0) }
        case .relu: activate(rows, columns: columns) { relu($0) }
        case .relu6: activate(rows, columns: columns) { relu6($0) }
        }
    }

    @inlinable @inline(__always)
    static func activate(_ rows: MutableRows<Float>, columns: Int, _ activation: (Vector) -> Vector) {
        for row in 0..<rows.count {
            for column in stride(from: 0, to: columns, by: width) {
                store(activation(load(rows[row] + column)), rows[row] + column)
            }
        }
    }
}
