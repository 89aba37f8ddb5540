import CLIP
import Foundation
import PictureCollections

/// Makes an index of many pictures out of one of few, to try a server with: each picture is one of the few under another name,
/// with an embedding near its own.
@main struct GrowIndex {
    static func main() throws {
        let words = CommandLine.arguments
        guard words.count == 4, let count = Int(words[3]), count > 0 else {
            print(
                "Usage: grow-index INDEX FOLDER COUNT\n\nFOLDER is made, with links to the pictures, and an index of them."
            )
            exit(64)
        }
        let few = try PictureIndex(contentsOf: URL(filePath: words[1]))
        let folder = URL(filePath: words[2], directoryHint: .isDirectory)
        let files = FileManager.default
        let originals = try few.pictureNumbers.map {
            (picture: try few.picture($0), embedding: try few.embedding(of: $0))
        }
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        let writer = try PictureIndexWriter(
            folder.appending(path: PictureIndex.defaultName), dimension: few.dimension, fingerprint: few.fingerprint,
            modelName: few.modelName, settings: few.settings, vectorType: few.vectorType)
        var random = SystemRandomNumberGenerator()
        for start in stride(from: 0, to: count, by: 10_000) {
            var entries: [PictureIndexWriter.Entry] = []
            for number in start..<min(start + 10_000, count) {
                let (picture, embedding) = originals[number % originals.count]
                let place = folder.appending(path: "\(number / 1000)")
                if number % 1000 == 0 { try files.createDirectory(at: place, withIntermediateDirectories: true) }
                let url = place.appending(path: "\(number)-\(picture.url.lastPathComponent)")
                try files.linkItem(at: picture.url, to: url)
                // Noise of length 0.5 beside an embedding of length 1.
                let reach = 0.5 * (3 / Float(few.dimension)).squareRoot()
                let near = embedding.values.map { $0 + Float.random(in: -reach...reach, using: &random) }
                entries.append(
                    .init(
                        url, embedding: Embedding(values: near), width: picture.width, height: picture.height,
                        contentHash: picture.contentHash))
            }
            try writer.append(entries)
        }
        try writer.finish()
    }
}
