import CLIPSystem

/// The certificates that this system trusts. A libcurl that was linked into the program asks OpenSSL for them, which knows
/// where the system has them that it was built on; other distributions have them elsewhere.
enum TrustedCertificates {
    /// Tells OpenSSL where they are, unless somebody has.
    static func find() {
        #if os(Linux)
        guard let file = places.first(where: { access($0, R_OK) == 0 }) else { return }
        setenv("SSL_CERT_FILE", file, 0)
        #endif
    }

    private static let places = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ]
}
