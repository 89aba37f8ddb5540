import PictureCollections

/// What carries the similarity of a picture and a text.
struct ExplanationRecord: Record {
    static let note = """
          drops of the cosine when a cell is covered or a word left out; they say what the model looked at, not why, and \
        not whether the text is true
        """

    let image: RecordName
    let caption: String
    let map: OcclusionMap
    let words: [WordDrop]
    let fingerprint: String

    init(image: RecordName, text: String, map: OcclusionMap, words: [WordDrop], fingerprint: String) {
        self.image = image
        caption = text
        self.map = map
        self.words = words
        self.fingerprint = fingerprint
    }

    var fields: [(name: String, value: FieldValue)] {
        let rows = (0..<map.side).map { row in
            FieldValue.numbers(Array(map.drops[row * map.side..<(row + 1) * map.side]))
        }
        let words = words.map { FieldValue.object([("word", .text($0.word)), ("drop", .number($0.drop))]) }
        return [
            ("image", .text(image.text)), ("text", .text(caption)), ("similarity", .number(map.similarity)),
            ("cells", .integer(map.side)), ("drops", .list(rows)), ("words", .list(words)),
            ("model", .text(fingerprint)), ("image_bytes", .nameBytes(image.bytes)),
        ]
    }

    var text: String {
        let number = { (value: Float) in decimal(Double(value), places: 3) }
        let strongest = map.drops.reduce(0) { max($0, $1) }
        var text = "\(displayed(image.text)): \(displayed(caption))\n  cosine \(number(map.similarity))\n"
        for row in 0..<map.side {
            let cells = map.drops[row * map.side..<(row + 1) * map.side]
            text += "  " + cells.map { ExplanationRecord.shade($0, strongest: strongest) }.joined() + "\n"
        }
        text += "  ██ lowers the cosine by \(number(strongest)) when it is covered\n"
        for word in words {
            let change = "\(number(abs(word.drop))) \(word.drop < 0 ? "higher" : "lower")"
            text += "  without \"\(displayed(word.word))\"  cosine \(number(map.similarity - word.drop))  (\(change))\n"
        }
        return text
    }

    /// Two columns of a terminal, which are about as wide as a line is high.
    private static func shade(_ drop: Float, strongest: Float) -> String {
        guard strongest > 0, drop > 0 else { return "  " }
        let shades = ["  ", "░░", "▒▒", "▓▓", "██"]
        return shades[min(4, Int((drop / strongest * 4).rounded()))]
    }
}
