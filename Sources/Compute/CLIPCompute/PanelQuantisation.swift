extension PanelPackedMatrix {
    /// The groups of four that `inputs` numbers fill.
    package static func groupCount(inputs: Int) -> Int { (inputs + 3) / 4 }

    /// The same matrix in whole numbers of −127…127: the largest weight of each column becomes ±127, the others are
    /// rounded to nearest, ties to even.
    ///
    /// Weights must be finite. An int8 matrix is returned as it is.
    package func quantised() -> PanelPackedMatrix {
        guard elementType != .int8 else { return self }
        let width = PanelPackedMatrix.panelWidth
        let panels = PanelPackedMatrix.panelCount(outputs: outputs)
        let groups = PanelPackedMatrix.groupCount(inputs: inputs)
        let buffer = PanelBuffer(byteCount: PanelPackedMatrix.byteCount(inputs: inputs, outputs: outputs, .int8))
        var scales: [Float] = []
        var sums: [Int32] = []
        for panel in 0..<panels {
            var largest = [Float](repeating: 0, count: width)
            for input in 0..<inputs {
                for column in 0..<width {
                    largest[column] = max(largest[column], abs(weight(panel: panel, input: input, column: column)))
                }
            }
            // A column of nothing but zeros keeps them with any scale.
            let steps = largest.map { max($0 / 127, .leastNormalMagnitude) }
            var total = [Int32](repeating: 0, count: width)
            for position in 0..<groups * 4 {
                for column in 0..<width {
                    let weight = position < inputs ? weight(panel: panel, input: position, column: column) : 0
                    let number = Int8((weight / steps[column]).rounded(.toNearestOrEven))
                    total[column] += Int32(number)
                    let offset = ((panel * groups + position / 4) * width + column) * 4 + position % 4
                    buffer.bytes.storeBytes(of: number, toByteOffset: offset, as: Int8.self)
                }
            }
            scales += steps
            sums += total
        }
        return PanelPackedMatrix(
            inputs: inputs, outputs: outputs, elementType: .int8, bytes: UnsafeRawBufferPointer(buffer.bytes),
            columnScales: ColumnScales(scales: scales, sums: sums), owner: buffer)
    }

    /// The same matrix in floats: an int8 matrix widened, any other as it is.
    package func dequantised() -> PanelPackedMatrix {
        guard let columnScales else { return self }
        let width = PanelPackedMatrix.panelWidth
        let groups = PanelPackedMatrix.groupCount(inputs: inputs)
        let buffer = PanelBuffer(byteCount: PanelPackedMatrix.byteCount(inputs: inputs, outputs: outputs, .float32))
        for panel in 0..<PanelPackedMatrix.panelCount(outputs: outputs) {
            for input in 0..<inputs {
                for column in 0..<width {
                    let offset = ((panel * groups + input / 4) * width + column) * 4 + input % 4
                    let number = bytes.load(fromByteOffset: offset, as: Int8.self)
                    buffer.bytes.storeBytes(
                        of: Float(number) * columnScales.scales[panel * width + column],
                        toByteOffset: 4 * ((panel * inputs + input) * width + column), as: Float.self)
                }
            }
        }
        return PanelPackedMatrix(
            inputs: inputs, outputs: outputs, elementType: .float32, bytes: UnsafeRawBufferPointer(buffer.bytes),
            owner: buffer)
    }

    /// A weight of a panel of floats.
    @inline(__always)
    private func weight(panel: Int, input: Int, column: Int) -> Float {
        let index = (panel * inputs + input) * PanelPackedMatrix.panelWidth + column
        if elementType == .float32 { return bytes.loadUnaligned(fromByteOffset: 4 * index, as: Float.self) }
        return Float(bytes.loadUnaligned(fromByteOffset: 2 * index, as: Float16.self))
    }
}
