// Decodes damaged copies of pictures, without a sanitizer: what a release build does with hostile files.
//
//   mutations FIRST COUNT FILE…      mutations FIRST ..< FIRST + COUNT of the files in turn, the same on every run

import CLIPPictures
import CLIPSystem

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@main
enum Mutations {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 3, let first = Int(arguments[1]), let count = Int(arguments[2]) else {
            print("usage: mutations FIRST COUNT FILE…")
            exit(64)
        }
        let files = try arguments[3...].map { try readPictureFile(PathBytes($0)) }
        var decoded = 0
        var slowest = 0.0
        for number in first..<first + count {
            var bytes = files[number % files.count]
            var random = SeededGenerator(seed: UInt64(number) &* 0x9E37_79B9_7F4A_7C15 | 1)
            bytes = random.damaged(bytes)
            var options = DecodingOptions()
            options.maximumPixels = 1 << 20
            options.allowTruncated = number % 3 == 0
            if number % 5 == 0 { options.leastEdge = 8 }
            if number % 7 == 0 { (options.threads, options.leastSharedPixels) = (3, 0) }
            let start = clock()
            if let picture = try? decodePicture(bytes, options: options), picture.width > 0 { decoded += 1 }
            let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
            if seconds > 2 { print("mutation \(number) of \(arguments[3 + number % files.count]): \(seconds) s") }
            slowest = max(slowest, seconds)
        }
        print("\(count) mutations, \(decoded) decoded, the slowest in \(slowest) s")
    }
}
