internal import HTTPTypes
internal import Hummingbird
internal import SeckillCore
internal import SeckillNIO

/// The cookie that carries a session's token. It ends with the browser; the store decides when the session does.
struct SessionCookie: Sendable {
    let name: String
    private let attributes: String

    /// `isSecure` for sites that browsers reach by https: then no other host and no plain connection can plant it.
    init(isSecure: Bool) {
        name = isSecure ? "__Host-session" : "session"
        attributes = "; Path=/; HttpOnly; SameSite=Lax" + (isSecure ? "; Secure" : "")
    }

    /// The token that `request` brings, if it can be one.
    func token(of request: Request) -> SessionToken? { request.cookie(name).flatMap { SessionToken($0) } }

    /// The field that brings `token` to the browser.
    func setting(_ token: SessionToken) -> HTTPFields { [.setCookie: "\(name)=\(token.text)\(attributes)"] }

    /// The field that makes the browser forget.
    var clearing: HTTPFields { [.setCookie: "\(name)=\(attributes); Max-Age=0"] }
}

extension Request {
    /// The value of the first cookie of this name.
    func cookie(_ name: String) -> String? {
        for var field in headers[values: .cookie] {
            let value = field.withUTF8 { CookieField.value(of: name, in: UnsafeRawBufferPointer($0)) }
            if let value { return value }
        }
        return nil
    }
}
