#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import CLIP

/// The model that a command line asks for.
struct ModelChoice {
    private let name: String?
    private let threads: Int?

    init(_ arguments: Arguments) {
        name = arguments.text(.model)
        threads = arguments.integer(.threads)
    }

    /// For commands that take the model as their argument, with or without `--model`.
    init(argument arguments: Arguments) throws(UsageError) {
        if let argument = arguments.texts.first {
            guard !arguments.has(.model) else {
                throw UsageError("The model is named twice, as <model> and with --model.")
            }
            name = argument
        } else {
            name = arguments.text(.model)
        }
        threads = arguments.integer(.threads)
    }

    /// Loads it: what was named, else `CLIP_MODEL`, else the embedded one.
    func load() throws(CLIPError) -> CLIPModel {
        if let name { return try CLIPModel(named: name, threads: threads) }
        if let variable = getenv("CLIP_MODEL"), variable[0] != 0 {
            return try CLIPModel(named: String(cString: variable), threads: threads)
        }
        return try CLIPModel.embedded(threads: threads)
    }
}
