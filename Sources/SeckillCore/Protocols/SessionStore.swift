/// Who is logged in. Tokens are minted here and kept only as their ``SessionToken/digest``.
///
/// **Bounds**: logging in may be free, so nobody can be kept out by those who do it often. A user has ten sessions at most:
/// with one more, the oldest ends. A store that is full ends sessions that were never used since they were created, the
/// oldest first; if there are none, the one that was used or refreshed longest ago.
/// **Errors**: `unavailable`, `overloaded`, `outcomeUnknown`.
public protocol SessionStore: Sendable {
    /// A new session for `user`, good for `lifetime`. Each call makes another one.
    func create(for user: UserID, lifetime: Duration) async throws -> SessionToken

    /// The session, if it is still good. Counts as a use of it; costs no write but for the first use.
    func look(up token: SessionToken) async throws -> Session?

    /// Lets a good session last `lifetime` from now; it never shortens one. Nil if it is over or unknown.
    func refresh(_ token: SessionToken, lifetime: Duration) async throws -> Session?

    /// Ends a session. Idempotent.
    func revoke(_ token: SessionToken) async throws

    /// How full the store is.
    func occupancy() async throws -> Occupancy
}

/// How full a store is.
public struct Occupancy: Hashable, Sendable {
    /// What it keeps. Some of it may be over and not yet forgotten.
    public var count: Int
    /// How much it keeps at most.
    public var limit: Int

    /// How full a store is.
    public init(count: Int, limit: Int) {
        self.count = count
        self.limit = limit
    }
}
