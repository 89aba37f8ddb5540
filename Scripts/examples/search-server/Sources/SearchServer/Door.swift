import HTTPTypes
import Hummingbird

/// Lets in who meant to come here: a browser that was sent by another site's page stays outside.
///
/// A server on a person's own machine is reached by every page that the person's browser shows. Such a page can't read answers as
/// long as it is of another origin, but it can ask; and with a name that leads to this machine (DNS rebinding) it is of the same
/// origin. So the name must be one that the server is known by, and a page that asks must have come from here.
struct Door<Context: RequestContext>: RouterMiddleware {
    /// Names that the server is known by, besides those of the machine itself.
    let names: Set<String>

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let refusal = refusal(
            authority: request.head.authority, origin: request.headers[.origin],
            site: request.headers[HTTPField.Name("Sec-Fetch-Site")!],
            mode: request.headers[HTTPField.Name("Sec-Fetch-Mode")!])
        if let refusal { throw refusal }
        var response = try await next(request, context)
        for (name, value) in Self.headers { response.headers[HTTPField.Name(name)!] = value }
        return response
    }

    /// Why a request isn't let in; nil when it is.
    /// - Parameters:
    ///   - authority: the name and port that it asks for.
    ///   - origin: the page that asks, as its browser says.
    ///   - site: how that page's site stands to this one, as its browser says.
    ///   - mode: how it asks, as its browser says.
    func refusal(authority: String?, origin: String?, site: String?, mode: String?) -> HTTPError? {
        let authority = (authority ?? "").lowercased()
        guard names.union(["localhost", "127.0.0.1", "[::1]"]).contains(Self.host(of: authority)) else {
            return HTTPError(
                .misdirectedRequest, message: "this server isn't known by that name: start it with --name to add one")
        }
        let isOwn = origin.map { ["http://\(authority)", "https://\(authority)"].contains($0.lowercased()) } ?? true
        // Who follows a link to here has left the other page.
        let isForeign = site == "cross-site" || site == "same-site"
        guard isOwn, !isForeign || mode == "navigate" else {
            return HTTPError(.forbidden, message: "pages of other sites can't ask this server")
        }
        return nil
    }

    /// The name of a name and a port.
    private static func host(of authority: String) -> String {
        guard let colon = authority.lastIndex(of: ":"), authority[colon...].dropFirst().allSatisfy(\.isNumber)
        else { return authority }
        return String(authority[..<colon])
    }

    private static var headers: [(String, String)] {
        [
            (
                "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
                    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            ("Cross-Origin-Resource-Policy", "same-origin"), ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ]
    }
}
