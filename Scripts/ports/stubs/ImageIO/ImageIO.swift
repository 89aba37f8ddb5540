// Of ImageIO: reading pictures.

@_exported import CoreGraphics

public final class CGImageSource {}
public func CGImageSourceCreateWithData(_ data: CFData, _ options: CFDictionary?) -> CGImageSource? { nil }
public func CGImageSourceGetCount(_ source: CGImageSource) -> Int { 0 }
public func CGImageSourceCopyPropertiesAtIndex(_ source: CGImageSource, _ index: Int, _ options: CFDictionary?)
    -> CFDictionary?
{ nil }
public func CGImageSourceCreateThumbnailAtIndex(_ source: CGImageSource, _ index: Int, _ options: CFDictionary?)
    -> CGImage?
{ nil }
public var kCGImagePropertyPixelWidth: CFString { CFString() }
public var kCGImagePropertyPixelHeight: CFString { CFString() }
public var kCGImageSourceCreateThumbnailFromImageAlways: CFString { CFString() }
public var kCGImageSourceCreateThumbnailWithTransform: CFString { CFString() }
public var kCGImageSourceThumbnailMaxPixelSize: CFString { CFString() }
