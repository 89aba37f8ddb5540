/// Why a tokenizer could not be loaded. `description` is one line and names the file.
package struct TokenizerError: Error, Equatable, CustomStringConvertible {
    package let file: String
    /// What is wrong, where, what was expected and found, what to do next.
    package let problem: String

    package init(file: String, problem: String) {
        self.file = file
        self.problem = problem
    }

    package var description: String { "\(file): \(problem)" }
}

/// `text` between quotes for an error message: control characters escaped, cut to a length that fits a line.
func quoted(_ text: String) -> String {
    let limit = 60
    var result = "\""
    for (count, scalar) in text.unicodeScalars.enumerated() {
        if count == limit {
            result += "…"
            break
        }
        result += scalar.value < 0x20 || scalar.value == 0x7F ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return result + "\""
}
