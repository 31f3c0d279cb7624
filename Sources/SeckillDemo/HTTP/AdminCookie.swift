internal import Crypto
internal import HTTPTypes
internal import Hummingbird
internal import SeckillCore

/// The cookie that the operator's browser gets for the token: a digest of it, good as long as the token is, and sent to
/// the operator's routes alone.
struct AdminCookie: Sendable {
    private static let name = "admin"
    private let value: String
    private let attributes: String

    init(token: String, isSecure: Bool) {
        let digest = SHA256.hash(data: Array("seckill/admin-cookie/\(token)".utf8))
        value = Base64URL.encode(Array(digest.prefix(30)))
        attributes = "; Path=/admin; HttpOnly; SameSite=Strict" + (isSecure ? "; Secure" : "")
    }

    func isBrought(by request: Request) -> Bool {
        guard let brought = request.cookie(Self.name) else { return false }
        // Digests compare in constant time, whatever the lengths.
        return SHA256.hash(data: Array(brought.utf8)) == SHA256.hash(data: Array(value.utf8))
    }

    /// The field that brings it to the browser.
    var setting: HTTPFields { [.setCookie: "\(Self.name)=\(value)\(attributes)"] }

    /// The field that makes the browser forget.
    var clearing: HTTPFields { [.setCookie: "\(Self.name)=\(attributes); Max-Age=0"] }
}
