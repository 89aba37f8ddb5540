internal import CLIPSystem
internal import Foundation
internal import Synchronization

#if canImport(FoundationNetworking)
internal import FoundationNetworking
#endif

/// What Foundation traps without.
package enum FoundationNeeds {
    /// What it needs and hasn't got here, to be said of what needs it; nil where it has all.
    package static var lack: String? {
        #if canImport(FoundationNetworking)
        // It asks there which program it is in, in more places than its networking.
        var byte: CChar = 0
        if readlink("/proc/self/exe", &byte, 1) <= 0 {
            return "needs /proc, which is not mounted here: mount it (mount -t proc proc /proc)"
        }
        #endif
        return nil
    }
}

/// The network by Foundation's URL loading system: libcurl on Linux, which honours `http_proxy`, `https_proxy` and
/// `no_proxy`; the system's own settings on Apple's systems.
final class URLSessionTransport: HTTPTransport {
    /// nil where Foundation has none.
    private let session: URLSession?
    private let exchanges = Exchanges()

    /// - Parameter timeout: the seconds without a byte after which an exchange has failed.
    init(timeout: Double) {
        guard FoundationNeeds.lack == nil else {
            session = nil
            return
        }
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = timeout
        configuration.httpMaximumConnectionsPerHost = 8
        configuration.httpShouldSetCookies = false
        configuration.httpCookieAcceptPolicy = .never
        configuration.urlCache = nil
        configuration.urlCredentialStorage = nil
        session = URLSession(configuration: configuration, delegate: exchanges, delegateQueue: exchanges.queue)
    }

    deinit { session?.invalidateAndCancel() }

    func send(_ request: HTTPRequest, to receiver: any HTTPReceiver) async -> HTTPFailure? {
        guard let session else {
            return HTTPFailure(
                .unusable, "can't be asked: Foundation's networking \(FoundationNeeds.lack ?? "can't be had here")")
        }
        guard let url = URL(string: request.address.text) else {
            return HTTPFailure(.unusable, "\"\(request.address.text)\" is no address")
        }
        #if canImport(FoundationNetworking)
        // Foundation on Linux compares the host without its brackets to libcurl's, which has them, and fails.
        if url.host()?.contains(":") == true {
            return HTTPFailure(
                .unusable,
                "names its host by an IPv6 address, which Foundation's networking can't open on this system: "
                    + "give the host a name, in /etc/hosts for example, and use that")
        }
        #endif
        var urlRequest = URLRequest(url: url)
        urlRequest.httpMethod = request.method.rawValue
        for (name, value) in request.headers { urlRequest.setValue(value, forHTTPHeaderField: name) }
        let task = session.dataTask(with: urlRequest)
        exchanges.add(task, receiver)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { exchanges.start(task, $0) }
        } onCancel: {
            exchanges.cancel(task)
        }
    }
}

/// Runs what it is given at once, where it is given.
///
/// Foundation on Linux neither stops an answer whose head is refused nor waits until a part of one is dealt with: it
/// hands all of them to this queue. Were they to wait there, an answer that inflates to gigabytes would stand in memory before
/// it could be cancelled, and so would one that comes faster than the disk takes it.
private final class InlineQueue: OperationQueue, @unchecked Sendable {
    #if canImport(FoundationNetworking)
    override func addOperation(_ block: @escaping @Sendable () -> Void) { block() }
    #endif
}

/// The exchanges under way.
private final class Exchanges: NSObject, URLSessionDataDelegate, Sendable {
    private struct Exchange {
        let receiver: any HTTPReceiver
        var hasHead = false
        var isStopped = false
        /// Whether it is to end. Foundation on Linux traps when a redirect of such an exchange is answered.
        var isCancelled = false
        /// Whether a redirect was answered: the exchange ends by itself.
        var isRedirected = false
        var continuation: CheckedContinuation<HTTPFailure?, Never>?
    }

    let queue = InlineQueue()
    private let exchanges = Mutex<[Int: Exchange]>([:])

    override init() {
        super.init()
        queue.maxConcurrentOperationCount = 1
    }

