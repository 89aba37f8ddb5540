#if arch(x86_64)
package import CLIPKernels
import CLIPKernelsAVX512

extension RoofTable {
    package static let avx512VNNI = RoofTable.avx512.replacing { AVX512VNNIProducts.roof($0) }
}
#endif
