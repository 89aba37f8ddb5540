/// Text to token ids, by one model's rules.
package protocol Tokenizer: Sendable {
    /// The tokens before every text, and those after it.
    var startTokens: [Int32] { get }
    var endTokens: [Int32] { get }
    /// What fills a text up where a model wants all of one length; nil when the tokenizer's files don't say.
    var paddingToken: Int32? { get }
    /// One more than the largest token id.
    var vocabularySize: Int { get }

    /// The token as the vocabulary spells it; empty if it has no such id.
    func piece(_ id: Int32) -> String

    /// The tokens of `text`, with those of its start and end, not truncated.
    ///
    /// Takes time in proportion to the length of the text, whatever is in it.
    func tokenize(_ text: String) -> Tokenization

    /// The compiled form, for a `.clip` file. The same vocabulary always gives the same bytes.
    func compiled() -> [UInt8]
}
