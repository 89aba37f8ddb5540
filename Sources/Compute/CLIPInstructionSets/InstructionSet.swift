package import CLIPKernels
import CLIPKernelsAVX2
import CLIPKernelsAVX512
import CLIPKernelsAVX512VNNI
import CLIPKernelsAVXVNNI
import CLIPKernelsBaseline
import CLIPKernelsDotProduct
import CLIPKernelsI8MM
package import CLIPSystem

/// The vector instructions that kernels are compiled for, each architecture's poorest first.
package enum InstructionSet: String, Sendable, CaseIterable, Comparable {
    /// SSE2 on x86-64, NEON on arm64.
    case baseline
    /// AVX2, FMA and F16C.
    case avx2
    /// The same with AVX-VNNI, for quantised layers: processors of clients from 2021 on, which have no AVX-512.
    case avxVNNI = "avxvnni"
    /// AVX-512 F, BW, DQ and VL.
    case avx512
    /// The same with VNNI, for quantised layers.
    case avx512VNNI = "avx512vnni"
    /// NEON with DotProduct, for quantised layers.
    case dotProduct = "dotprod"
    /// The same with I8MM.
    case i8mm

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
    package init(named name: String) throws(CLIPError) {
        guard let named = InstructionSet(rawValue: name), InstructionSet.available.contains(named) else {
            let known = InstructionSet(rawValue: name) != nil
            let choices = InstructionSet.available.map(\.rawValue).joined(separator: ", ")
            throw CLIPError(
                .argument,
                "instruction set \"\(name)\" \(known ? "is not on this machine" : "is unknown"), available: \(choices)")
        }
        self = named
    }

    /// The one that CLIP_ISA names, else the richest.
    /// - Throws: if CLIP_ISA names none that this machine has.
    package init(environment: (String) -> String?) throws(CLIPError) {
        guard let name = environment("CLIP_ISA"), !name.isEmpty else {
            self = .best
            return
        }
        do throws(CLIPError) {
            try self.init(named: name)
        } catch {
            throw error.saying("CLIP_ISA: \(error.message)")
        }
    }

    /// The one that this process computes with where nobody asks for another: what CLIP_ISA names, looked up once, else the
    /// richest. Whoever can say so refuses a CLIP_ISA that can't be (`init(environment:)`); pictures are then decoded with
    /// the richest.
    package static let current: InstructionSet =
        (try? InstructionSet(environment: environmentVariable)) ?? .best

    /// As the processor's feature flags name them. No feature that an operating system must enable stands there without it.
    private var requiredFeatures: [String] {
        switch self {
        case .baseline: []
        case .avx2: ["avx2", "fma", "f16c"]
        case .avxVNNI: InstructionSet.avx2.requiredFeatures + ["avx_vnni"]
        case .avx512: InstructionSet.avx2.requiredFeatures + ["avx512f", "avx512bw", "avx512dq", "avx512vl"]
        case .avx512VNNI: InstructionSet.avx512.requiredFeatures + ["avx512_vnni"]
        case .dotProduct: ["asimddp"]
        case .i8mm: ["asimddp", "i8mm"]
        }
    }

    /// The one place where kernels are chosen.
    package var kernels: KernelTable {
        switch self {
        #if arch(x86_64)
        case .avx2: .avx2
        case .avxVNNI: .avxVNNI
        case .avx512: .avx512
        case .avx512VNNI: .avx512VNNI
        #elseif arch(arm64)
        case .dotProduct: .dotProduct
        case .i8mm: .i8mm
        #endif
        default: .baseline
        }
    }
}
