package import CLIPKernels

extension RoofTable {
    package static let baseline = RoofTable(
        multiplyAdds: { BaselineUnit.multiplyAdds($0) }, integerProducts: { BaselineProducts.roof($0) },
        sum: { BaselineUnit.sum($0, $1) })
}
