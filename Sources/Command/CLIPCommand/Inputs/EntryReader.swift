import CLIPSystem

/// The entries of a list, a file or standard input: lines, or what ends with NUL bytes.
final class EntryReader {
    /// No line of text or path is longer; a file of zeros without a line's end must not fill the memory.
    static let longestEntry = 64 << 20

    /// The file's name, `standard input` for `-`.
    let name: String
    private let descriptor: Int32
    private let separator: UInt8
    private var buffer: [UInt8] = []
    /// Where the next entry begins in `buffer`.
    private var position = 0
    private var isAtEnd = false
    private var entryCount = 0

    /// - Parameter path: `-` for standard input.
    init(path: String, isNULSeparated: Bool) throws(InputError) {
        separator = isNULSeparated ? 0 : UInt8(ascii: "\n")
        name = path == "-" ? "standard input" : path
        guard path != "-" else {
            descriptor = STDIN_FILENO
            return
        }
        let file = PathBytes(path)
        if file.kind == .folder {
            throw InputError("\(path): is a folder, expected a file that lists one entry a line")
        }
        do throws(SystemError) {
            descriptor = try file.open()
        } catch {
            throw InputError("\(path): can't be read: \(error.message)")
        }
    }

    deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

    /// The number of the entry that `next` returned last, from 1.
    var number: Int { entryCount }

    /// Whether `next` would return at once.
    var isReady: Bool { isAtEnd || buffer[position...].contains(separator) || isReadable(descriptor) }

    /// The next entry without its end; nil after the last.
    func next() throws(InputError) -> [UInt8]? {
        var searched = position
        while true {
            if let end = buffer[searched...].firstIndex(of: separator) {
                defer { position = end + 1 }
                return entry(buffer[position..<end])
            }
            searched = buffer.count
            guard !isAtEnd else { break }
            guard buffer.count - position <= EntryReader.longestEntry else {
                throw InputError(
                    "\(name): entry \(entryCount + 1) is longer than \(EntryReader.longestEntry) bytes: is this a list of"
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
                throw InputError("\(name): can't be read: \(error.message)")
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

/// An input that can't be had, which ends the run. One line.
struct InputError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// Bytes that are no text, in `place`.
    static func notUTF8(_ place: String) -> InputError {
        InputError("\(place): is not UTF-8: convert it, for example with iconv -t utf-8")
    }
}
