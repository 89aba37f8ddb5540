internal import CLIPSystem

/// Several tables one after another in one piece of memory: little-endian numbers, used where they lie, at any alignment.
///
///     magic, version, number of sections   u32 each
///     the end of each section              u64 each, rising; the first section begins right after these
///     the sections
struct FlatSections {
    private let bytes: UnsafeRawBufferPointer
    private let ends: [Int]

    static func headerBytes(count: Int) -> Int { 12 + 8 * count }

    /// - Throws: if this is not a piece of memory with `count` sections that fill it exactly.
    init(
        _ bytes: UnsafeRawBufferPointer, magic: UInt32, version: UInt32, count: Int
    ) throws(CLIPError) {
        func fault(_ problem: String) -> CLIPError {
            CLIPError(.model, path: "compiled tokenizer", "\(problem), pack the model again")
        }
        let header = FlatSections.headerBytes(count: count)
        guard bytes.count >= header else { throw fault("has \(bytes.count) bytes, expected at least \(header)") }
        guard bytes.word(at: 0) == magic else { throw fault("byte 0: not a compiled tokenizer of this kind") }
        guard bytes.word(at: 4) == version else {
            throw fault("byte 4: has version \(bytes.word(at: 4)), expected \(version)")
        }
        guard bytes.word(at: 8) == count else {
            throw fault("byte 8: has \(bytes.word(at: 8)) tables, expected \(count)")
        }
        var ends = [header]
        for index in 0..<count {
            let end = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 12 + 8 * index, as: UInt64.self))
            guard end >= UInt64(ends[index]), end <= UInt64(bytes.count) else {
                throw fault("byte \(12 + 8 * index): table \(index) ends at byte \(end) of \(bytes.count)")
            }
            ends.append(Int(end))
        }
        guard ends[count] == bytes.count else {
            throw fault("the header describes \(ends[count]) bytes, found \(bytes.count)")
        }
        self.bytes = bytes
        self.ends = ends
    }

    subscript(_ index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[ends[index]..<ends[index + 1]])
    }

    /// The numbers of a section, of whatever type.
    struct Content {
        let byteCount: Int
        fileprivate let copy: (UnsafeMutableRawBufferPointer) -> Void

        /// What is written later.
        init(zeros byteCount: Int) {
            self.byteCount = byteCount
            copy = { _ in }
        }

        init(_ numbers: [some BitwiseCopyable]) {
            byteCount = numbers.withUnsafeBytes(\.count)
            copy = { target in numbers.withUnsafeBytes { target.copyMemory(from: $0) } }
        }
    }

    /// Memory that holds these sections, and where each of them is.
    static func write(
        _ sections: [Content], magic: UInt32, version: UInt32
    ) -> (memory: OwnedBytes, places: [UnsafeMutableRawBufferPointer]) {
        let header = headerBytes(count: sections.count)
        let memory = OwnedBytes(count: sections.reduce(header) { $0 + $1.byteCount })
        let bytes = memory.mutableBytes
        bytes.setWord(magic, at: 0)
        bytes.setWord(version, at: 4)
        bytes.setWord(UInt32(sections.count), at: 8)
        var end = header
        var places: [UnsafeMutableRawBufferPointer] = []
        for (index, section) in sections.enumerated() {
            places.append(UnsafeMutableRawBufferPointer(rebasing: bytes[end..<end + section.byteCount]))
            section.copy(places[index])
            end += section.byteCount
            bytes.storeBytes(of: UInt64(end).littleEndian, toByteOffset: 12 + 8 * index, as: UInt64.self)
        }
        return (memory, places)
    }
}

/// Writes small things that are read once.
struct FlatWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
    }

    mutating func put(_ words: [UInt32]) {
        put(UInt32(words.count))
        for word in words { put(word) }
    }

    mutating func put(_ text: [UInt8]) {
        put(UInt32(text.count))
        bytes += text
    }

    mutating func put(_ flags: [Bool]) {
        put(flags.enumerated().reduce(UInt32(0)) { $0 | ($1.element ? 1 << UInt32($1.offset) : 0) })
    }
}

/// Reads them back, and trusts no length.
struct FlatReader {
    private let memory: UnsafeRawBufferPointer
    private var position = 0

