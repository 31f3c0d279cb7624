internal import Crypto
internal import HTTPTypes
internal import Hummingbird
internal import SeckillCore

/// The cookie that the operator's browser gets for the token: a digest of it, good as long as the token is, and sent to
/// the operator's routes alone.
struct AdminCookie: Sendable {
    private static let name = "admin"
    private let value: String
    private let secret: Secret
    private let attributes: String

    init(token: String, isSecure: Bool) {
        let digest = SHA256.hash(data: Array("seckill/admin-cookie/\(token)".utf8))
        value = Base64URL.encode(Array(digest.prefix(30)))
        secret = Secret(value)
        attributes = "; Path=/admin; HttpOnly; SameSite=Strict" + (isSecure ? "; Secure" : "")
    }

    func isBrought(by request: Request) -> Bool {
        request.cookie(Self.name).map { secret.isSame(as: $0) } ?? false
    }

    /// The field that brings it to the browser.
    var setting: HTTPFields { [.setCookie: "\(Self.name)=\(value)\(attributes)"] }

    /// The field that makes the browser forget.
    var clearing: HTTPFields { [.setCookie: "\(Self.name)=\(attributes); Max-Age=0"] }
}
