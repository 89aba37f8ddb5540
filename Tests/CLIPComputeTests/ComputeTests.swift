import CLIPSystem
import CLIPSystem
@testable import CLIPCompute
import Testing

@Suite struct ComputeTests {
    @Test func `Takes instruction set and threads from the environment`() throws {
        let compute = try make(["CLIP_ISA": "baseline", "CLIP_THREADS": "3"])
        #expect(compute.instructionSet == .baseline)
        #expect(compute.threads == 3)
    }

    @Test func `Arguments win over the environment`() throws {
        let compute = try Compute(instructionSet: .baseline, threads: 2) { _ in "nonsense" }
        #expect(compute.instructionSet == .baseline)
        #expect(compute.threads == 2)
    }

    @Test func `Takes the best of the machine by default`() throws {
        let compute = try make([:])
        #expect(compute.instructionSet == InstructionSet.available.max())
        #expect(compute.threads == ProcessorCount.usable)
        #expect(compute.threads >= 1)
        #expect(try make(["CLIP_ISA": "", "CLIP_THREADS": ""]).threads == compute.threads)
    }

    @Test func `Refuses an unknown instruction set`() {
        let available = InstructionSet.available.map(\.rawValue).joined(separator: ", ")
        #expect(throws: CLIPError(.argument, "CLIP_ISA: instruction set \"sse9\" is unknown, available: \(available)"))
        {
            try make(["CLIP_ISA": "sse9"])
        }
    }

    @Test func `Refuses what the machine lacks`() {
        for missing in InstructionSet.allCases where !InstructionSet.available.contains(missing) {
            #expect(throws: CLIPError.self) { try make(["CLIP_ISA": missing.rawValue]) }
            #expect(throws: CLIPError.self) { try Compute(instructionSet: missing) }
        }
    }

    @Test(arguments: ["0", "-1", "two", "1.5", "99999999999999999999", "4096"])
    func `Refuses senseless threads`(_ text: String) {
        #expect(throws: CLIPError.self) { try make(["CLIP_THREADS": text]) }
    }

    @Test func `Refuses no threads`() {
        #expect(throws: CLIPError(.argument, "0 threads: expected 1 to 1024")) { try Compute(threads: 0) }
    }

    private func make(_ environment: [String: String]) throws(CLIPError) -> Compute {
        try Compute(instructionSet: nil, threads: nil) { environment[$0] }
    }
}
