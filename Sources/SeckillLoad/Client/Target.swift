internal import ArgumentParser
internal import Foundation

/// A server and the sale on it.
struct Target: Sendable {
    let host: String
    let port: Int
    let sale: String
    let adminToken: String?

    /// - Throws: `ValidationError` that says what is wrong with the address, or that it is not local.
    init(_ url: String, sale: String, adminToken: String?, isRemoteAllowed: Bool) throws {
        guard let parts = URLComponents(string: url), parts.scheme == "http", let host = parts.host, !host.isEmpty,
            ["", "/"].contains(parts.path), parts.query == nil, parts.user == nil
        else {
            throw ValidationError("'\(url)' is no address of the form http://host:port")
        }
        guard isRemoteAllowed || Self.isLocal(host) else {
            throw ValidationError(
                """
                '\(host)' is not this machine. A rehearsal is an attack on a server that does not expect it; if it is \
                yours and expects it, say --allow-remote --allow-remote
                """
            )
        }
        self.host = host.trimmingCharacters(in: ["[", "]"])
        port = parts.port ?? 80
        self.sale = sale
        self.adminToken = adminToken
    }

    /// By what the address says, not by what a name may resolve to.
    static func isLocal(_ host: String) -> Bool {
        if ["localhost", "::1", "[::1]"].contains(host) { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
