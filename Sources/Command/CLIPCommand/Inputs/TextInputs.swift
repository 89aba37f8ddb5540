/// Where a command line says that texts are: arguments, then the lines of files.
struct TextSources {
    fileprivate let texts: [[UInt8]]
    let files: [String]
    private var isNULSeparated = false

    init(_ arguments: Arguments) {
        texts = arguments.positionals
        files = arguments.all(.textsFrom)
        // Of files alone.
        if !files.isEmpty { isNULSeparated = arguments.flag(.nulSeparated) }
    }

    fileprivate func readers() throws(InputError) -> [EntryReader] {
        var readers: [EntryReader] = []
        for path in files { readers.append(try EntryReader(path: path, isNULSeparated: isNULSeparated)) }
        return readers
    }
}

/// The texts of a command line, one after another.
struct TextInputs {
    enum Entry {
        case text(String)
        /// Bytes that are no text, and where they stand.
        case notUTF8(place: String)
    }

    private var arguments: ArraySlice<[UInt8]>
    private var readers: ArraySlice<EntryReader>

    /// - Throws: when a file can't be opened.
    init(_ sources: TextSources) throws(InputError) {
        arguments = sources.texts[...]
        readers = try sources.readers()[...]
    }

    /// The next text; nil after the last.
    mutating func next() throws(InputError) -> Entry? {
        if let argument = arguments.popFirst() { return entry(argument, "an argument") }
        while let reader = readers.first {
            if let line = try reader.next() { return entry(line, "\(reader.name): line \(reader.number)") }
            readers.removeFirst()
        }
        return nil
    }

    /// Up to `count` texts; fewer at the end, or when more would have to be waited for: who writes into the other end
    /// of a pipe may be waiting for the answers to what is there.
    mutating func batch(_ count: Int) throws(InputError) -> [Entry] {
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
