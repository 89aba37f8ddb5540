// Of Core Graphics: an image, and a bitmap to draw it into.

@_exported import CoreFoundation

public final class CGImage: Sendable {
    public var width: Int { 0 }
    public var height: Int { 0 }
}
public final class CGColorSpace: Sendable {
    public static var sRGB: CFString { CFString() }
    public init?(name: CFString) { nil }
}
public enum CGImageAlphaInfo: UInt32 { case none, premultipliedLast, premultipliedFirst, last, first, noneSkipLast }
public final class CGContext {
    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int,
        space: CGColorSpace, bitmapInfo: UInt32
    ) { nil }
    public func draw(_ image: CGImage, in rectangle: CGRect) {}
}
