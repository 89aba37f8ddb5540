#if arch(x86_64)
package import CLIPKernels

extension RoofTable {
    package static let avx512 = RoofTable(
        multiplyAdds: { AVX512Unit.multiplyAdds($0) }, integerProducts: { AVX512Products.roof($0) },
        sum: { AVX512Unit.sum($0, $1) })
}
#endif
