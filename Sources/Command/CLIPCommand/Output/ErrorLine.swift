import CLIP
import CLIPSystem

extension CLIPError {
    /// The error as this program shows it: what the library advises in options.
    var shown: String { line(advice?.inOptions ?? "") }

    /// The same error, about what is called `name` where it names nothing itself.
    func named(_ name: String) -> CLIPError { path == nil ? at(name) : self }

    /// The same without the path.
    var sentence: String { message + (advice?.inOptions ?? "") }
}

extension CLIPError.Advice {
    /// What follows the message of an error.
    fileprivate var inOptions: String {
        switch self {
        case .allowTruncated: "; --allow-truncated decodes what is there"
        case .raisePixelLimit: "; --max-pixels raises it"
        case .useSystemDecoders: ", or leave --no-system-decoders away"
        case .pack: " with \"clip pack\""
        case .verifyWeights: ", check them with \"clip verify\""
        case .nameKnownModel: ", see \"clip models --known\""
        case .fetch(let name, let revision): " with \"clip pull \(name)\(revision.map { "@\($0)" } ?? "")\""
        case .chooseFile(let names): ", choose one with \"--file\": \(CLIPError.list(names))"
        case .makeIndex: " with \"clip index\""
        case .salvageIndex: ", \"clip index --salvage\" keeps them"
        case .pruneIndex:
            ": \"clip index --verify\" lists what is, \"--prune\" drops it, and indexing again embeds it anew"
        case .waitForWriter: ": wait until it ends (--wait does), and run it again"
        case .nameModelOfIndex: ": name the first with --model, or index into another file"
        case .nameMovedModel: ": name where it is with --model"
        case .setExclusionThreshold: " (--minus-threshold)"
        case .tabulateKeywords: ": --keywords makes a table by which exiftool adds to it"
        }
    }
}

/// An error as this program shows it.
func shown(_ error: any Error) -> String { (error as? CLIPError)?.shown ?? "\(error)" }

/// An error's line, which begins with a name.
func described(_ error: CLIPError, name: String) -> String { error.named(name).shown }
