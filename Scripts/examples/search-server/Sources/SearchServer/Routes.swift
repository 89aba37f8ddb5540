import CLIP
import Foundation
import Hummingbird
import PictureCollections

/// Everything that the server answers.
/// - Parameters:
///   - library: what is searched.
///   - names: names that the server is known by, besides those of the machine itself.
func makeRouter(_ library: PictureLibrary, names: Set<String>) -> Router<BasicRequestContext> {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    // A search uses all cores: while one goes on, others gather to be answered together.
    let searches = WorkQueue(batchSize: 32, lanes: 1, mostWaiting: 256) { try await library.answers(to: $0) }
    // Small copies leave a core to searches.
    let copies = WorkQueue<(address: String, edge: Int), [UInt8]>(lanes: max(1, cores - 1), mostWaiting: 1024) {
        try await library.copy(of: $0.address, edge: $0.edge)
    }
    // A picture is taken from the network when its turn comes: no more are in memory at once.
    let uploads = WorkQueue<RequestBody, Embedding>(lanes: 2, mostWaiting: 64) { body in
        let bytes = try await body.collect(upTo: 32 << 20)
        return try await library.embedding(ofFile: Array(bytes.readableBytesView))
    }

    let router = Router()
    router.add(middleware: Faults())
    router.add(middleware: Door(names: names))

    router.get("/") { _, _ in page(PackageResources.page_html, "text/html; charset=utf-8") }
    router.get("/page.css") { _, _ in page(PackageResources.page_css, "text/css; charset=utf-8") }
    router.get("/page.js") { _, _ in page(PackageResources.page_js, "text/javascript; charset=utf-8") }

    router.get("/api/index") { _, _ in
        IndexDescription(pictures: try library.index().count, model: library.model.info.card?.name ?? "a CLIP model")
    }
    router.post("/api/search") { request, context in
        try await whileClientWaits(request) { body in
            var request = request
            request.body = body
            let wanted = try await request.decode(as: StrictSearchRequest.self, context: context).request
            return try await searches.result(of: Search(wanted, in: library)).response(from: request, context: context)
        }
    }
    router.post("/api/embedding") { request, context in
        try await whileClientWaits(request) { body in
            try await EmbeddedPicture(picture: uploads.result(of: body).values).response(
                from: request, context: context)
        }
    }
    router.get("/pictures/:id/:edge") { _, context in
        guard let edge = context.parameters.get("edge", as: Int.self), [320, 1600].contains(edge) else {
            throw NoSuchPicture()
        }
        let jpeg = try await copies.result(of: (try context.parameters.require("id"), edge))
        return Response(
            status: .ok,
            headers: [.contentType: "image/jpeg", .cacheControl: "private, max-age=31536000, immutable"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: jpeg)))
    }
    return router
}

/// What `GET /api/index` answers.
struct IndexDescription: ResponseEncodable {
    let pictures: Int
    let model: String
}

/// What `POST /api/embedding` answers: what a search takes as its "picture".
struct EmbeddedPicture: ResponseEncodable {
    let picture: [Float]
}

/// Does what is asked for, and cancels it once the client has hung up. The connection isn't used again: it has been read from.
private func whileClientWaits(
    _ request: Request, _ body: (RequestBody) async throws -> Response
) async throws -> Response {
    var response = try await request.body.consumeWithCancellationOnInboundClose(body)
    response.headers[.connection] = "close"
    return response
}

private func page(_ bytes: [UInt8], _ type: String) -> Response {
    Response(
        status: .ok, headers: [.contentType: type, .cacheControl: "no-cache"],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
}

/// Puts what the library throws into the words of HTTP. Where files are on this machine is in none of them.
struct Faults<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            guard var fault = fault(error, context) else { throw error }
            // A connection may have been read from.
            fault.headers[.connection] = "close"
            throw fault
        }
    }

    private func fault(_ error: any Error, _ context: Context) -> HTTPError? {
        switch error {
        case let error as HTTPError: return error
        case is ServerIsBusy:
            return HTTPError(
                .serviceUnavailable, headers: [.retryAfter: "1"], message: "too many wait already: ask again soon")
        case is NoSuchPicture: return HTTPError(.notFound, message: "there is no such picture")
        case let error as CLIPError where error.kind == .picture:
            return HTTPError(.unprocessableContent, message: "the picture can't be used: \(error.message)")
        case let error as CLIPError where error.kind != .cancelled:
            context.logger.error("\(error)")
            return HTTPError(.internalServerError, message: "the search failed: the server's log says why")
        default: return nil
        }
    }
}
