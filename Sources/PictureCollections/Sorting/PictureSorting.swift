public import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// Puts pictures into folders by what they show: into the folder of the best label, or into `none` where no label fits.
///
/// Nothing is replaced: where a name is taken by another picture, a number is put behind it, and what is there already stays as it
/// is. What is done is noted in an undo list before it is done.
/// ```swift
/// let sorting = try PictureSorting(into: folder, labels: classifier.labels, undo: UndoList(list))
/// try sorting.sort(picture, by: classifier.classify(Picture(contentsOf: picture)))
/// ```
public final class PictureSorting {
    /// How a picture comes into its folder.
    public enum Manner: String, CaseIterable, Sendable {
        /// A copy of its bytes, with its time and permissions.
        case copy
        /// A symbolic link to it.
        case link
        /// The file itself, to any disk.
        case move
    }

    /// The name of the folder for what no label fits.
    public static let nameOfRest = "none"

    private let folder: PathBytes
    /// How pictures come into their folders.
    public let manner: Manner
    private let acts: FileActs
    private let names: [String: String]

    /// - Parameters:
    ///   - folder: where the folders of the labels are or will be; it is made when it is not there.
    ///   - labels: all that a picture may be sorted by.
    ///   - manner: how pictures come there.
    ///   - undo: the list that each act is noted in before it is done.
    /// - Throws: `CLIPError` of kind `.argument` when the address is no folder's on this machine.
    public convenience init(
        into folder: URL, labels: [String], manner: Manner = .copy, undo: UndoList? = nil
    ) throws(CLIPError) {
        self.init(into: try PathBytes(ofFile: folder), labels: labels, manner: manner, undo: undo)
    }

    package init(into folder: PathBytes, labels: [String], manner: Manner, undo: UndoList?) {
        self.folder = folder
        self.manner = manner
        acts = FileActs(undo: undo)
        var taken: Set<String> = [PictureSorting.nameOfRest]
        var names: [String: String] = [:]
        for label in labels where names[label] == nil {
            let plain = PictureSorting.plainName(label)
            var name = plain
            var number = 2
            // Some disks don't tell cases apart.
            while !taken.insert(name.lowercased()).inserted {
                name = "\(plain)-\(number)"
                number += 1
            }
            names[label] = name
        }
        self.names = names
    }

    /// The name of a label's folder: the label, but for what no folder can be called; `nameOfRest` for what is no label.
    public func folderName(of label: String) -> String { names[label] ?? PictureSorting.nameOfRest }

    private static func plainName(_ label: String) -> String {
        var name = ""
        for scalar in label.unicodeScalars where name.utf8.count < 120 {
            let isPlain = scalar != "/" && scalar.properties.generalCategory != .control
            name.unicodeScalars.append(isPlain ? scalar : "_")
        }
        // A folder whose name begins with a dot is hidden; one that ends with it, or with a space, is none on some disks.
        while let last = name.unicodeScalars.last, last == "." || last == " " { name.unicodeScalars.removeLast() }
        return name.isEmpty || name.hasPrefix(".") ? "_" + name : name
    }

    /// Sorts a picture.
    ///
    /// The file is read right before. A symbolic link is never moved; of one that is to be copied or linked what it leads to is taken.
    /// - Returns: where the picture is now; where it was already when an earlier run put it there.
    /// - Throws: `CLIPError` of kind `.picture` when the file is none or can't be put there: nothing is done then.
    /// - Complexity: O(bytes of the file).
    @discardableResult
    public func sort(_ picture: URL, by classification: Classification) throws(CLIPError) -> URL {
        try sort(try PathBytes(ofFile: picture), by: classification).url
    }

    /// - Parameter hash: what the file must hold, where that is known.
    package func sort(
        _ path: PathBytes, hash: String? = nil, by classification: Classification
    ) throws(CLIPError) -> PathBytes {
        let best = classification.fitsNoLabel ? nil : classification.labels.first?.label
        let place = folder.appending(best.map { folderName(of: $0) } ?? PictureSorting.nameOfRest)
        do throws(CLIPError) {
            try checkCancellation()
            let source = manner == .move ? path : try path.withoutLink()
            let file = try VerifiedFile(
                source, holding: hash, otherwise: "has changed since it was indexed: index again")
            try acts.makeFolder(folder)
            try acts.makeFolder(place)
            return try put(file, into: place, as: Array(path.name))
        } catch {
            if error.kind == .cancelled { throw error }
            throw CLIPError(.picture, path: path.text, "can't be sorted into \(place.text): \(error.message)")
        }
    }

    private func put(_ file: VerifiedFile, into place: PathBytes, as name: [UInt8]) throws(CLIPError) -> PathBytes {
        let dot = name.lastIndex(of: UInt8(ascii: ".")).flatMap { $0 > 0 ? $0 : nil } ?? name.count
        for number in 1...9999 {
            let infix = number == 1 ? "" : "-\(number)"
            let target = place.appending(Array(name[..<dot]) + Array(infix.utf8) + Array(name[dot...]))
            if try isThere(file, target) { return target }
            guard try target.found(.picture, followsLinks: false) == nil else { continue }
            do throws(CLIPError) {
                switch manner {
                case .copy: try acts.copy(file, to: target)
                case .link: try acts.link(file, at: target)
                case .move: try acts.move(file, to: target)
                }
                return target
            } catch {
                // Another program was quicker.
                guard error.systemCode == EEXIST else { throw error }
            }
        }
        throw CLIPError(.picture, "9999 files of this name are there already")
    }

    /// Whether a picture is already where it is to go.
    private func isThere(_ file: VerifiedFile, _ target: PathBytes) throws(CLIPError) -> Bool {
        switch (manner, PathState(target)) {
        case (.copy, .file(let status)):
            guard status.byteCount == file.content.byteCount else { return false }
            return (try? VerifiedFile(target, holding: file.content.hash, otherwise: "")) != nil
        case (.link, .link): return try target.linkText == file.path.absoluteName().bytes
        case (.move, .file): return try target.absoluteName() == file.path.absoluteName()
        default: return false
        }
    }
}

extension PathBytes {
    /// The file that a symbolic link leads to; any other path as it is.
    fileprivate func withoutLink() throws(CLIPError) -> PathBytes {
        guard case .link = PathState(self) else { return self }
        do throws(SystemError) {
            return try resolved()
        } catch {
            throw CLIPError(.picture, "is a link that leads to nothing", error)
        }
    }
}
