/// Rows to normalise (Ba, Kiros and Hinton, 2016): (x − mean) / √(variance + ε) · gain + bias.
@usableFromInline package struct LayerNormRows {
    @usableFromInline package var input: UnsafePointer<Float>
    @usableFromInline package var inputStride: Int
    @usableFromInline package var rows: Int
    @usableFromInline package var columns: Int
    @usableFromInline package var gain: UnsafePointer<Float>
    @usableFromInline package var bias: UnsafePointer<Float>
    @usableFromInline package var epsilon: Float
    /// It may be the input.
    @usableFromInline package var target: UnsafeMutablePointer<Float>
    @usableFromInline package var targetStride: Int

    @inlinable
    package init(
        input: UnsafePointer<Float>, inputStride: Int, rows: Int, columns: Int, gain: UnsafePointer<Float>,
        bias: UnsafePointer<Float>, epsilon: Float, target: UnsafeMutablePointer<Float>, targetStride: Int
    ) {
        self.input = input
        self.inputStride = inputStride
        self.rows = rows
        self.columns = columns
        self.gain = gain
        self.bias = bias
        self.epsilon = epsilon
        self.target = target
        self.targetStride = targetStride
    }
}

extension VectorUnit {
    @inlinable @inline(__always)
    package static func layerNorm(_ job: LayerNormRows) {
        let whole = job.columns / width * width
        let tail = job.columns - whole
        for row in 0..<job.rows {
            let input = job.input + row * job.inputStride
            let target = job.target + row * job.targetStride
            var sums = Vector(repeating: 0)
            for column in stride(from: 0, to: whole, by: width) { sums += load(input + column) }
            if tail > 0 { sums += load(input + whole, count: tail) }
            let mean = sums.sum() / Float(job.columns)

            let means = Vector(repeating: mean)
            var squares = Vector(repeating: 0)
            for column in stride(from: 0, to: whole, by: width) {
                let difference = load(input + column) - means
                squares = multiplyAdd(difference, difference, squares)
            }
            var variance = squares.sum()
            for column in whole..<job.columns {
                let difference = input[column] - mean
                variance += difference * difference
            }
            let scale = 1 / (variance / Float(job.columns) + job.epsilon).squareRoot()

            let scales = Vector(repeating: scale)
            for column in stride(from: 0, to: whole, by: width) {
                let value = (load(input + column) - means) * scales
                store(multiplyAdd(value, load(job.gain + column), load(job.bias + column)), target + column)
            }
            if tail > 0 {
                let value = (load(input + whole, count: tail) - means) * scales
                let gain = load(job.gain + whole, count: tail)
                let bias = load(job.bias + whole, count: tail)
                store(multiplyAdd(value, gain, bias), target + whole, count: tail)
            }
        }
    }
}
