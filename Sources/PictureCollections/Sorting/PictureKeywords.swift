public import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension Classification {
    /// The labels that a picture shows, for keywords: best first.
    /// - Parameter threshold: the cosine that a label must reach; nil takes those that beat every prompt that names nothing in
    ///   particular.
    public func keywords(reaching threshold: Float? = nil) -> [String] {
        let shown = labels.filter { label in
            if let threshold { return label.similarity >= threshold }
            return background.map { label.similarity > $0 } ?? (label.independent > 0.5)
        }
        return shown.map(\.label)
    }
}

/// Writes keywords of pictures into XMP files beside them, `photo.jpg.xmp` beside `photo.jpg`, which digiKam, darktable and
/// others read. The pictures themselves are never changed.
public struct KeywordSidecars {
    private let acts: FileActs

    /// - Parameter undo: the list that each file is noted in before it is written.
    public init(undo: UndoList? = nil) { acts = FileActs(undo: undo) }

    /// Writes the file of a picture; without keywords none.
    /// - Returns: whether a file was written: false where one that says the same is there.
    /// - Throws: `CLIPError` of kind `.picture` when another file is there, which is left alone, or none can be written.
    @discardableResult
    public func write(_ keywords: [String], beside picture: URL) throws(CLIPError) -> Bool {
        try write(keywords, beside: try PathBytes(ofFile: picture))
    }

    package func write(_ keywords: [String], beside picture: PathBytes) throws(CLIPError) -> Bool {
        guard !keywords.isEmpty else { return false }
        let place = PathBytes(picture.bytes + Array(".xmp".utf8))
        let bytes = Array(KeywordSidecars.text(keywords).utf8)
        do throws(CLIPError) {
            guard try place.found(.picture, followsLinks: false) == nil else {
                if let there = try? readFile(place, limit: bytes.count, kind: .picture), there == bytes { return false }
                throw CLIPError(.picture, "is there already and is left alone", advice: .tabulateKeywords)
            }
            try acts.write(bytes, to: place)
            return true
        } catch {
            throw error.at(place.text)
        }
    }

    /// An XMP packet (ISO 16684-1) with these words as the Dublin Core's subjects.
    static func text(_ keywords: [String]) -> String {
        let items = keywords.map { "     <rdf:li>\(escaped($0))</rdf:li>\n" }.joined()
        return """
            <?xpacket begin="\u{FEFF}" id="W5M0MpCehiHzreSzNTczkc9d"?>
            <x:xmpmeta xmlns:x="adobe:ns:meta/">
             <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
              <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
               <dc:subject>
                <rdf:Bag>
            \(items)    </rdf:Bag>
               </dc:subject>
              </rdf:Description>
             </rdf:RDF>
            </x:xmpmeta>
            <?xpacket end="w"?>

            """
    }

    /// XML has no words for most control characters.
    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case _ where scalar.properties.generalCategory == .control || scalar.value & 0xFFFE == 0xFFFE:
                result.unicodeScalars.append("\u{FFFD}")
            default: result.unicodeScalars.append(scalar)
            }
        }
    }
}

/// A table of keywords as `exiftool -csv` reads it: a line for each picture, the keywords separated by semicolons. It appears when
/// it is finished.
public final class KeywordTable {
    /// What stands between keywords, for exiftool's option `-sep`.
    public static let separator = ";"

    private let output: Output

    /// Begins the table at a path.
    /// - Throws: `CLIPError` of kind `.storage` when it can't be written.
    public convenience init(_ url: URL) throws(CLIPError) { try self.init(path: try PathBytes(ofFile: url).text) }

    package init(path: String) throws(CLIPError) {
        output = try Output(path: path)
        try output.write("SourceFile,Subject\n")
    }

    /// Adds the line of a picture; without keywords none.
    /// - Throws: `CLIPError` of kind `.argument` when a keyword holds a semicolon.
    public func add(_ picture: URL, _ keywords: [String]) throws(CLIPError) {
        try add(try PathBytes(ofFile: picture), keywords)
    }

    package func add(_ picture: PathBytes, _ keywords: [String]) throws(CLIPError) {
        guard !keywords.isEmpty else { return }
        try KeywordTable.check(keywords)
        let cells = [picture.bytes, Array(keywords.joined(separator: KeywordTable.separator).utf8)]
        try output.write(
            Array(cells.map(KeywordTable.cell).joined(separator: [UInt8(ascii: ",")])) + [UInt8(ascii: "\n")])
    }

    /// - Throws: `CLIPError` of kind `.argument` when a keyword can't stand in a table.
    package static func check(_ keywords: [String]) throws(CLIPError) {
        guard let word = keywords.first(where: { $0.contains(separator) }) else { return }
        throw CLIPError(.argument, "the label \(quoted(word)) holds a semicolon, which separates keywords in the table")
    }

    /// The bytes of a name are kept: exiftool opens it by them.
    private static func cell(_ bytes: [UInt8]) -> [UInt8] {
        guard
            bytes.contains(where: { $0 < 0x20 || "\",".utf8.contains($0) }) || bytes.first == 0x20 || bytes.last == 0x20
        else { return bytes }
        let quote = UInt8(ascii: "\"")
        return [quote] + bytes.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
    }

    /// Makes the table appear.
    public func finish() throws(CLIPError) { try output.finish() }
}
