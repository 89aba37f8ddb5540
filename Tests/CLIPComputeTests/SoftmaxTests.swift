import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPCompute

@Suite struct SoftmaxTests {
    @Test(arguments: eachInstructionSet, [1, 7, 16, 35])
    func `The terms of a softmax over columns are those of each column`(_ compute: Compute, _ columns: Int) {
        let rows = 9
        var numbers = SeededNumbers(seed: 3)
        let matrix = Activations(rows: rows, columns: columns)
        for row in 0..<rows {
            for (column, value) in numbers.floats(columns).enumerated() { matrix.row(row)[column] = value }
        }
        let found = compute.softmaxTerms(of: Rows(matrix.all), columns: columns, scale: 40)
        for column in 0..<columns {
            let values = (0..<rows).map { Double(matrix.row($0)[column]) }
            let largest = values.max() ?? 0
            let sum = values.reduce(0) { $0 + exp(40 * ($1 - largest)) }
            #expect(Double(found.largest[column]) == largest)
            #expect(abs(Double(found.sums[column]) - sum) <= 1e-5 * sum)
        }
    }
}
