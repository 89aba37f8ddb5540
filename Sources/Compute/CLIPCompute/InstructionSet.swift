internal import CLIPKernels
import CLIPKernelsAVX2
import CLIPKernelsAVX512
import CLIPKernelsAVX512VNNI
import CLIPKernelsBaseline
internal import CLIPSystem

/// The vector instructions that kernels are compiled for, poorest first.
package enum InstructionSet: String, Sendable, CaseIterable, Comparable {
    /// SSE2 on x86-64, NEON on arm64.
    case baseline
    /// AVX2, FMA and F16C.
    case avx2
    /// AVX-512 F, BW, DQ and VL.
    case avx512
    /// The same with VNNI, for quantised layers.
    case avx512VNNI = "avx512vnni"

    package static func < (a: InstructionSet, b: InstructionSet) -> Bool {
        allCases.firstIndex(of: a)! < allCases.firstIndex(of: b)!
    }

    /// What this machine has, poorest first.
    package static let available: [InstructionSet] = {
        let features = ProcessorFeatures.current
        return allCases.filter { $0.requiredFeatures.allSatisfy(features.contains) }
    }()

    /// The richest that this machine has.
    package static var best: InstructionSet { available[available.count - 1] }

    /// The instruction set of this name.
    /// - Throws: if there is none, or this machine doesn't have it.
    package init(named name: String) throws(ComputeError) {
        guard let named = InstructionSet(rawValue: name), InstructionSet.available.contains(named) else {
            let known = InstructionSet(rawValue: name) != nil
            let choices = InstructionSet.available.map(\.rawValue).joined(separator: ", ")
            throw ComputeError(
                "instruction set \"\(name)\" \(known ? "is not on this machine" : "is unknown"), available: \(choices)")
        }
        self = named
    }

    /// As the processor's feature flags name them. No feature that an operating system must enable stands there without it.
    private var requiredFeatures: [String] {
        switch self {
        case .baseline: []
        case .avx2: ["avx2", "fma", "f16c"]
        case .avx512: ["avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl"]
        case .avx512VNNI: InstructionSet.avx512.requiredFeatures + ["avx512_vnni"]
        }
    }

    /// The one place where kernels are chosen.
    var kernels: KernelTable {
        #if arch(x86_64)
        switch self {
        case .baseline: .baseline
        case .avx2: .avx2
        case .avx512: .avx512
        case .avx512VNNI: .avx512VNNI
        }
        #else
        .baseline
        #endif
    }
}
