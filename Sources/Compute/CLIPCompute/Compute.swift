internal import CLIPKernels
internal import CLIPThreads
internal import CLIPSystem

/// How to compute: an instruction set's kernels on a number of threads.
package struct Compute: Sendable {
    package let instructionSet: InstructionSet
    package var threads: Int { parallel.threads }

    let kernels: KernelTable
    let parallel: Parallel
    /// What all calls with this value and its copies take their memory from.
    let memory = BufferPool()

    /// - Parameters:
    ///   - instructionSet: nil means CLIP_ISA, else the best of this machine.
    ///   - threads: nil means CLIP_THREADS, else the cores that this process may use.
    /// - Throws: if this machine doesn't have the instruction set, or a variable holds anything else.
    package init(instructionSet: InstructionSet? = nil, threads: Int? = nil) throws(ComputeError) {
        try self.init(instructionSet: instructionSet, threads: threads) { environmentVariable($0) }
    }

    init(
        instructionSet: InstructionSet?, threads: Int?, environment: (String) -> String?
    ) throws(ComputeError) {
        if let instructionSet {
            self.instructionSet = try InstructionSet(named: instructionSet.rawValue)
        } else if let name = environment("CLIP_ISA"), !name.isEmpty {
            do {
                self.instructionSet = try InstructionSet(named: name)
            } catch {
                throw ComputeError("CLIP_ISA: \(error.description)")
            }
        } else {
            self.instructionSet = .best
        }
        kernels = self.instructionSet.kernels
        parallel = Parallel(threads: try Compute.threadCount(threads, environment))
    }

    private static func threadCount(_ asked: Int?, _ environment: (String) -> String?) throws(ComputeError) -> Int {
        if let asked {
            guard threadRange.contains(asked) else {
                throw ComputeError("\(asked) threads: expected \(threadRange.lowerBound) to \(threadRange.upperBound)")
            }
            return asked
        }
        guard let text = environment("CLIP_THREADS"), !text.isEmpty else { return ProcessorCount.usable }
        guard let count = Int(text), threadRange.contains(count) else {
            throw ComputeError(
                "CLIP_THREADS is \"\(text)\": expected a number from \(threadRange.lowerBound) to "
                    + "\(threadRange.upperBound), or nothing for every core")
        }
        return count
    }

    private static let threadRange = 1...1024
}

/// What the environment or a caller asked for can't be had on this machine.
package struct ComputeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One line: what, expected, found.
    package let description: String

    package init(_ description: String) { self.description = description }
}
