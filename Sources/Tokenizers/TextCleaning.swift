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
}
