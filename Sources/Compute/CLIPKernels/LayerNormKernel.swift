/// A layer norm (Ba, Kiros and Hinton, 2016): (x − mean) / √(variance + ε) · gain + bias.
@usableFromInline package struct NormParameters {
    /// A number for each of `columns`.
    @usableFromInline package var gain: UnsafePointer<Float>
    @usableFromInline package var bias: UnsafePointer<Float>
    @usableFromInline package var columns: Int
    @usableFromInline package var epsilon: Float

    @inlinable
    package init(gain: UnsafePointer<Float>, bias: UnsafePointer<Float>, columns: Int, epsilon: Float) {
        self.gain = gain
        self.bias = bias
        self.columns = columns
        self.epsilon = epsilon
    }
}

extension VectorUnit {
    /// Normalises rows. The target may be the input.
    @inlinable @inline(__always)
    package static func layerNorm(_ input: Rows<Float>, _ norm: NormParameters, into target: MutableRows<Float>) {
        let whole = norm.columns / width * width
        let tail = norm.columns - whole
        for row in 0..<input.count {
            let target = target[row]
            let input = input[row]
            var sums = Vector(repeating: 0)
            for column in stride(from: 0, to: whole, by: width) { sums += load(input + column) }
            if tail > 0 { sums += load(input + whole, count: tail) }
            let mean = sums.sum() / Float(norm.columns)

            let means = Vector(repeating: mean)
            var squares = Vector(repeating: 0)
            for column in stride(from: 0, to: whole, by: width) {
                let difference = load(input + column) - means
                squares = multiplyAdd(difference, difference, squares)
            }
            var variance = squares.sum()
            for column in whole..<norm.columns {
                let difference = input[column] - mean
                variance += difference * difference
            }
            let scale = 1 / (variance / Float(norm.columns) + norm.epsilon).squareRoot()

            let scales = Vector(repeating: scale)
            for column in stride(from: 0, to: whole, by: width) {
                let value = (load(input + column) - means) * scales
                store(multiplyAdd(value, load(norm.gain + column), load(norm.bias + column)), target + column)
            }
            if tail > 0 {
                let value = (load(input + whole, count: tail) - means) * scales
                let gain = load(norm.gain + whole, count: tail)
                let bias = load(norm.bias + whole, count: tail)
                store(multiplyAdd(value, gain, bias), target + whole, count: tail)
            }
        }
    }
}
