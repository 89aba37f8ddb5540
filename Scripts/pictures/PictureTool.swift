// What the scripts beside this file drive: decodes, resizes and times pictures with the module CLIPPictures alone.
// Reads commands from standard input, one a line, fields apart by tabs, and answers each with a line.
//
//   decode  PATH OPTIONS OUT           writes the RGB samples to OUT       → ok WIDTH HEIGHT, or error MESSAGE
//   time    PATH OPTIONS               decodes                             → ok MILLISECONDS, or error MESSAGE
//   fit     PATH OPTIONS EDGE          decodes, resizes the short edge     → ok MILLISECONDS, or error MESSAGE
//   resize  PATH OPTIONS SIZES FILTER OUT   writes a part of the resized picture to OUT → ok, or error MESSAGE
//
// OPTIONS is a comma-separated list of: drop, clip, raw (stored orientation), truncated, baseline (the kernels that every
// machine has), threads=COUNT, and a number: the least edge to which pictures may be scaled while they are decoded; or -.
// SIZES is WIDTH,HEIGHT,LEFT,TOP,COLUMNS,ROWS; FILTER one of Pillow's numbers.

import CLIPInstructionSets
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
enum PictureTool {
    static func main() {
        while let line = readLine() {
            let fields = line.split(separator: "\t").map(String.init)
            do throws(CLIPError) {
                print(try answer(fields))
            } catch {
                print("error \(error.description)")
            }
            fflush(nil)
        }
    }

    private static func answer(_ fields: [String]) throws(CLIPError) -> String {
        guard fields.count >= 3 else { return "error expected COMMAND PATH OPTIONS" }
        let options = options(fields[2])
        /// The file is read inside the time, as other programs do.
        func picture() throws(CLIPError) -> Bitmap {
            try decodePicture(readPictureFile(PathBytes(fields[1])), options: options)
        }
        switch (fields[0], fields.count) {
        case ("decode", 4):
            return write(try picture(), fields[3])
        case ("time", 3):
            return try timed(picture)
        case ("fit", 4):
            guard let edge = Int(fields[3]), edge > 0 else { return "error an edge was expected" }
            return try timed { () throws(CLIPError) in try picture().fitted(edge) }
        case ("resize", 6):
            let sizes = fields[3].split(separator: ",").compactMap { Int($0) }
            guard sizes.count == 6, let number = Int(fields[4]), let filter = ResampleFilter(rawValue: number) else {
                return "error sizes and a filter were expected"
            }
            let window = PixelWindow(left: sizes[2], top: sizes[3], width: sizes[4], height: sizes[5])
            return write(
                try picture().resized(
                    width: sizes[0], height: sizes[1], filter: filter, window: window, kernels: options.kernels),
                fields[5])
        default:
            return "error unknown command"
        }
    }

    private static func write(_ picture: Bitmap, _ path: String) -> String {
        guard let file = fopen(path, "wb"),
            fwrite(picture.pixels, 1, picture.pixels.count, file) == picture.pixels.count, fclose(file) == 0
        else { return "error \(path) can't be written" }
        return "ok \(picture.width) \(picture.height)"
    }

    private static func options(_ list: String) -> DecodingOptions {
        var options = DecodingOptions()
        for word in list.split(separator: ",") {
            switch word {
            case "drop": options.alpha = .drop
            case "clip": options.gray16 = .clip
            case "raw": options.appliesOrientation = false
            case "truncated": options.allowTruncated = true
            case "baseline": options.kernels = InstructionSet.baseline.kernels.pictures
            case _ where word.hasPrefix("threads="): options.threads = Int(word.dropFirst(8)) ?? 1
            default: options.leastEdge = Int(word)
            }
        }
        return options
    }

    /// What `body` makes is freed inside the time, as it is in other programs.
    private static func timed(_ body: () throws(CLIPError) -> Bitmap) throws(CLIPError) -> String {
        let clock = ContinuousClock()
        let start = clock.now
        guard try body().width > 0 else { return "error nothing" }
        return "ok \((clock.now - start) / .milliseconds(1))"
    }
}

extension Bitmap {
    /// The short edge resized to `edge`, as CLIP's preprocessing does it.
    fileprivate func fitted(_ edge: Int) -> Bitmap {
        let long = edge * max(fullWidth, fullHeight) / min(fullWidth, fullHeight)
        return fullWidth <= fullHeight
            ? resized(width: edge, height: long, filter: .bicubic)
            : resized(width: long, height: edge, filter: .bicubic)
    }
}
