internal import SeckillCore

/// Who is asking, for the routes that a session opens.
struct Visitors: Sendable {
    let flashSale: FlashSale
    let cookie: SessionCookie

    func caller(of call: Call) -> FlashSale.Caller { .session(cookie.token(of: call.request)) }

    /// The user who is logged in.
    func user(of call: Call) async throws -> UserID {
        guard let user = try await flashSale.user(for: caller(of: call)) else { throw Problem(.noSession) }
        return user
    }
}
