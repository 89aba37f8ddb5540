// One libFuzzer target for each picture decoder. The program's name says which: fuzz-png, fuzz-jpeg and so on.

import CLIPPictures

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The decoder under test, set once before the first input.
private nonisolated(unsafe) var decoder: any PictureDecoder.Type = PNGDecoder.self

@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ argumentCount: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>>>
) -> CInt {
    let program = String(cString: arguments.pointee[0])
    let name = program.split(separator: "-").last.map { $0.lowercased() } ?? ""
    guard let match = PictureFormats.decoders.first(where: { $0.formatName.lowercased() == name }) else {
        let names = PictureFormats.decoders.map { "fuzz-" + $0.formatName.lowercased() }
        print("\(program) is no decoder's name: \(names.joined(separator: ", "))")
        exit(2)
    }
    decoder = match
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    guard decoder.recognises(bytes) else { return -1 }
    // The options belong to the input, so that a saved one does the same again.
    let choice = UInt8(truncatingIfNeeded: count) ^ (bytes.last ?? 0)
    var options = DecodingOptions()
    options.maximumPixels = 1 << 20
    options.allowTruncated = choice & 1 != 0
    options.alpha = choice & 2 != 0 ? .drop : .white
    if choice & 24 == 24 { options.leastEdge = Int(choice >> 5) + 1 }
    if choice & 96 == 96 { (options.threads, options.leastSharedPixels) = (3, 0) }
    options.gray16 = choice & 4 != 0 ? .clip : .high

    // Time of the processor, not of the clock: the machine may be busy with other things, or the run be paused.
    let start = clock()
    if let image = try? decoder.decode(bytes, options: options) {
        _ = image.bitmap.upright(orientation: image.orientation)
    }
    let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
    precondition(seconds < 2, "an input took \(seconds) s")
    return 0
}
