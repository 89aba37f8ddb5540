internal import CLIPKernels
internal import CLIPSystem

/// What a layer of convolutions makes of pictures: for each picture a square of places, for each place its channels.
package struct FeatureMaps: Sendable {
    /// `[count · side · side, channels]`, place after place.
    package let places: Activations
    /// Pictures.
    package let count: Int
    /// Places along a side.
    package let side: Int

    package init(_ places: Activations, count: Int, side: Int) {
        self.places = places
        self.count = count
        self.side = side
    }

    package var channels: Int { places.columns }
}

/// A convolution over all channels: a linear layer over the squares around places.
package struct Convolution: Sendable {
    /// `[outputs, kernel · kernel · channels]`, the channels of one place after those of another.
    package let layer: Linear
    /// The side of a square.
    package let kernel: Int
    /// Places from one square to the next.
    package let step: Int
    /// Places outside of the map, zeros, that the first square reaches over.
    package let padding: Int
    /// Those that the last one may reach over.
    package let paddingAfter: Int

    package init(_ layer: Linear, kernel: Int, step: Int = 1, padding: Int? = nil, paddingAfter: Int? = nil) {
        self.layer = layer
        self.kernel = kernel
        self.step = step
        self.padding = padding ?? kernel / 2
        self.paddingAfter = paddingAfter ?? self.padding
    }

    /// Places along a side of what comes out.
    package func outputSide(_ side: Int) -> Int { (side + padding + paddingAfter - kernel) / step + 1 }
}

/// A convolution of each channel for itself.
package struct DepthwiseConvolution: Sendable {
    /// `[kernel · kernel, channels]`, rows a whole number of panels long.
    private let weights: FloatBuffer
    private let bias: FloatBuffer
    private let stride: Int
    package let channels: Int
    package let kernel: Int
    package let step: Int
    /// Places outside of the map, zeros, that the first square reaches over.
    package let padding: Int

    /// - Parameters:
    ///   - weights: `[kernel · kernel, channels]`.
    ///   - bias: a number for each channel.
    ///   - padding: half of the kernel unless given.
    package init(
        weights: ParameterVector, bias: ParameterVector, channels: Int, kernel: Int, step: Int = 1, padding: Int? = nil
    ) {
        precondition(weights.count == kernel * kernel * channels && bias.count == channels && !kernel.isMultiple(of: 2))
        stride = (channels + 15) / 16 * 16
        self.weights = FloatBuffer(count: kernel * kernel * stride)
        self.bias = FloatBuffer(count: stride)
        for tap in 0..<kernel * kernel where weights.isRead {
            (self.weights.start + tap * stride).update(from: weights.start + tap * channels, count: channels)
        }
        if bias.isRead { self.bias.start.update(from: bias.start, count: channels) }
        self.channels = channels
        self.kernel = kernel
        self.step = step
        self.padding = padding ?? kernel / 2
    }

    /// - Parameters:
    ///   - channels: as many from a multiple of a panel's width on.
    ///   - target: the places of `rows` of the output.
    fileprivate func job(
        _ input: FeatureMaps, picture: Int, rows: Range<Int>, channels: Range<Int>, target: MutableRows<Float>
    ) -> DepthwiseJob {
        let size = input.side * input.side
        let first = channels.lowerBound
        return DepthwiseJob(
            Rows(input.places.all[picture * size..<(picture + 1) * size]).columns(from: first), side: input.side,
            rows: rows, kernel: kernel, step: step, padding: padding,
            weights: Rows(weights.start + first, stride: stride, count: kernel * kernel), bias: bias.start + first,
            channels: channels.count, target: target.columns(from: first))
    }
}

extension Compute {
    /// Room for maps.
    package func maps(count: Int, side: Int, channels: Int) -> FeatureMaps {
        FeatureMaps(activations(rows: count * side * side, columns: channels), count: count, side: side)
    }

    /// Convolves maps.
    ///
    /// Squares are laid out some at a time, as many as stay in the threads' caches.
    package func convolve(
        _ input: FeatureMaps, _ convolution: Convolution, activation: LinearActivation = .identity
    ) -> FeatureMaps {
        let side = convolution.outputSide(input.side)
        let output = maps(count: input.count, side: side, channels: convolution.layer.weights.outputs)
        if convolution.kernel == 1, convolution.step == 1 {
            linear([
                LinearProduct(
                    convolution.layer, Rows(input.places.all), into: output.places.all, activation: activation)
            ])
            return output
        }
        if side >= Compute.directSide, !convolution.layer.weights.elementType.isWhole {
            convolve(input, convolution, activation, into: output)
            return output
        }
        convolve(into: output, convolution, activation) { picture, row, column, target in
            cut(input, convolution, picture: picture, row: row, column: column, into: target)
        }
        return output
    }

