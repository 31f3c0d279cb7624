/// Who is logged in. Tokens are minted here and kept only as their ``SessionToken/digest``.
///
/// **Errors**: `unavailable`, `overloaded` (a bound on live sessions), `outcomeUnknown`.
public protocol SessionStore: Sendable {
    /// A new session for `user`, good for `lifetime`. Each call makes another one.
    func create(for user: UserID, lifetime: Duration) async throws -> SessionToken

    /// The session, if it is still good. Costs no write.
    func look(up token: SessionToken) async throws -> Session?

    /// Lets a good session last `lifetime` from now; it never shortens one. Nil if it is over or unknown.
    func refresh(_ token: SessionToken, lifetime: Duration) async throws -> Session?

    /// Ends a session. Idempotent.
    func revoke(_ token: SessionToken) async throws
}
