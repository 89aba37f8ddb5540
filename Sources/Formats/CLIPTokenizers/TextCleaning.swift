/// What happens to a text before it is split into words.
package enum TextCleaning: UInt32, Sendable, CaseIterable {
    /// As transformers' CLIPTokenizer: added tokens are found first, then NFC, white space to single spaces, lower-case.
    /// Nothing is un-escaped or repaired.
    case transformers = 0
    /// As OpenAI's tokenizer: quotes, ligatures and widths become plain, HTML is un-escaped, NFC, white space collapses,
    /// lower-case; `<|startoftext|>` and `<|endoftext|>` in the text are the tokens themselves, added tokens aren't found.
    case openAI = 1
    /// As open_clip's tokenizer: the same, but the tokens are spelled `<start_of_text>` and `<end_of_text>`.
    case openCLIP = 2
    /// The same with capitals as they are (`clean` "whitespace").
    case openCLIPWhitespace = 3
    /// The same without ASCII punctuation, low lines as spaces (`clean` "canonicalize").
    case openCLIPCanonical = 4

    /// What happens to a text after its characters are repaired.
    var form: OpenCLIPWrapping.Cleaning {
        switch self {
        case .transformers, .openAI, .openCLIP: .lower
        case .openCLIPWhitespace: .whitespace
        case .openCLIPCanonical: .canonicalize
        }
    }
}