    /// Convolves pictures, `[count, 3, size, size]`, by weights `[outputs, 3 · kernel · kernel]`, the numbers of one
    /// channel after those of another.
    package func convolve(
        pixels: UnsafePointer<Float>, count: Int, size: Int, _ convolution: Convolution,
        activation: LinearActivation = .identity
    ) -> FeatureMaps {
        let side = convolution.outputSide(size)
        let output = maps(count: count, side: side, channels: convolution.layer.weights.outputs)
        convolve(into: output, convolution, activation) { picture, row, column, target in
            cut(pixels + picture * 3 * size * size, size: size, convolution, row: row, column: column, into: target)
        }
        return output
    }

    /// Multiplies the squares around the places of a row at a time where they lie, in maps with zeros around them.
    private func convolve(
        _ input: FeatureMaps, _ convolution: Convolution, _ activation: LinearActivation, into output: FeatureMaps
    ) {
        let (channels, step) = (input.channels, convolution.step)
        let padded = (output.side - 1) * step + convolution.kernel
        let lines = activations(rows: input.count * padded, columns: padded * channels)
        let start = convolution.padding * channels
        let inside = min(input.side, padded - convolution.padding)
        forEachRow(lines.rows) { index in
            let (picture, row) = index.quotientAndRemainder(dividingBy: padded)
            let target = lines.row(index)
            let source = row - convolution.padding
            guard (0..<input.side).contains(source) else {
                return target.update(repeating: 0, count: padded * channels)
            }
            target.update(repeating: 0, count: start)
            for place in 0..<inside {
                (target + start + place * channels).update(
                    from: input.places.row((picture * input.side + source) * input.side + place), count: channels)
            }
            let end = start + inside * channels
            (target + end).update(repeating: 0, count: padded * channels - end)
        }
        let weights = convolution.layer.weights
        parallel.run(input.count * output.side) { index in
            let (picture, row) = index.quotientAndRemainder(dividingBy: output.side)
            let squares = Rows(
                UnsafePointer(lines.row(picture * padded + row * step)), stride: step * channels, count: output.side)
            kernels.linear(
                LinearInput(squares, runs: convolution.kernel, runStride: lines.stride),
                weights.panels(0..<weights.outputs),
                LinearOutput(
                    output.places.all[index * output.side..<(index + 1) * output.side],
                    bias: convolution.layer.bias?.start, activation: activation))
        }
    }

    /// Places along a side from which on a row of them fills tiles well.
    private static let directSide = 24

    /// Lays out the squares around places, some at a time, and takes them through the layer.
    /// - Parameter cut: writes the numbers of the square of one place of a picture.
    private func convolve(
        into output: FeatureMaps, _ convolution: Convolution, _ activation: LinearActivation,
        cut: (_ picture: Int, _ row: Int, _ column: Int, _ target: UnsafeMutablePointer<Float>) -> Void
    ) {
        let side = output.side
        forEachStretch(of: output.places.rows, depth: convolution.layer.weights.inputs) { rows, squares in
            forEachRow(rows.count) { index in
                let (picture, place) = (rows.lowerBound + index).quotientAndRemainder(dividingBy: side * side)
                cut(picture, place / side, place % side, squares.row(index))
            }
            linear([
                LinearProduct(
                    convolution.layer, Rows(squares.all[0..<rows.count]), into: output.places.all[rows],
                    activation: activation)
            ])
        }
    }

    /// Convolves each channel of maps by itself.
    package func convolve(
        _ input: FeatureMaps, _ convolution: DepthwiseConvolution, activation: LinearActivation = .identity
    ) -> FeatureMaps {
        let side = (input.side - 1) / convolution.step + 1
        let output = maps(count: input.count, side: side, channels: convolution.channels)
        let stretches = (side + Compute.depthwiseRows - 1) / Compute.depthwiseRows
        let parts = (convolution.channels + Compute.depthwiseChannels - 1) / Compute.depthwiseChannels
        parallel.run(input.count * stretches * parts) { index in
            let (stretch, part) = index.quotientAndRemainder(dividingBy: parts)
            let picture = stretch / stretches
            let rows = evenBlock(stretch % stretches, of: stretches, rows: side)
            let first = part * Compute.depthwiseChannels
            let channels = first..<min(first + Compute.depthwiseChannels, convolution.channels)
            let start = picture * side
            let target = output.places.all[(start + rows.lowerBound) * side..<(start + rows.upperBound) * side]
            kernels.depthwise(
                convolution.job(input, picture: picture, rows: rows, channels: channels, target: target))
            if activation != .identity {
                kernels.activate(target.columns(from: first), channels.count, activation)
            }
        }
        return output
    }

    /// Rows of a task at most: the lines that they reach over stay in a core's second cache.
    private static let depthwiseRows = 8
    /// Channels of a task at most, a few cache lines.
    private static let depthwiseChannels = 64

    /// Takes rows of `columns` numbers through an activation.
    package func activate(_ rows: MutableRows<Float>, columns: Int, _ activation: LinearActivation) {
        parallel.run((rows.count + 15) / 16) { chunk in
            kernels.activate(rows[chunk * 16..<min(chunk * 16 + 16, rows.count)], columns, activation)
        }
    }

