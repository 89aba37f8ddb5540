package import CLIPKernels
internal import CLIPSystem

/// The weights of a linear layer, `[outputs, inputs]`, packed for the matmul kernels.
///
/// Panels `[ceil(outputs / 16)][inputs][16]`: sixteen output columns at a time, K-major inside, the last panel padded
/// with zeros. One layout serves every instruction set (one 512-bit vector, two of 256, four of 128), and a file that
/// holds panels is used as it is mapped.
///
/// int8 panels are `[ceil(outputs / 16)][ceil(inputs / 4)][16][4]`: four inputs of a column side by side, the last four
/// padded with zeros. int16 panels are `[ceil(outputs / 16)][ceil(inputs / 2)][16][2]`, two side by side.
package struct PanelPackedMatrix: Sendable {
    package static let panelWidth = 16

    /// How each weight is stored. Sums are taken in 32-bit floats, of whole numbers in 32-bit integers.
    package typealias ElementType = WeightElement

    /// K, the length of an input row.
    package let inputs: Int
    /// N, the length of an output row.
    package let outputs: Int
    package let elementType: ElementType
    /// The panels, aligned to their element size. Valid while `owner` lives.
    nonisolated(unsafe) package let bytes: UnsafeRawBufferPointer
    /// The scales of whole numbers, else nil.
    package let columnScales: ColumnScales?
    /// Keeps `bytes` alive: a mapped file, or the buffer that packing made.
    private let owner: (any AnyObject & Sendable)?

    /// Panels that lie in memory already.
    package init(
        inputs: Int, outputs: Int, elementType: ElementType, bytes: UnsafeRawBufferPointer,
        columnScales: ColumnScales? = nil, owner: (any AnyObject & Sendable)?
    ) {
        precondition(bytes.count == PanelPackedMatrix.byteCount(inputs: inputs, outputs: outputs, elementType))
        precondition(elementType.isWhole == (columnScales != nil))
        precondition((elementType == .int8) == (columnScales?.sums != nil))
        precondition(columnScales.map { $0.count == PanelPackedMatrix.paddedOutputs(outputs) } ?? true)
        self.inputs = inputs
        self.outputs = outputs
        self.elementType = elementType
        self.bytes = bytes
        self.columnScales = columnScales
        self.owner = owner
    }

    /// A matrix of which the shape alone is known: it has no `bytes`.
    package init(unreadInputs inputs: Int, outputs: Int) {
        self.inputs = inputs
        self.outputs = outputs
        elementType = .float32
        bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        columnScales = nil
        owner = nil
    }

    /// The number of panels of sixteen columns that `outputs` columns fill.
    package static func panelCount(outputs: Int) -> Int { (outputs + panelWidth - 1) / panelWidth }

    /// The number of columns that the panels of `outputs` columns hold.
    package static func paddedOutputs(_ outputs: Int) -> Int { panelCount(outputs: outputs) * panelWidth }

    /// The size of the panels of an `[outputs, inputs]` matrix.
    package static func byteCount(inputs: Int, outputs: Int, _ elementType: ElementType) -> Int {
        paddedOutputs(outputs) * paddedInputs(inputs, elementType) * elementType.byteCount
    }

    /// The number of inputs that a panel holds of each column.
    private static func paddedInputs(_ inputs: Int, _ elementType: ElementType) -> Int {
        let group = elementType.groupSize
        return (inputs + group - 1) / group * group
    }

    /// The weights of some columns, the first of which begins a panel.
    func panels(_ columns: Range<Int>) -> WeightPanels {
        let byte =
            columns.lowerBound * PanelPackedMatrix.paddedInputs(inputs, elementType) * elementType.byteCount
        return WeightPanels(
            bytes.baseAddress! + byte, elementType, depth: inputs, columns: columns.count,
            scales: columnScales.map { $0.scales + columns.lowerBound },
            sums: columnScales?.sums.map { $0 + columns.lowerBound })
    }
}

/// What belongs to a matrix of whole numbers, for each of its columns up to a whole panel.
package final class ColumnScales: @unchecked Sendable {
    package let count: Int
    /// What a whole number of the column counts: weight ≈ scale · number.
    package let scales: UnsafePointer<Float>
    /// Of int8 the sum of the column's numbers, else nil: what the activations' zero adds to a product is a multiple of it.
    package let sums: UnsafePointer<Int32>?

    package init(scales: [Float], sums: [Int32]? = nil) {
        precondition(sums.map { $0.count == scales.count } ?? true)
        count = scales.count
        let ownScales = UnsafeMutablePointer<Float>.allocate(capacity: count)
        ownScales.initialize(from: scales, count: count)
        self.scales = UnsafePointer(ownScales)
        self.sums = sums.map { sums in
            let ownSums = UnsafeMutablePointer<Int32>.allocate(capacity: sums.count)
            ownSums.initialize(from: sums, count: sums.count)
            return UnsafePointer(ownSums)
        }
    }

    deinit {
        scales.deallocate()
        sums?.deallocate()
    }
}

