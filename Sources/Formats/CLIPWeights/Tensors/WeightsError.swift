/// Why weights could not be loaded or written. `description` is one line and names the file.
package struct WeightsError: Error, Equatable, CustomStringConvertible {
    package let path: String
    /// What is wrong, where, what was expected and found, what to do next.
    package let problem: String

    package init(path: String, problem: String) {
        self.path = path
        self.problem = problem
    }

    package var description: String { "\(path): \(problem)" }
}

/// `name` between quotation marks for a one-line message: control characters escaped, long names cut.
package func quoted(_ name: String) -> String {
    var text = "\""
    for (count, scalar) in name.unicodeScalars.enumerated() {
        if count == 200 {
            text += "…"
            break
        }
        text += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return text + "\""
}
