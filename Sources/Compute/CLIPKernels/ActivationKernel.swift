extension VectorUnit {
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
