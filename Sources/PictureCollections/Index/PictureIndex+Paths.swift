import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension PictureIndex {
    /// The numbers of the pictures that some paths name: files, or folders for all that the index has inside. The files need
    /// not be there any more.
    /// - Returns: in the order of the paths, those of a folder in the order in which they were indexed.
    /// - Throws: `CLIPError` of kind `.index` when the index has nothing at a path, or its picture could not be read.
    /// - Complexity: O(pictures), and O(pictures) for each folder.
    public func pictureNumbers(at urls: [URL]) throws(CLIPError) -> [Int] {
        var paths = try IndexPaths(self)
        var numbers: [Int] = []
        for url in urls { numbers += try paths.numbers(at: try PathBytes(ofFile: url)) }
        return numbers
    }

    /// What gives the embeddings of the pictures at some paths, or why there is none.
    package func embeddingsByPath() throws(CLIPError) -> ([PathBytes]) -> [Result<Embedding, CLIPError>] {
        var paths = try IndexPaths(self)
        return { named in
            named.map { path in
                Result { () throws(CLIPError) in
                    let numbers = try paths.numbers(at: path)
                    guard numbers.count == 1 else {
                        throw CLIPError(.index, path: path.text, "is a folder, expected a picture")
                    }
                    return try self.embedding(of: numbers[0])
                }
            }
        }
    }
}

/// Finds the pictures of an index by their paths, as a process in the current folder writes them.
package struct IndexPaths {
    private let index: PictureIndex
    private let names: IndexNames
    /// The absolute path of the folder that names are relative to, and of the current one.
    private let base: PathBytes
    private let current: PathBytes
    /// Where folders lead, looked up once.
    private var resolved: [PathBytes: PathBytes] = [:]

    package init(_ index: PictureIndex) throws(CLIPError) {
        self.index = index
        names = IndexNames(index.file)
        do throws(SystemError) {
            base = try index.file.location.folder.resolved()
            current = try PathBytes(".").resolved()
        } catch {
            throw CLIPError(.index, path: index.path, "its folder can't be found", error)
        }
    }

    /// The pictures that a path names: one, or all inside a folder.
    /// - Throws: when the index has nothing there, or the picture could not be read.
    package mutating func numbers(at path: PathBytes) throws(CLIPError) -> [Int] {
        var places = [place(of: path)]
        // A link leads to a file that may be in the index, and has a name of its own there too.
        if let target = try? path.resolved(), target != places[0] { places.append(target) }
        for place in places {
            guard let entry = names.find(place.relative(to: base)) else { continue }
            if index.file.hasVector(entry) { return [entry] }
            guard let record = index.file.record(entry) else { throw index.damage(entry) }
            throw record.failure.at(path.text)
        }
        for place in places {
            let inside = numbers(inside: place)
            if !inside.isEmpty { return inside }
        }
        throw CLIPError(
            .index, path: path.text, "is not in the index \(index.path): bring that up to date", advice: .makeIndex)
    }

    private func numbers(inside folder: PathBytes) -> [Int] {
        let holdsBase = base.isAtOrInside(folder)
        let absolute = folder.appending([]).bytes
        let relative = folder.isAtOrInside(base) ? Array(absolute.dropFirst(base.appending([]).bytes.count)) : nil
        return index.pictureNumbers.filter { number in
            index.file.withName(number) { name in
                if name.first == PathBytes.slash { return name.starts(with: absolute) }
                return holdsBase || relative.map { name.starts(with: $0) } ?? false
            } ?? false
        }
    }

    /// The absolute path of an entry of a folder, which need not be there.
    private mutating func place(of path: PathBytes) -> PathBytes {
        let isPlain = !path.name.isEmpty && path.name != [UInt8(ascii: ".")] && !path.name.elementsEqual("..".utf8)
        guard isPlain else { return (try? path.resolved()) ?? absolute(path) }
        let folder = resolved[path.folder] ?? (try? path.folder.resolved()) ?? absolute(path.folder)
        resolved[path.folder] = folder
        return folder.appending(path.name)
    }

    /// Of a folder that is gone "." says nothing, and where ".." leads nobody knows.
    private func absolute(_ path: PathBytes) -> PathBytes {
        let parts = path.bytes.split(separator: PathBytes.slash).filter { $0 != [UInt8(ascii: ".")] }
        let start = path.bytes.first == PathBytes.slash ? PathBytes([PathBytes.slash]) : current
        return parts.reduce(start) { $0.appending($1) }
    }
}
