import CLIP
import CLIPSystem
import CLIPThreads
import Synchronization

/// A picture file that is new or changed, read as far as the encoder needs it.
struct PreparedFile: Sendable {
    enum Content: Sendable {
        /// An entry of the index is of a file with the same bytes.
        case known(entry: Int)
        /// `[crops, 3, S, S]`.
        case pixels(PixelTensor, width: Int, height: Int)
        /// What the file holds is no picture.
        case unreadable(String)
        /// What it holds can't be known now.
        case unreachable(String)
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
    /// The entry that holds for this path so far.
    let entry: Int?
}

/// Reads, hashes, decodes and fits batches of files, on other threads while the last batch is encoded.
struct FilePreparation: Sendable {
    let model: CLIPModel
    let settings: PictureSettings
    /// The entry of a file with this content, if the index has one that is intact.
    let known: @Sendable (ContentHash) -> Int?

    /// Starts on a batch. With one thread, or where the system has no other, the work is left to whoever waits for it.
    func start(_ candidates: [Candidate]) -> FileBatch {
        let batch = FileBatch(candidates, preparation: self)
        if model.threads > 1 && !candidates.isEmpty {
            _ = BackgroundThreads.shared.start { batch.wait() }
        }
        return batch
    }

    fileprivate func prepare(_ candidates: [Candidate]) -> [PreparedFile] {
        let slots = FileSlots(count: candidates.count)
        let reading = settings.reading.sharing(model.threads, among: candidates.count)
        Parallel(threads: model.threads, pool: .pictures).run(candidates.count) { index in
            slots.set(index, prepare(candidates[index], reading))
        }
        return slots.files
    }

    private func prepare(_ candidate: Candidate, _ reading: PictureOptions) -> PreparedFile {
        let file: ReadFile
        do throws(CLIPError) {
            file = try ReadFile(candidate.path)
        } catch {
            return PreparedFile(
                candidate: candidate, identity: FileIdentity(candidate.status), contentHash: .none,
                content: error.systemCode != nil ? .unreachable(error.message) : .unreadable(error.message))
        }
        return PreparedFile(
            candidate: candidate, identity: file.identity, contentHash: file.contentHash,
            content: content(of: file, reading))
    }

    private func content(of file: ReadFile, _ reading: PictureOptions) -> PreparedFile.Content {
        if let entry = known(file.contentHash) { return .known(entry: entry) }
        do throws(CLIPError) {
            let image = try Picture(bytes: file.bytes, options: reading)
            let pixels: PixelTensor = try model.preprocess(image, fit: settings.fit)
            return .pixels(pixels, width: image.width, height: image.height)
        } catch {
            return .unreadable(error.message)
        }
    }
}

/// A batch of files that is being prepared.
final class FileBatch: Sendable {
    private let candidates: [Candidate]
    private let preparation: FilePreparation
    private let files = Mutex<[PreparedFile]?>(nil)

    fileprivate init(_ candidates: [Candidate], preparation: FilePreparation) {
        self.candidates = candidates
        self.preparation = preparation
    }

    /// The files in order, once all are prepared: by who waits, if nobody has begun.
    @discardableResult
    func wait() -> [PreparedFile] {
        files.withLock { files in
            if let files { return files }
            let prepared = preparation.prepare(candidates)
            files = prepared
            return prepared
        }
    }
}

/// A place for each file of a batch, each written once by one thread.
private final class FileSlots: @unchecked Sendable {
    private let slots: UnsafeMutableBufferPointer<PreparedFile?>

    init(count: Int) {
        slots = .allocate(capacity: count)
        slots.initialize(repeating: nil)
    }

    deinit {
        slots.deinitialize()
        slots.deallocate()
    }

    func set(_ index: Int, _ file: PreparedFile) { slots[index] = file }

    /// Once all are written.
    var files: [PreparedFile] { slots.compactMap { $0 } }
}