    func add(_ task: URLSessionTask, _ receiver: any HTTPReceiver) {
        exchanges.withLock { $0[task.taskIdentifier] = Exchange(receiver: receiver) }
    }

    /// Starts an exchange; one that was cancelled before is over.
    func start(_ task: URLSessionTask, _ continuation: CheckedContinuation<HTTPFailure?, Never>) {
        let isKnown = exchanges.withLock { exchanges in
            exchanges[task.taskIdentifier]?.continuation = continuation
            return exchanges[task.taskIdentifier] != nil
        }
        if isKnown { task.resume() } else { continuation.resume(returning: HTTPFailure(.brokenOff, "cancelled")) }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        let isWanted = exchanges.withLock { exchanges in
            guard exchanges[task.taskIdentifier]?.isCancelled == false else { return false }
            exchanges[task.taskIdentifier]?.isRedirected = true
            return true
        }
        if isWanted { completionHandler(nil) }
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        completionHandler(.allow)
        receiveHead(response, of: dataTask)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        if let response = dataTask.response { receiveHead(response, of: dataTask) }
        guard let exchange = exchanges.withLock({ $0[dataTask.taskIdentifier] }), !exchange.isStopped else { return }
        let wantsMore = data.withUnsafeBytes { exchange.receiver.receive(body: $0) }
        if !wantsMore { stop(dataTask) }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        if error == nil, let response = task.response { receiveHead(response, of: task) }
        guard let exchange = exchanges.withLock({ $0.removeValue(forKey: task.taskIdentifier) }) else { return }
        let failure: HTTPFailure? =
            if exchange.isStopped {
                nil
            } else if let error {
                HTTPFailure(error)
            } else {
                exchange.hasHead ? nil : HTTPFailure(.brokenOff, "the answer is not HTTP")
            }
        exchange.continuation?.resume(returning: failure)
    }

    /// Hands the head on, once. On Linux a redirect that is not followed has one only when the task is over.
    private func receiveHead(_ response: URLResponse, of task: URLSessionTask) {
        guard let response = response as? HTTPURLResponse else { return }
        let receiver = exchanges.withLock { exchanges -> (any HTTPReceiver)? in
            guard let exchange = exchanges[task.taskIdentifier], !exchange.hasHead else { return nil }
            exchanges[task.taskIdentifier]?.hasHead = true
            return exchange.receiver
        }
        var headers: [String: String] = [:]
        for case (let name as String, let value as String) in response.allHeaderFields { headers[name] = value }
        guard let receiver, !receiver.receive(head: HTTPHead(status: response.statusCode, headers: headers)) else {
            return
        }
        stop(task)
    }

    private func stop(_ task: URLSessionTask) {
        exchanges.withLock { $0[task.taskIdentifier]?.isStopped = true }
        cancel(task)
    }

    /// Ends an exchange, unless it is over or about to be.
    func cancel(_ task: URLSessionTask) {
        let isRunning = exchanges.withLock { exchanges in
            guard exchanges[task.taskIdentifier]?.isRedirected == false else { return false }
            exchanges[task.taskIdentifier]?.isCancelled = true
            return true
        }
        // Foundation waits in there for the queue that an answer's parts come from, and so maybe for this call.
        if isRunning { DispatchQueue.global().async { task.cancel() } }
    }
}

extension HTTPFailure {
    fileprivate init(_ error: any Error) {
        let code = (error as? URLError)?.code ?? URLError.Code(rawValue: (error as NSError).code)
        let kind: Kind =
            switch code {
            case .cannotFindHost, .cannotConnectToHost, .dnsLookupFailed, .notConnectedToInternet: .unreachable
            case .timedOut: .timedOut
            case .secureConnectionFailed, .serverCertificateHasBadDate, .serverCertificateUntrusted,
                .serverCertificateHasUnknownRoot, .serverCertificateNotYetValid, .clientCertificateRejected:
                .insecure
            case .badURL, .unsupportedURL: .unusable
            default: .brokenOff
            }
        let words = (error as NSError).localizedDescription
        self.init(kind, String(words.split(whereSeparator: \.isNewline).joined(separator: " ").prefix(200)))
    }
}
