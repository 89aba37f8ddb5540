extension PanelPackedMatrix {
    /// Packs `[outputs, inputs]` numbers, row-major.
    package init(_ values: UnsafePointer<Float>, outputs: Int, inputs: Int, elementType: ElementType = .float32) {
        if elementType == .int8 {
            self = PanelPackedMatrix(values, outputs: outputs, inputs: inputs).quantised()
            return
        }
        let buffer = PanelBuffer(
            byteCount: PanelPackedMatrix.byteCount(inputs: inputs, outputs: outputs, elementType))
        PanelPackedMatrix.pack(values, outputs: outputs, inputs: inputs, elementType, into: buffer.bytes)
        self.init(
            inputs: inputs, outputs: outputs, elementType: elementType,
            bytes: UnsafeRawBufferPointer(buffer.bytes), owner: buffer)
    }

    /// Packs `[outputs, inputs]` numbers, row-major, into `byteCount` bytes aligned to the element size, as floats.
    ///
    /// Half precision rounds to nearest, ties to even; numbers beyond its range become infinite.
    private static func pack(
        _ values: UnsafePointer<Float>, outputs: Int, inputs: Int, _ elementType: ElementType,
        into target: UnsafeMutableRawBufferPointer
    ) {
        precondition(target.count == byteCount(inputs: inputs, outputs: outputs, elementType))
        guard let start = target.baseAddress else { return }
        switch elementType {
        case .float32:
            let panels = start.bindMemory(to: Float.self, capacity: target.count / 4)
            pack(values, outputs: outputs, inputs: inputs, into: panels, zero: 0) { $0 }
        case .float16:
            let panels = start.bindMemory(to: Float16.self, capacity: target.count / 2)
            pack(values, outputs: outputs, inputs: inputs, into: panels, zero: 0) { Float16($0) }
        case .int8: preconditionFailure("int8 panels are made by quantised()")
        }
    }

    @inline(__always)
    private static func pack<Element>(
        _ values: UnsafePointer<Float>, outputs: Int, inputs: Int, into panels: UnsafeMutablePointer<Element>,
        zero: Element, convert: (Float) -> Element
    ) {
        for panel in 0..<panelCount(outputs: outputs) {
            let target = panels + panel * inputs * panelWidth
            let count = min(panelWidth, outputs - panel * panelWidth)
            let source = values + panel * panelWidth * inputs
            for input in 0..<inputs {
                for column in 0..<count {
                    target[input * panelWidth + column] = convert(source[column * inputs + input])
                }
                for column in count..<panelWidth { target[input * panelWidth + column] = zero }
            }
        }
    }
}

/// The memory of a matrix that was packed here.
final class PanelBuffer: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) { bytes = .allocate(byteCount: byteCount, alignment: 64) }

    deinit { bytes.deallocate() }
}
