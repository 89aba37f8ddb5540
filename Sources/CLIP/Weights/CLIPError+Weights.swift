internal import CLIPWeights

extension CLIPError {
    /// The same error for people who use this library: it names the file.
    init(_ error: WeightsError) {
        self.init(.model, path: error.path, error.problem)
    }
}

/// Calls `body`, turning what the weights module throws into `CLIPError`.
func reading<Result>(_ body: () throws(WeightsError) -> Result) throws(CLIPError) -> Result {
    do {
        return try body()
    } catch {
        throw CLIPError(error)
    }
}
