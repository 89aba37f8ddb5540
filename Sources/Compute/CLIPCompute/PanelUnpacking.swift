extension PanelPackedMatrix {
    /// Writes the matrix as `[outputs, inputs]`, row-major, in the panels' own element type. An int8 matrix is
    /// dequantised before.
    /// - Parameter target: `outputs * inputs` elements.
    package func unpack(into target: UnsafeMutableRawBufferPointer) {
        precondition(target.count == outputs * inputs * elementType.byteCount)
        switch elementType {
        case .float32: unpack(into: target, as: UInt32.self)
        case .float16: unpack(into: target, as: UInt16.self)
        case .int8: preconditionFailure("int8 panels have scales: dequantise them first")
        }
    }

    @inline(__always)
    private func unpack<Element: BitwiseCopyable>(into target: UnsafeMutableRawBufferPointer, as type: Element.Type) {
        guard let start = target.baseAddress, let source = bytes.baseAddress else { return }
        let numbers = start.assumingMemoryBound(to: Element.self)
        let panels = source.assumingMemoryBound(to: Element.self)
        for output in 0..<outputs {
            let (panel, column) = output.quotientAndRemainder(dividingBy: PanelPackedMatrix.panelWidth)
            let first = panels + (panel * inputs * PanelPackedMatrix.panelWidth + column)
            for input in 0..<inputs {
                numbers[output * inputs + input] = first[input * PanelPackedMatrix.panelWidth]
            }
        }
    }
}