extension PanelPackedMatrix {
    /// Packs `[outputs, inputs]` numbers, row-major.
    package init(_ values: UnsafePointer<Float>, outputs: Int, inputs: Int, elementType: ElementType = .float32) {
        if elementType.isWhole {
            self = PanelPackedMatrix(values, outputs: outputs, inputs: inputs).quantised(as: elementType)
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
            let panels = start.bindMemory(to: UInt16.self, capacity: target.count / 2)
            pack(values, outputs: outputs, inputs: inputs, into: panels, zero: 0) { $0.halfBits }
        case .int16, .int8: preconditionFailure("whole numbers are made by quantised(as:)")
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

extension PanelPackedMatrix {
    /// Writes the matrix as `[outputs, inputs]`, row-major, in the panels' own element type. A matrix of whole numbers
    /// is dequantised before.
    /// - Parameter target: `outputs * inputs` elements.
    package func unpack(into target: UnsafeMutableRawBufferPointer) {
        precondition(target.count == outputs * inputs * elementType.byteCount)
        switch elementType {
        case .float32: unpack(into: target, as: UInt32.self)
        case .float16: unpack(into: target, as: UInt16.self)
        case .int16, .int8: preconditionFailure("whole numbers have scales: dequantise them first")
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

extension PanelPackedMatrix {
    /// The groups of four, or of int16 the pairs, that `inputs` numbers fill.
    package static func groupCount(inputs: Int, _ elementType: ElementType) -> Int {
        paddedInputs(inputs, elementType) / elementType.groupSize
    }

    /// The same matrix in whole numbers, of −127…127 (int8) or −4095…4095 (int16): the largest weight of each column
    /// becomes the largest number, the others are rounded to nearest, ties to even.
    ///
    /// Weights must be finite. A matrix of this type is returned as it is.
    package func quantised(as type: ElementType) -> PanelPackedMatrix {
        guard elementType != type else { return self }
        let floats = dequantised()
        let width = PanelPackedMatrix.panelWidth
        let panels = PanelPackedMatrix.panelCount(outputs: outputs)
        let buffer = PanelBuffer(byteCount: PanelPackedMatrix.byteCount(inputs: inputs, outputs: outputs, type))
        var scales: [Float] = []
        var sums: [Int32] = []
        for panel in 0..<panels {
            var largest = [Float](repeating: 0, count: width)
            for input in 0..<inputs {
                for column in 0..<width {
                    largest[column] = max(
                        largest[column], abs(floats.weight(panel: panel, input: input, column: column)))
                }
            }
            // A column of nothing but zeros keeps them with any scale.
            let steps = largest.map { max($0 / type.largestNumber, .leastNormalMagnitude) }
            var total = [Int32](repeating: 0, count: width)
            for input in 0..<PanelPackedMatrix.paddedInputs(inputs, type) {
                for column in 0..<width {
                    let weight = input < inputs ? floats.weight(panel: panel, input: input, column: column) : 0
                    let number = Int32((weight / steps[column]).rounded(.toNearestOrEven))
                    total[column] += number
                    let place = place(panel: panel, input: input, column: column, type)
                    if type == .int8 {
                        buffer.bytes.storeBytes(of: Int8(number), toByteOffset: place, as: Int8.self)
                    } else {
                        buffer.bytes.storeBytes(of: Int16(number), toByteOffset: place, as: Int16.self)
                    }
                }
            }
            scales += steps
            sums += total
        }
        return PanelPackedMatrix(
            inputs: inputs, outputs: outputs, elementType: type, bytes: UnsafeRawBufferPointer(buffer.bytes),
            columnScales: ColumnScales(scales: scales, sums: type == .int8 ? sums : nil), owner: buffer)
    }

    /// The same matrix in floats: whole numbers widened, any other as it is.
    package func dequantised() -> PanelPackedMatrix {
        guard let columnScales else { return self }
        let width = PanelPackedMatrix.panelWidth
        let buffer = PanelBuffer(byteCount: PanelPackedMatrix.byteCount(inputs: inputs, outputs: outputs, .float32))
        for panel in 0..<PanelPackedMatrix.panelCount(outputs: outputs) {
            for input in 0..<inputs {
                for column in 0..<width {
                    let place = place(panel: panel, input: input, column: column, elementType)
                    let number =
                        elementType == .int8
                        ? Float(bytes.load(fromByteOffset: place, as: Int8.self))
                        : Float(bytes.load(fromByteOffset: place, as: Int16.self))
                    buffer.bytes.storeBytes(
                        of: number * columnScales.scales[panel * width + column],
                        toByteOffset: self.place(panel: panel, input: input, column: column, .float32), as: Float.self)
                }
            }
        }
        return PanelPackedMatrix(
            inputs: inputs, outputs: outputs, elementType: .float32, bytes: UnsafeRawBufferPointer(buffer.bytes),
            owner: buffer)
    }

    /// The numbers at one place of a panel's sixteen columns, of floats.
    @inline(__always)
    func line(panel: Int, input: Int) -> SIMD16<Float> {
        let index = (panel * inputs + input) * PanelPackedMatrix.panelWidth
        guard elementType != .float32 else {
            return bytes.loadUnaligned(fromByteOffset: 4 * index, as: SIMD16<Float>.self)
        }
        // In pairs, since the compiler widens vectors number by number.
        let pairs = bytes.loadUnaligned(fromByteOffset: 2 * index, as: SIMD8<UInt32>.self)
        var line = SIMD16<Float>()
        line.evenHalf = widened(halves: pairs & 0xFFFF)
        line.oddHalf = widened(halves: pairs &>> 16)
        return line
    }

    /// The outputs that panel `index` holds.
    func columns(panel index: Int) -> Range<Int> {
        let first = index * PanelPackedMatrix.panelWidth
        return first..<min(first + PanelPackedMatrix.panelWidth, outputs)
    }

    /// Calls `body` with each line of panels of floats.
    @inline(__always)
    func forEachLine(_ body: (_ panel: Int, _ input: Int, _ line: SIMD16<Float>) -> Void) {
        for panel in 0..<PanelPackedMatrix.panelCount(outputs: outputs) {
            for input in 0..<inputs { body(panel, input, line(panel: panel, input: input)) }
        }
    }

    /// Some neighbouring columns of floats, the first of which begins a panel.
    func part(_ columns: Range<Int>) -> PanelPackedMatrix {
        let bytes = UnsafeRawBufferPointer(
            rebasing: bytes[
                columns.lowerBound * inputs * elementType.byteCount..<PanelPackedMatrix.paddedOutputs(
                    columns.upperBound) * inputs * elementType.byteCount])
        return PanelPackedMatrix(
            inputs: inputs, outputs: columns.count, elementType: elementType, bytes: bytes,
            owner: owner)
    }

    /// The byte at which a weight lies in panels of `type`.
    @inline(__always)
    private func place(panel: Int, input: Int, column: Int, _ type: ElementType) -> Int {
        // A group has one, two or four inputs: divisions would take longer than all the rest.
        let size = type.groupSize
        let shift = size.trailingZeroBitCount
        let groups = (inputs + size - 1) >> shift
        let group = (panel * groups + input >> shift) * PanelPackedMatrix.panelWidth + column
        return (group << shift + input & (size - 1)) * type.byteCount
    }

    /// A weight of a panel of floats.
    @inline(__always)
    private func weight(panel: Int, input: Int, column: Int) -> Float {
        let index = (panel * inputs + input) * PanelPackedMatrix.panelWidth + column
        if elementType == .float32 { return bytes.loadUnaligned(fromByteOffset: 4 * index, as: Float.self) }
        return Float(halfBits: bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
    }
}

/// The values of IEEE binary16.
@inline(__always)
private func widened(halves: SIMD8<UInt32>) -> SIMD8<Float> {
    let magnitude = (halves & 0x7FFF) &<< 13
    // The exponent's bias grows from 15 to 127, for subnormals too; infinities and NaNs keep their largest exponent.
    let finite = unsafeBitCast(unsafeBitCast(magnitude, to: SIMD8<Float>.self) * 0x1p112, to: SIMD8<UInt32>.self)
    // A comparison would go number by number: the sum is negative from 0x0F80_0000 on.
    let mask = unsafeBitCast(magnitude &+ 0x7080_0000, to: SIMD8<Int32>.self) &>> 31
    let special = unsafeBitCast(mask, to: SIMD8<UInt32>.self) & (magnitude | 0x7F80_0000)
    return unsafeBitCast(finite | special | (halves & 0x8000) &<< 16, to: SIMD8<Float>.self)
}
