// Reads one order a line from standard input and answers with one line of JSON:
//
//     write INDEX DIMENSION FILE         float32 vectors of FILE into a new index
//     open INDEX                         seconds, pictures, and the memory of this process before and after
//     search DIMENSION FILE TOP THREADS  seconds and numbers for the queries of FILE
//     duplicates THRESHOLD THREADS       seconds, groups and duplicates
import CLIP
import Dispatch
import Foundation
import PictureCollections

func vectors(_ path: String, dimension: Int) throws -> [Embedding] {
    let data = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped)
    return data.withUnsafeBytes { bytes in
        let floats = bytes.bindMemory(to: Float.self)
        return stride(from: 0, to: floats.count, by: dimension).map {
            Embedding(values: Array(floats[$0..<$0 + dimension]))
        }
    }
}

func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    try body()
    return Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
}

/// Resident memory, in bytes: all of it, and what is of files.
func memory() -> (all: Int, files: Int) {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    func value(_ name: String) -> Int {
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        return (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0) * 1024
    }
    return (value("VmRSS:"), value("RssFile:"))
}

var index: PictureIndex?
while let line = readLine() {
    let words = line.split(separator: " ").map(String.init)
    switch words.first {
    case "write":
        let dimension = Int(words[2])!
        let data = try Data(contentsOf: URL(filePath: words[3]), options: .alwaysMapped)
        let count = data.count / 4 / dimension
        let time = try seconds {
            let writer = try PictureIndexWriter(
                URL(filePath: words[1]), dimension: dimension, fingerprint: String(repeating: "0", count: 64),
                modelName: "synthetic")
            for start in stride(from: 0, to: count, by: 65536) {
                let part = start..<min(start + 65536, count)
                try data.withUnsafeBytes { bytes in
                    let floats = bytes.bindMemory(to: Float.self)
                    try writer.append(
                        part.map {
                            .init(
                                URL(filePath: "folder \($0 / 1000)/picture number \($0).jpg"),
                                embedding: Embedding(values: Array(floats[$0 * dimension..<($0 + 1) * dimension])),
                                width: 640, height: 480)
                        })
                }
            }
            try writer.finish()
        }
        print("{\"seconds\": \(time)}")
    case "open":
        let before = memory()
        let time = try seconds { index = try PictureIndex(contentsOf: URL(filePath: words[1])) }
        let after = memory()
        print(
            "{\"seconds\": \(time), \"pictures\": \(index!.count), \"bytes\": \(index!.byteCount), "
                + "\"memory_before\": \(before.all), \"memory_after\": \(after.all)}")
    case "search":
        let queries = try vectors(words[2], dimension: Int(words[1])!)
        var found: [[Neighbor]] = []
        let time = try seconds { found = try index!.findNearest(to: queries, top: Int(words[3])!, threads: Int(words[4])!) }
        let memory = memory()
        let numbers = found.map { $0.map(\.number) }
        print(
            "{\"seconds\": \(time), \"memory\": \(memory.all), \"memory_of_files\": \(memory.files), "
                + "\"numbers\": \(numbers)}")
    case "duplicates":
        var groups: [DuplicateGroup] = []
        let time = try seconds {
            groups = try index!.findDuplicates(threshold: Float(words[1])!, threads: Int(words[2])!)
        }
        let members = groups.map { [$0.kept.number] + $0.duplicates.map(\.picture.number) }
        print("{\"seconds\": \(time), \"groups\": \(members)}")
    default: print("{\"error\": \"unknown order\"}")
    }
    fflush(nil)
}
