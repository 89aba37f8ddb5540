package import CLIPKernels
import CLIPKernelsAVX2
import CLIPKernelsBaseline
internal import CLIPSystem

extension PictureKernels {
    /// What this machine has, the slowest first.
    package static let available: [PictureKernels] = {
        #if arch(x86_64)
        if ProcessorFeatures.current.isSuperset(of: ["avx2", "fma", "f16c"]) { return [.baseline, .avx2] }
        #endif
        return [.baseline]
    }()

    /// The fastest that this machine has.
    package static let best = available[available.count - 1]
}
