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
