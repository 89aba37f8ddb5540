import CLIP
import CLIPSystem

/// Something to compare: a picture if such a file exists, else a text; a prefix settles doubt.
struct Comparand {
    /// What says that a picture is meant.
    static let picturePrefix = "image:"

    private enum Kind: Equatable {
        case picture(PathBytes)
        case standardInput
        case text(String)
        case folder
    }

    /// As it was written, without its prefix.
    let recordName: RecordName
    private let kind: Kind
    /// Whether it looks like a path, and might be misspelt.
    private let isDoubtful: Bool

    init(_ argument: [UInt8]) {
        func rest(after prefix: String) -> [UInt8]? {
            argument.starts(with: prefix.utf8) ? Array(argument.dropFirst(prefix.utf8.count)) : nil
        }
        if let text = rest(after: "text:") {
            recordName = RecordName(bytes: text)
            (kind, isDoubtful) = (.text(recordName.text), false)
            return
        }
        let asPicture = rest(after: Comparand.picturePrefix)
        let path = PathBytes(asPicture ?? argument)
        let isStandardInput = path.text == "-"
        recordName = isStandardInput ? RecordName("standard input") : RecordName(bytes: path.bytes)
        if isStandardInput {
            (kind, isDoubtful) = (.standardInput, false)
        } else if asPicture != nil {
            (kind, isDoubtful) = (.picture(path), false)
        } else {
            switch path.kind {
            case .file, .other: (kind, isDoubtful) = (.picture(path), false)
            case .folder: (kind, isDoubtful) = (.folder, false)
            case .missing:
                let name = path.text
                (kind, isDoubtful) = (.text(name), Picture.isPictureName(name) && !name.contains(" "))
            }
        }
    }

    /// What is not UTF-8 is replaced.
    var name: String { recordName.text }

    var isText: Bool { if case .text = kind { true } else { false } }
    var isPicture: Bool { kind != .folder && !isText }

    /// - Parameters:
    ///   - pictures: how a picture is read and fitted.
    ///   - longText: what becomes of a text that is too long.
    func embedding(
        by model: CLIPModel, pictures: PictureOptionList, longText: LongText, _ console: Console
    ) throws(CLIPError) -> Embedding {
        switch kind {
        case .text(let text):
            if isDoubtful {
                console.warn("\(text): no such file, taken as a text: write text:\(text) if that is meant")
            }
            try console.warnOfDroppedText(in: text, longText: longText, model: model)
            return try model.embed(text, longText: longText)
        case .folder:
            throw CLIPError(
                .argument, path: name, "is a folder: name a picture in it, or write text:\(name) if the words are meant"
            )
        case .picture(let path):
            return try model.embed(Picture(reading: path, options: pictures.reading), fit: pictures.fit)
        case .standardInput:
            return try model.embed(Picture(readingStandardInput: pictures.reading), fit: pictures.fit)
        }
    }
}
