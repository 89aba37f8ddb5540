import CLIP
import CLIPSystem

/// Changes files, each change noted in a list before it is made.
struct FileActs {
    /// nil where nothing is noted.
    let undo: UndoList?

    /// Makes a folder, whose own folder is there, where there is none.
    func makeFolder(_ path: PathBytes) throws(CLIPError) {
        guard path.isAbsent else { return }
        try undo?.note(.folder(path.absoluteName()))
        do throws(SystemError) {
            try path.makeFolder()
        } catch {
            undo?.dropLast()
            if error.code != EEXIST { throw CLIPError(.argument, path: path.text, "can't be made", error) }
        }
    }

    /// Moves a file to where nothing stands.
    /// - Parameters:
    ///   - kept: a file that must be as it was when it was read, or nothing is done.
    ///   - temporary: where a copy is until it is whole; nil for a new name.
    /// - Throws: why it could not be moved, without a path.
    func move(
        _ file: VerifiedFile, to target: PathBytes, temporary: PathBytes? = nil, unless kept: VerifiedFile? = nil
    ) throws(CLIPError) {
        // What stands there may be this file: an earlier run could not take its old name away.
        let isThere = FileActs.isOneFile(file.path, target)
        let source = try file.path.absoluteName()
        let change = FileChange(.move(from: source), at: try target.absoluteName(), temporary: temporary, file.content)
        try begin(change, at: target, isFree: !isThere) { temporary throws(CLIPError) in
            try kept?.check()
            if !isThere { try file.appear(at: target, temporary: temporary) }
        }
        // From here on the picture is there twice. Only what is surely the same may go.
        guard kept?.isUnchanged ?? true, file.isUnchanged else {
            throw CLIPError(
                .picture, "it or the kept file has changed just now: it is left, with a copy in \(target.text)")
        }
        do throws(SystemError) {
            try file.path.remove()
        } catch {
            // A failed call may have done its work: the copy goes only where the original is seen.
            if file.isUnchanged, (try? target.remove()) != nil { undo?.dropLast() }
            throw CLIPError(.picture, error)
        }
    }

    /// Puts a copy of a file where nothing stands.
    func copy(_ file: VerifiedFile, to target: PathBytes) throws(CLIPError) {
        let source = try file.path.absoluteName()
        let change = FileChange(.copy(from: source), at: try target.absoluteName(), file.content)
        try begin(change, at: target) { temporary throws(CLIPError) in
            try file.copy(to: target, temporary: temporary)
        }
    }

    /// Puts a symbolic link to a file where nothing stands.
    func link(_ file: VerifiedFile, at target: PathBytes) throws(CLIPError) {
        let source = try file.path.absoluteName()
        let change = FileChange(.link(to: source), at: try target.absoluteName(), file.content)
        try begin(change, at: target) { _ throws(CLIPError) in
            do throws(SystemError) {
                try target.makeLink(to: source)
            } catch {
                throw CLIPError(.picture, error)
            }
        }
    }

    /// Writes a file where nothing stands.
    func write(_ bytes: [UInt8], to target: PathBytes) throws(CLIPError) {
        let content = FileChange.Content(of: bytes)
        let change = FileChange(.write, at: try target.absoluteName(), content)
        try begin(change, at: target) { temporary throws(CLIPError) in
            try content.appear(bytes, at: target, temporary: temporary)
        }
    }

    /// Replaces a file by a hard link to another of the same bytes.
    /// - Parameter temporary: where the link is first; nil for a new name.
    /// - Throws: why it was not replaced, without a path.
    func replace(
        _ file: VerifiedFile, by kept: VerifiedFile, temporary: PathBytes? = nil
    ) throws(CLIPError) {
        let change = try FileChange(
            .replace(by: kept.path.absoluteName()), at: file.path.absoluteName(), temporary: temporary, file.content)
        let temporary = change.temporary
        try undo?.note(.file(change))
        TemporaryFiles.add(temporary)
        defer {
            // Renaming one link of a file over another does nothing and leaves both.
            try? temporary.remove()
            TemporaryFiles.remove(temporary)
        }
        do throws(CLIPError) {
            do throws(SystemError) {
                try kept.path.link(to: temporary)
            } catch {
                throw CLIPError(.picture, error)
            }
            // What the new name leads to counts, whatever happened to the path in between.
            guard case .file(let made) = PathState(temporary), made.identity == kept.identity else {
                throw CLIPError(.picture, "that has changed just now")
            }
            try kept.check()
            try file.check()
            do throws(SystemError) {
                try temporary.rename(to: file.path)
            } catch {
                throw CLIPError(.picture, error)
            }
        } catch {
            if file.isUnchanged { undo?.dropLast() }
            throw error
        }
    }

    /// Notes what is to appear at `target`, and lets it.
    private func begin(
        _ change: FileChange, at target: PathBytes, isFree: Bool = true,
        _ body: (_ temporary: PathBytes) throws(CLIPError) -> Void
    ) throws(CLIPError) {
        // A list that tells of what another program put there would take that away.
        if isFree, try target.found(.picture, followsLinks: false) != nil {
            throw CLIPError(.picture, SystemError(code: EEXIST))
        }
        try undo?.note(.file(change))
        do throws(CLIPError) {
            try body(change.temporary)
        } catch {
            if error.systemCode == EEXIST || target.isAbsent { undo?.dropLast() }
            throw error
        }
    }

    private static func isOneFile(_ left: PathBytes, _ right: PathBytes) -> Bool {
        guard let left = try? left.status(followsLinks: false), let right = try? right.status(followsLinks: false)
        else { return false }
        return left.kind == .file && left.identity == right.identity
    }
}
