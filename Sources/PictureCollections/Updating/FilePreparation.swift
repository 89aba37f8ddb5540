import CLIP
import CLIPSystem
import CLIPThreads
import Synchronization

/// A picture file that is new or changed, read as far as the encoder needs it.
struct PreparedFile: Sendable {
    enum Content: Sendable {
        /// An entry of the index is of a file with the same bytes.
        case known(entry: Int)
        /// Another file of this run has the same bytes, and is embedded for both.
        case repeated
        case picture(PreparedPicture, width: Int, height: Int)
        /// What the file holds is no picture.
        case unreadable(CLIPError)
        /// What it holds can't be known now.
        case unreachable(CLIPError)
        /// It needs a decoder of the system which isn't there or isn't wanted.
        case undecodable(PictureWalk.LackingDecoder, CLIPError)
    }

    let candidate: Candidate
    let identity: FileIdentity
    let contentHash: ContentHash
    let content: Content
}

/// A file that may have to be embedded.
struct Candidate: Sendable {
    /// Absolute.
    let path: [UInt8]
    /// As the index calls it.
    let name: [UInt8]
    let status: FileStatus
    /// Whether it was named itself, not found in a folder.
    let isRoot: Bool
    /// The entry that holds for this path so far.
    let entry: Int?
}

/// Reads, hashes, decodes and fits files.
struct FilePreparation: Sendable {
    let model: CLIPModel
    let settings: PictureSettings
    /// The entry of a file with this content, if the index has one that is intact.
    let known: @Sendable (ContentHash) -> Int?
    private let claims = ContentClaims()

    init(model: CLIPModel, settings: PictureSettings, known: @escaping @Sendable (ContentHash) -> Int?) {
        self.model = model
        self.settings = settings
        self.known = known
    }

    /// - Parameter threads: how many there are for this file alone.
    /// - Throws: `CLIPError` of kind `.cancelled`. Whatever is wrong with the file is its content.
    func callAsFunction(_ candidate: Candidate, threads: Int) throws(CLIPError) -> PreparedFile {
        try checkCancellation()
        let file: ReadFile
        do throws(CLIPError) {
            file = try ReadFile(PathBytes(candidate.path))
        } catch {
            return PreparedFile(
                candidate: candidate, identity: FileIdentity(candidate.status), contentHash: .none,
                content: error.systemCode != nil ? .unreachable(error) : .unreadable(error))
        }
        return PreparedFile(
            candidate: candidate, identity: file.identity, contentHash: file.contentHash,
            content: try content(of: file, threads: threads))
    }

    private func content(of file: ReadFile, threads: Int) throws(CLIPError) -> PreparedFile.Content {
        if let entry = known(file.contentHash) { return .known(entry: entry) }
        guard claims.claim(file.contentHash) else { return .repeated }
        var reading = settings.reading
        reading.threads = threads
        do throws(CLIPError) {
            let picture = try Picture(bytes: file.bytes, options: reading)
            try checkCancellation()
            return .picture(
                model.prepared(picture, fit: settings.fit, threads: threads), width: picture.width,
                height: picture.height)
        } catch {
            // A picture that is not wanted any more says nothing of itself.
            if error.kind == .cancelled { throw error }
            let lacking = PictureWalk.lackingDecoder(file.bytes, reading: settings.reading)
            return lacking.map { .undecodable($0, error) } ?? .unreadable(error)
        }
    }
}

/// The contents that a run has come upon: the first file of each is decoded.
private final class ContentClaims: Sendable {
    private let claimed = Mutex<Set<ContentHash>>([])

    /// - Returns: whether nobody has claimed it before.
    func claim(_ content: ContentHash) -> Bool { claimed.withLock { $0.insert(content).inserted } }
}
