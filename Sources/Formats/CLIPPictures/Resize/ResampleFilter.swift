#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// How a resized pixel is made of its source pixels: Pillow's filters, stretched by the ratio when a picture shrinks
/// (antialiasing). Raw values are Pillow's numbers, which model configurations use.
package enum ResampleFilter: Int, Sendable, CaseIterable {
    /// The one source pixel that the centre falls on.
    case nearest = 0
    case lanczos = 1
    case bilinear = 2
    /// Keys' cubic convolution with a = −0.5.
    case bicubic = 3
    case box = 4

    /// Half the filter's width, in source pixels of a picture that keeps its size.
    var support: Double {
        switch self {
        case .nearest, .box: 0.5
        case .bilinear: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    /// The weight at `distance` from the centre, before normalising.
    func weight(at distance: Double) -> Double {
        let t = abs(distance)
        switch self {
        case .nearest, .box: return distance > -0.5 && distance <= 0.5 ? 1 : 0
        case .bilinear: return t < 1 ? 1 - t : 0
        case .bicubic:
            if t < 1 { return (1.5 * t - 2.5) * t * t + 1 }
            return t < 2 ? (((t - 5) * t + 8) * t - 4) * -0.5 : 0
        case .lanczos: return distance >= -3 && distance < 3 ? sinc(distance) * sinc(distance / 3) : 0
        }
    }

    private func sinc(_ x: Double) -> Double {
        x == 0 ? 1 : sin(x * Double.pi) / (x * Double.pi)
    }
}