    /// The means of squares of `size` places. Those of a square outside of the map don't count.
    /// - Parameters:
    ///   - step: places from one square to the next; unless given squares don't overlap.
    ///   - padding: places outside of the map that the first square, and the last, reach over.
    package func averagePool(
        _ input: FeatureMaps, size: Int, step: Int? = nil, padding: Int = 0
    ) -> FeatureMaps {
        let step = step ?? size
        let side = (input.side + 2 * padding - size) / step + 1
        let output = maps(count: input.count, side: side, channels: input.channels)
        func inside(_ first: Int) -> Range<Int> { max(0, first)..<min(input.side, first + size) }
        parallel.run(input.count * side) { index in
            let (picture, row) = index.quotientAndRemainder(dividingBy: side)
            let lines = inside(row * step - padding)
            for column in 0..<side {
                let target = UnsafeMutableRawPointer(output.places.row(index * side + column))
                let places = inside(column * step - padding)
                let factor = 1 / Float(lines.count * places.count)
                for first in stride(from: 0, to: input.channels, by: SIMD16<Float>.scalarCount) {
                    var sum = SIMD16<Float>()
                    for line in lines {
                        let row = (picture * input.side + line) * input.side
                        for place in places {
                            sum += UnsafeRawPointer(input.places.row(row + place) + first).loadUnaligned(
                                as: SIMD16.self)
                        }
                    }
                    target.storeBytes(of: sum * factor, toByteOffset: 4 * first, as: SIMD16.self)
                }
            }
        }
        return output
    }

    /// Every channel twice, one beside the other: a depthwise convolution then makes two of one.
    package func doubled(_ input: FeatureMaps) -> FeatureMaps {
        let output = maps(count: input.count, side: input.side, channels: 2 * input.channels)
        forEachRow(input.places.rows) { row in
            let (source, target) = (input.places.row(row), output.places.row(row))
            for channel in 0..<input.channels {
                target[2 * channel] = source[channel]
                target[2 * channel + 1] = source[channel]
            }
        }
        return output
    }

    /// Scales the channels of each picture by a sigmoid of factors, `[count, channels]` (Hu et al., 2017).
    package func excite(_ maps: FeatureMaps, by factors: Activations) {
        let size = maps.side * maps.side
        for picture in 0..<maps.count {
            let row = factors.row(picture)
            for channel in 0..<maps.channels { row[channel] = 1 / (1 + Float(exp(Double(-row[channel])))) }
        }
        forEachRow(maps.places.rows) { place in
            let (row, factors) = (maps.places.row(place), factors.row(place / size))
            for channel in 0..<maps.channels { row[channel] *= factors[channel] }
        }
    }

    /// x · factor + term for each of some columns.
    package func scale(
        _ input: Activations, factors: ParameterVector, terms: ParameterVector, into target: Activations
    ) {
        forEachRow(input.rows) { row in
            let (source, target) = (input.row(row), target.row(row))
            for column in 0..<input.columns {
                target[column] = source[column] * factors.start[column] + terms.start[column]
            }
        }
    }

    /// The numbers of the square around a place, `[kernel · kernel, channels]`.
    private func cut(
        _ input: FeatureMaps, _ convolution: Convolution, picture: Int, row: Int, column: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        let top = row * convolution.step - convolution.padding
        let left = column * convolution.step - convolution.padding
        let channels = input.channels
        var target = target
        for line in top..<top + convolution.kernel {
            for column in left..<left + convolution.kernel {
                if line < 0 || line >= input.side || column < 0 || column >= input.side {
                    target.update(repeating: 0, count: channels)
                } else {
                    let source = input.places.row((picture * input.side + line) * input.side + column)
                    target.update(from: source, count: channels)
                }
                target += channels
            }
        }
    }

    /// The pixels of a square, `[3, kernel, kernel]`.
    private func cut(
        _ pixels: UnsafePointer<Float>, size: Int, _ convolution: Convolution, row: Int, column: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        let (top, left) = (
            row * convolution.step - convolution.padding, column * convolution.step - convolution.padding
        )
        var target = target
        for channel in 0..<3 {
            for line in top..<top + convolution.kernel {
                for place in left..<left + convolution.kernel {
                    let isInside = line >= 0 && line < size && place >= 0 && place < size
                    target.pointee = isInside ? pixels[(channel * size + line) * size + place] : 0
                    target += 1
                }
            }
        }
    }

    /// Hands out the rows of a layer in stretches, with room for as many rows of `depth` numbers.
    private func forEachStretch(of rows: Int, depth: Int, _ body: (Range<Int>, Activations) -> Void) {
        let length = min(rows, threads * max(Compute.leastStretch, Compute.stretchFloats / depth))
        let squares = activations(rows: length, columns: depth)
        for start in stride(from: 0, to: rows, by: length) { body(start..<min(start + length, rows), squares) }
    }
}
