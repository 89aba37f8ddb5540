#if arch(x86_64)
package import CLIPKernels

extension RoofTable {
    package static let avx2 = RoofTable(
        multiplyAdds: { AVX2Unit.multiplyAdds($0) }, integerProducts: { AVX2Products.roof($0) },
        sum: { AVX2Unit.sum($0, $1) })
}
#endif
