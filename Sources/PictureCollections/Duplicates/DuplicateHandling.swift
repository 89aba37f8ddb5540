#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
public import CLIP
import CLIPSystem

/// What becomes of duplicates. Nothing is ever deleted.
public enum DuplicateAction: Sendable, Equatable {
    /// Moves every duplicate into a folder, below which it keeps its path. Nothing there is replaced. On another file
    /// system it is copied, the copy synced and read again, and only then the original removed.
    case move(to: String)
    /// Replaces files of the same bytes as the kept one by hard links to it. Near duplicates stay as they are.
    case link
}

extension DuplicateGroup {
    /// Acts on the duplicates of this group.
    ///
    /// Each file is read again first: what is not what was indexed is left alone, and so is everything when the kept file
    /// isn't any more.
    /// - Complexity: O(bytes of the files), which are read; on another file system they are written and read again.
    /// - Returns: for each duplicate that was to be acted on where it went, or why it was left alone.
    public func perform(_ action: DuplicateAction) -> [(duplicate: Duplicate, result: Result<String, CLIPError>)] {
        let acted = duplicates.filter { action != .link || $0.isExact }
        return acted.map { duplicate in
            (
                duplicate,
                Result { () throws(CLIPError) in
                    try DuplicateGroup.checkUnchanged(kept)
                    try DuplicateGroup.checkUnchanged(duplicate.picture)
                    switch action {
                    case .move(let folder): return try DuplicateGroup.move(duplicate.picture, to: folder)
                    case .link: return try DuplicateGroup.link(duplicate.picture, to: kept)
                    }
                }
            )
        }
    }

    private static func checkUnchanged(_ picture: IndexedPicture) throws(CLIPError) {
        do throws(IndexFault) {
            let file = try ReadFile(picture.pathBytes)
            guard hexadecimal(file.contentHash.bytes) == picture.contentHash else {
                throw IndexFault("has changed since it was indexed: index again")
            }
        } catch {
            throw CLIPError(.image, path: picture.path, "\(error.message); nothing was done")
        }
    }

    private static func move(_ picture: IndexedPicture, to folder: String) throws(CLIPError) -> String {
        let slash = UInt8(ascii: "/")
        let parts = picture.pathBytes.split(separator: slash).filter {
            !$0.elementsEqual("..".utf8) && !$0.elementsEqual(".".utf8)
        }
        var target = Array(folder.utf8)
        for (index, part) in parts.enumerated() {
            try makeFolder(target)
            target += [slash] + part
            if index == parts.count - 1 { break }
        }
        do throws(IndexFault) {
            // A link fails where something stands, a rename would replace it.
            if withCString(picture.pathBytes, { old in withCString(target) { hardLink(old, $0) } }) != 0 {
                // Another file system, or one without links, as cards and sticks have.
                guard [EXDEV, EPERM, ENOTSUP, EOPNOTSUPP, EMLINK].contains(errno) else {
                    throw IndexFault(systemMessage())
                }
                try ReadFile.copy(picture.pathBytes, holding: picture.contentHash, to: target)
            }
        } catch {
            throw CLIPError(
                .image, path: picture.path,
                "can't be moved to \(String(decoding: target, as: UTF8.self)): \(error.message)")
        }
        guard withCString(picture.pathBytes, { unlink($0) }) == 0 else {
            let message = systemMessage()
            _ = withCString(target) { unlink($0) }
            throw CLIPError(.image, path: picture.path, "can't be moved: \(message)")
        }
        return String(decoding: target, as: UTF8.self)
    }

    private static func makeFolder(_ path: [UInt8]) throws(CLIPError) {
        guard withCString(path, { mkdir($0, 0o777) }) == 0 || errno == EEXIST else {
            throw CLIPError(
                .argument, path: String(decoding: path, as: UTF8.self), "can't be made: \(systemMessage())")
        }
    }

    private static func link(_ picture: IndexedPicture, to kept: IndexedPicture) throws(CLIPError) -> String {
        let temporary = picture.pathBytes + Array(".clip-link".utf8)
        _ = withCString(temporary) { unlink($0) }
        let isLinked =
            withCString(kept.pathBytes) { old in withCString(temporary) { hardLink(old, $0) } } == 0
            && withCString(temporary) { old in withCString(picture.pathBytes) { rename(old, $0) } } == 0
        guard isLinked else {
            let message = systemMessage()
            _ = withCString(temporary) { unlink($0) }
            throw CLIPError(.image, path: picture.path, "can't be linked to \(kept.path): \(message)")
        }
        // Renaming one link of a file over another does nothing and leaves both.
        _ = withCString(temporary) { unlink($0) }
        return kept.path
    }
}

/// `link(2)`, which a method above shadows by name.
private func hardLink(_ old: UnsafePointer<CChar>, _ new: UnsafePointer<CChar>) -> Int32 { link(old, new) }
