import CLIPSystem

/// Texts, and after them those of lists, one after another.
package struct TextList {
    package enum Entry {
        case text(String)
        /// Bytes that are no text, and where they stand.
        case notUTF8(place: String)
    }

    private var arguments: ArraySlice<[UInt8]>
    private var readers: ArraySlice<EntryReader>

    /// - Parameters:
    ///   - texts: as the bytes that were given, which need not be UTF-8.
    ///   - lists: files of texts, one a line, or each ended by a NUL byte; `-` is standard input.
    /// - Throws: when a list can't be opened.
    package init(_ texts: [[UInt8]], lists: [String], isNULSeparated: Bool) throws(CLIPError) {
        arguments = texts[...]
        var readers: [EntryReader] = []
        for list in lists { readers.append(try EntryReader(path: list, isNULSeparated: isNULSeparated)) }
        self.readers = readers[...]
    }

    /// The next text; nil after the last.
    package mutating func next() throws(CLIPError) -> Entry? {
        if let argument = arguments.popFirst() { return entry(argument, "an argument") }
        while let reader = readers.first {
            if let line = try reader.next() { return entry(line, "\(reader.name): line \(reader.number)") }
            readers.removeFirst()
        }
        return nil
    }

    /// Up to `count` texts; fewer at the end, or when more would have to be waited for: who writes into the other end
    /// of a pipe may be waiting for the answers to what is there.
    package mutating func batch(_ count: Int) throws(CLIPError) -> [Entry] {
        var batch: [Entry] = []
        while batch.count < count, batch.isEmpty || isReady, let entry = try next() { batch.append(entry) }
        return batch
    }

    private var isReady: Bool { !arguments.isEmpty || readers.first?.isReady ?? true }

    private func entry(_ bytes: [UInt8], _ place: String) -> Entry {
        if let text = String(validating: bytes, as: UTF8.self) { return .text(text) }
        return .notUTF8(place: place)
    }
}