    init(_ memory: UnsafeRawBufferPointer) { self.memory = memory }

    func fault(_ problem: String) -> CLIPError {
        CLIPError(
            .model, path: "compiled tokenizer",
            "has \(problem) before byte \(position) of its rules: it is damaged, pack the model again")
    }

    mutating func word() throws(CLIPError) -> UInt32 {
        let bytes = try take(4)
        return bytes.word(at: 0)
    }

    mutating func long() throws(CLIPError) -> UInt64 {
        let bytes = try take(8)
        return UInt64(bytes.word(at: 0)) | UInt64(bytes.word(at: 4)) << 32
    }

    mutating func bytes() throws(CLIPError) -> [UInt8] {
        let count = Int(try word())
        return Array(try take(count))
    }

    mutating func words() throws(CLIPError) -> [UInt32] {
        let bytes = try take(4 * Int(try word()))
        return stride(from: 0, to: bytes.count, by: 4).map { bytes.word(at: $0) }
    }

    mutating func scalars() throws(CLIPError) -> [UInt32] {
        let scalars = try words()
        guard scalars.allSatisfy({ Unicode.Scalar($0) != nil }) else { throw fault("a number that is no character") }
        return scalars
    }

    mutating func flags(_ count: Int) throws(CLIPError) -> [Bool] {
        let word = try word()
        guard word >> UInt32(count) == 0 else { throw fault("an unknown option") }
        return (0..<count).map { word >> UInt32($0) & 1 == 1 }
    }

    /// A list that begins with its length. Every element takes some bytes, so that no list is longer than the rest.
    mutating func list<Element>(
        _ read: (inout FlatReader) throws(CLIPError) -> Element
    ) throws(CLIPError) -> [Element] {
        let count = Int(try word())
        guard count <= memory.count - position else { throw fault("a list of \(count) elements") }
        var elements: [Element] = []
        for _ in 0..<count { elements.append(try read(&self)) }
        return elements
    }

    func end() throws(CLIPError) {
        if position < memory.count { throw fault("more than was expected") }
    }

    private mutating func take(_ count: Int) throws(CLIPError) -> UnsafeRawBufferPointer {
        guard count <= memory.count - position else { throw fault("a length of \(count)") }
        position += count
        return UnsafeRawBufferPointer(rebasing: memory[position - count..<position])
    }
}

/// Memory that lives as long as this object.
final class OwnedBytes: @unchecked Sendable {
    let mutableBytes: UnsafeMutableRawBufferPointer

    /// `count` zeros.
    init(count: Int) {
        // Zeros of the system's take no time until they are written.
        mutableBytes = UnsafeMutableRawBufferPointer(start: calloc(max(1, count), 1), count: count)
        precondition(mutableBytes.baseAddress != nil, "out of memory")
    }

    deinit {
        free(mutableBytes.baseAddress)
    }
}

extension UnsafeRawBufferPointer {
    func word(at offset: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}

extension Slice<UnsafeRawBufferPointer> {
    /// The largest of the words that stand at every so many bytes.
    func largestWord(every step: Int = 4, from start: Int = 0) -> UInt32 {
        var largest: UInt32 = 0
        for offset in stride(from: startIndex + start, to: endIndex, by: step) {
            largest = Swift.max(largest, base.word(at: offset))
        }
        return largest
    }

    /// Whether the words begin with 0, never fall, and end with `end`.
    func wordsRise(to end: Int) -> Bool {
        var previous: UInt32 = 0
        var rise = count >= 4 && base.word(at: startIndex) == 0
        for offset in stride(from: startIndex, to: endIndex, by: 4) {
            let next = base.word(at: offset)
            rise = rise && next >= previous
            previous = next
        }
        return rise && previous == end
    }
}

extension UnsafeMutableRawBufferPointer {
    func setWord(_ word: UInt32, at offset: Int) {
        storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt32.self)
    }

    /// Little-endian machines alone: no other is supported by Swift's own Linux and Darwin toolchains.
    func copy<Element: BitwiseCopyable>(_ elements: [Element], to offset: Int) {
        elements.withUnsafeBytes { source in
            UnsafeMutableRawBufferPointer(rebasing: self[offset..<offset + source.count]).copyMemory(from: source)
        }
    }
}
