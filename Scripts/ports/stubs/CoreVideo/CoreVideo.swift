// Of Core Video: a frame's pixels.

public final class CVBuffer {}
public typealias CVPixelBuffer = CVBuffer
public struct CVPixelBufferLockFlags: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static let readOnly = CVPixelBufferLockFlags(rawValue: 1)
}
public var kCVReturnSuccess: Int32 { 0 }
public var kCVPixelFormatType_32BGRA: UInt32 { 0x4247_5241 }
public var kCVPixelFormatType_32RGBA: UInt32 { 0x5247_4241 }
public var kCVPixelFormatType_24RGB: UInt32 { 24 }
public var kCVPixelFormatType_24BGR: UInt32 { 0x3234_4247 }
public var kCVPixelFormatType_OneComponent8: UInt32 { 0x4C30_3038 }
public func CVPixelBufferGetPixelFormatType(_ buffer: CVPixelBuffer) -> UInt32 { 0 }
public func CVPixelBufferGetWidth(_ buffer: CVPixelBuffer) -> Int { 0 }
public func CVPixelBufferGetHeight(_ buffer: CVPixelBuffer) -> Int { 0 }
public func CVPixelBufferGetBytesPerRow(_ buffer: CVPixelBuffer) -> Int { 0 }
public func CVPixelBufferGetBaseAddress(_ buffer: CVPixelBuffer) -> UnsafeMutableRawPointer? { nil }
public func CVPixelBufferLockBaseAddress(_ buffer: CVPixelBuffer, _ flags: CVPixelBufferLockFlags) -> Int32 { 0 }
@discardableResult
public func CVPixelBufferUnlockBaseAddress(_ buffer: CVPixelBuffer, _ flags: CVPixelBufferLockFlags) -> Int32 { 0 }
