package import CLIPInstructionSets
package import CLIPKernels
package import CLIPSystem
internal import CLIPThreads

// The values that this module's interface is made of, for who imports it alone.
package typealias InstructionSet = CLIPInstructionSets.InstructionSet
package typealias Rows<Element> = CLIPKernels.Rows<Element>
package typealias MutableRows<Element> = CLIPKernels.MutableRows<Element>
package typealias LinearActivation = CLIPKernels.LinearActivation

/// How to compute: an instruction set's kernels on a number of threads.
package struct Compute: Sendable {
    package let instructionSet: InstructionSet
    package var threads: Int { parallel.threads }

    let kernels: LayerKernels
    let parallel: Parallel
    /// What all calls with this value and its copies take their memory from.
    let memory = BufferPool()

    /// - Parameters:
    ///   - instructionSet: nil means CLIP_ISA, else the best of this machine.
    ///   - threads: nil means CLIP_THREADS, else the cores that this process may use.
    /// - Throws: if this machine doesn't have the instruction set, or a variable holds anything else.
    package init(instructionSet: InstructionSet? = nil, threads: Int? = nil) throws(CLIPError) {
        try self.init(instructionSet: instructionSet, threads: threads) { environmentVariable($0) }
    }

    init(
        instructionSet: InstructionSet?, threads: Int?, environment: (String) -> String?
    ) throws(CLIPError) {
        if let instructionSet {
            self.instructionSet = try InstructionSet(named: instructionSet.rawValue)
        } else {
            self.instructionSet = try InstructionSet(environment: environment)
        }
        kernels = self.instructionSet.kernels.layers
        parallel = Parallel(threads: try Compute.threadCount(threads, environment))
    }

    private static func threadCount(_ asked: Int?, _ environment: (String) -> String?) throws(CLIPError) -> Int {
        if let asked {
            guard threadRange.contains(asked) else {
                throw CLIPError(
                    .argument, "\(asked) threads: expected \(threadRange.lowerBound) to \(threadRange.upperBound)")
            }
            return asked
        }
        guard let text = environment("CLIP_THREADS"), !text.isEmpty else { return ProcessorCount.usable }
        guard let count = Int(text), threadRange.contains(count) else {
            throw CLIPError(
                .argument,
                "CLIP_THREADS is \"\(text)\": expected a number from \(threadRange.lowerBound) to "
                    + "\(threadRange.upperBound), or nothing for every core")
        }
        return count
    }

    private static let threadRange = 1...1024
}

extension Compute {
    /// Calls `body` for each index below `count`, on all threads.
    package func forEach(_ count: Int, _ body: (Int) -> Void) { parallel.run(count, body) }
}
