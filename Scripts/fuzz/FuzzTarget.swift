// One libFuzzer target for each picture decoder, and one for archives. The program's name says which: fuzz-png, fuzz-raw,
// fuzz-archive and so on.

import CLIPPictures
import CLIPSystem

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The decoder under test, set once before the first input; nil for archives.
private nonisolated(unsafe) var decoder: (any PictureDecoder.Type)?
/// How many archives were written.
private nonisolated(unsafe) var archiveCount = 0

@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ argumentCount: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>>>
) -> CInt {
    let program = String(cString: arguments.pointee[0])
    let name = program.split(separator: "-").last.map { $0.lowercased() } ?? ""
    if name == "archive" { return 0 }
    guard let match = PictureFormats.decoders.first(where: { shortName($0) == name }) else {
        let names = PictureFormats.decoders.map { "fuzz-" + shortName($0) } + ["fuzz-archive"]
        print("\(program) is no decoder's name: \(names.joined(separator: ", "))")
        exit(2)
    }
    decoder = match
    return 0
}

/// `raw` of "camera raw".
private func shortName(_ decoder: any PictureDecoder.Type) -> String {
    String(decoder.formatName.lowercased().split(separator: " ").last ?? "")
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    guard let decoder else { return testArchive(bytes) }
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
    check(start)
    return 0
}

private func check(_ start: clock_t) {
    let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
    precondition(seconds < 2, "an input took \(seconds) s")
}

/// Lists an archive and reads what is in it.
private func testArchive(_ bytes: [UInt8]) -> CInt {
    // The last few directories are kept: by now another has taken the place of the one of this name.
    archiveCount += 1
    let folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : temporaryFolder
    let path = PathBytes("\(folder)/clip-fuzz-\(getpid())-\(archiveCount % 16).tar")
    guard let descriptor = try? path.open(O_WRONLY | O_CREAT | O_TRUNC) else { preconditionFailure("no place for archives") }
    defer { unlink(path.text) }
    try? writeAll(bytes, to: descriptor)
    close(descriptor)
    let start = clock()
    guard let archive = try? ArchiveDirectory.of(path) else { return 0 }
    for name in archive.names.prefix(16) {
        _ = ArchiveDirectory.parts(of: archive.path(of: name))
        if let contents = try? archive.bytes(of: name, limit: 1 << 20) { precondition(contents.count <= 1 << 20) }
    }
    check(start)
    return 0
}
