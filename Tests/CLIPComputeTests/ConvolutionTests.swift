import CLIPTestSupport
import Testing

@testable import CLIPCompute

/// Convolutions against plain sums in double precision.
@Suite struct ConvolutionTests {
    struct Shape: CustomTestStringConvertible {
        var count = 1
        var side: Int
        var channels: Int
        var outputs = 1
        var kernel: Int
        var step = 1

        var testDescription: String {
            "\(count) × \(side) × \(side) × \(channels), \(outputs) outputs, \(kernel) × \(kernel), step \(step)"
        }
    }

    @Test(
        arguments: eachInstructionSet,
        [
            Shape(side: 1, channels: 1, kernel: 7), Shape(count: 2, side: 3, channels: 17, kernel: 3),
            Shape(side: 5, channels: 16, kernel: 7, step: 2), Shape(side: 9, channels: 80, kernel: 5, step: 2),
            Shape(count: 3, side: 7, channels: 33, kernel: 7), Shape(side: 17, channels: 4, kernel: 3),
            Shape(side: 30, channels: 70, kernel: 3, step: 2),
        ])
    func `Each channel is convolved by itself`(_ compute: Compute, _ shape: Shape) {
        var numbers = SeededNumbers(seed: 11)
        let weights = numbers.floats(shape.kernel * shape.kernel * shape.channels)
        let bias = numbers.floats(shape.channels)
        let layer = DepthwiseConvolution(
            weights: ParameterVector(weights), bias: ParameterVector(bias), channels: shape.channels,
            kernel: shape.kernel, step: shape.step)
        let (maps, input) = maps(shape, &numbers)
        for activation in [LinearActivation.identity, .relu] {
            let found = compute.convolve(maps, layer, activation: activation)
            let expected = plain(shape, input, side: found.side, outputs: shape.channels) { tap, channel, output in
                channel == output ? weights[tap * shape.channels + channel] : 0
            }
            check(found, expected, bias, activation)
        }
    }

    @Test(
        arguments: eachInstructionSet,
        [
            Shape(side: 1, channels: 3, outputs: 5, kernel: 3),
            Shape(count: 2, side: 5, channels: 20, outputs: 33, kernel: 3),
            Shape(side: 9, channels: 16, outputs: 16, kernel: 3, step: 2),
            // From 24 places along a side on squares are multiplied where they lie.
            Shape(count: 2, side: 24, channels: 6, outputs: 40, kernel: 3),
            Shape(side: 49, channels: 5, outputs: 7, kernel: 3, step: 2),
            Shape(side: 27, channels: 16, outputs: 3, kernel: 5),
        ])
    func `All channels are convolved`(_ compute: Compute, _ shape: Shape) {
        for elementType in [PanelPackedMatrix.ElementType.float32, .float16, .int16] {
            var numbers = SeededNumbers(seed: 12)
            let inputs = shape.kernel * shape.kernel * shape.channels
            let weights = numbers.floats(shape.outputs * inputs).map { Float(Float16($0)) }
            let bias = numbers.floats(shape.outputs)
            let matrix = PanelPackedMatrix(weights, outputs: shape.outputs, inputs: inputs, elementType: elementType)
            let layer = Convolution(
                Linear(matrix, bias: ParameterVector(bias)), kernel: shape.kernel, step: shape.step)
            let (maps, input) = maps(shape, &numbers)
            let found = compute.convolve(maps, layer, activation: .relu)
            let expected = plain(shape, input, side: found.side, outputs: shape.outputs) { tap, channel, output in
                weights[output * inputs + tap * shape.channels + channel]
            }
            check(found, expected, bias, .relu, within: elementType == .int16 ? 1e-3 : 1e-6)
        }
    }

    /// Maps of random numbers, and those numbers.
    private func maps(_ shape: Shape, _ numbers: inout SeededNumbers) -> (FeatureMaps, [[Float]]) {
        let places = Activations(rows: shape.count * shape.side * shape.side, columns: shape.channels)
        let input = (0..<places.rows).map { _ in numbers.floats(shape.channels) }
        for (row, values) in input.enumerated() { places.row(row).update(from: values, count: shape.channels) }
        return (FeatureMaps(places, count: shape.count, side: shape.side), input)
    }

    /// The sums of the squares around each place, without bias.
    private func plain(
        _ shape: Shape, _ input: [[Float]], side: Int, outputs: Int,
        weight: (_ tap: Int, _ channel: Int, _ output: Int) -> Float
    ) -> [[Double]] {
        (0..<shape.count * side * side).map { place in
            let (picture, row, column) = (place / (side * side), place / side % side, place % side)
            var sums = [Double](repeating: 0, count: outputs)
            for tap in 0..<shape.kernel * shape.kernel {
                let line = row * shape.step - shape.kernel / 2 + tap / shape.kernel
                let across = column * shape.step - shape.kernel / 2 + tap % shape.kernel
                guard (0..<shape.side).contains(line), (0..<shape.side).contains(across) else { continue }
                let values = input[(picture * shape.side + line) * shape.side + across]
                for (channel, value) in values.enumerated() {
                    for output in 0..<outputs { sums[output] += Double(value) * Double(weight(tap, channel, output)) }
                }
            }
            return sums
        }
    }

    private func check(
        _ found: FeatureMaps, _ sums: [[Double]], _ bias: [Float], _ activation: LinearActivation,
        within tolerance: Double = 1e-6
    ) {
        let expected = sums.flatMap { sums in
            sums.indices.map { Reference.activate(activation, sums[$0] + Double(bias[$0])) }
        }
        let values = (0..<found.places.rows).flatMap { row in
            (0..<found.channels).map { found.places.row(row)[$0] }
        }
        #expect(values.count == expected.count)
        #expect(largestError(values, expected) < tolerance)
    }
}
