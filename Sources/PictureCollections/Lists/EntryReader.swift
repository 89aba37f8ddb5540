import CLIPSystem

/// The entries of a list, a file or standard input: lines, or what ends with NUL bytes.
package final class EntryReader {
    /// No line of text or path is longer; a file of zeros without a line's end must not fill the memory.
    static let longestEntry = 64 << 20

    /// The file's name, `standard input` for `-`.
    package let name: String
    private let descriptor: Int32
    private let separator: UInt8
    private var buffer: [UInt8] = []
    /// Where the next entry begins in `buffer`.
    private var position = 0
    private var isAtEnd = false
    private var entryCount = 0

    /// - Parameter path: `-` for standard input.
    package init(path: String, isNULSeparated: Bool) throws(CLIPError) {
        separator = isNULSeparated ? 0 : UInt8(ascii: "\n")
        name = path == "-" ? "standard input" : path
        guard path != "-" else {
            descriptor = STDIN_FILENO
            return
        }
        let file = PathBytes(path)
        if file.kind == .folder {
            throw CLIPError(.storage, path: path, "is a folder, expected a file that lists one entry a line")
        }
        do throws(SystemError) {
            descriptor = try file.open()
        } catch {
            throw CLIPError(.storage, path: path, "can't be read", error)
        }
    }

    deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

    /// The number of the entry that `next` returned last, from 1.
    package var number: Int { entryCount }

    /// Whether `next` would return at once.
    package var isReady: Bool { isAtEnd || buffer[position...].contains(separator) || isReadable(descriptor) }

    /// The next entry without its end; nil after the last.
    package func next() throws(CLIPError) -> [UInt8]? {
        var searched = position
        while true {
            if let end = buffer[searched...].firstIndex(of: separator) {
                defer { position = end + 1 }
                return entry(buffer[position..<end])
            }
            searched = buffer.count
            guard !isAtEnd else { break }
            guard buffer.count - position <= EntryReader.longestEntry else {
                throw CLIPError(
                    .storage, path: name,
                    "entry \(entryCount + 1) is longer than \(EntryReader.longestEntry) bytes: is this a list of"
                        + (separator == 0 ? " NUL-terminated entries?" : " lines?"))
            }
            searched -= position
            buffer.removeFirst(position)
            position = 0
            do throws(SystemError) {
                let more = try readSome(from: descriptor, atMost: 1 << 16)
                isAtEnd = more.isEmpty
                buffer += more
            } catch {
                throw CLIPError(.storage, path: name, "can't be read", error)
            }
        }
        guard position < buffer.count else { return nil }
        defer { position = buffer.count }
        return entry(buffer[position...])
    }

    /// Lines may come from Windows: with a carriage return at the end, and a byte order mark at the file's start.
    private func entry(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var bytes = bytes
        if separator != 0 {
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
            if entryCount == 0, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        }
        entryCount += 1
        return Array(bytes)
    }
}

extension CLIPError {
    /// Bytes that are no text, in `place`.
    package static func notUTF8(_ place: String) -> CLIPError {
        CLIPError(.storage, path: place, "is not UTF-8: convert it, for example with iconv -t utf-8")
    }
}

/// The lines of several lists, in order, without the spaces around them; blank ones are left out.
package struct LineList {
    private var readers: ArraySlice<EntryReader>
    private var count = 0

    /// - Throws: when a list can't be opened.
    package init(_ paths: [String]) throws(CLIPError) {
        var readers: [EntryReader] = []
        for path in paths { readers.append(try EntryReader(path: path, isNULSeparated: false)) }
        self.readers = readers[...]
    }

    /// The next line; nil after the last.
    /// - Throws: when a list can't be read, is no text, or holds nothing.
    package mutating func next() throws(CLIPError) -> String? {
        while let reader = readers.first {
            guard let line = try reader.next() else {
                guard count > 0 else {
                    throw CLIPError(.storage, path: reader.name, "holds no labels, expected one a line")
                }
                count = 0
                readers.removeFirst()
                continue
            }
            let place = "\(reader.name): line \(reader.number)"
            guard let text = String(validating: line, as: UTF8.self) else { throw CLIPError.notUTF8(place) }
            guard !line.contains(0) else {
                throw CLIPError(.storage, path: place, "holds a NUL byte, expected lines of text")
            }
            guard !line.contains(UInt8(ascii: "\r")) else {
                throw CLIPError(
                    .storage, path: place,
                    "holds a carriage return: where each line ends with that alone, convert the file, for example with "
                        + "tr '\\r' '\\n'")
            }
            let trimmed = text.trimmingSpaces
            if trimmed.isEmpty { continue }
            count += 1
            return trimmed
        }
        return nil
    }

    /// Up to `count` lines; fewer at the end, or when more would have to be waited for.
    package mutating func batch(_ count: Int) throws(CLIPError) -> [String] {
        var batch: [String] = []
        while batch.count < count, batch.isEmpty || readers.first?.isReady ?? true, let line = try next() {
            batch.append(line)
        }
        return batch
    }
}

/// All lines of several lists, as `LineList` has them.
package func lines(ofLists paths: [String]) throws(CLIPError) -> [String] {
    var (list, lines) = (try LineList(paths), [String]())
    while let line = try list.next() { lines.append(line) }
    return lines
}

extension StringProtocol where SubSequence == Substring {
    /// The text without the white space around it.
    package var trimmingSpaces: String {
        var text = drop(while: \.isWhitespace)
        while text.last?.isWhitespace ?? false { text.removeLast() }
        return String(text)
    }
}
