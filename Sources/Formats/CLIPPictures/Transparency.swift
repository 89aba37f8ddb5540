/// One colour sample of opacity `alpha` over white, as Pillow's `alpha_composite` rounds it.
@inline(__always)
package func overWhite(_ sample: UInt8, _ alpha: UInt8) -> UInt8 {
    let (colour, opacity) = (UInt32(sample), UInt32(alpha))
    return UInt8((colour * opacity + 255 * (255 - opacity) + 127) / 255)
}
