/// Sessions in this process; a restart logs everybody out.
public final class MemorySessionStore: SessionStore {
    private let clock: any SaleClock
    private let random: any RandomSource
    private let limit: Int
    private let table = Locked(SessionTable())

    /// A store of at most `limit` sessions, 1 or more.
    public init(clock: any SaleClock = .system, random: any RandomSource = .system, limit: Int = 1_000_000) {
        self.clock = clock
        self.random = random
        self.limit = max(limit, 1)
    }

    /// A few look-ups.
    public func create(for user: UserID, lifetime: Duration) async throws -> SessionToken {
        let token = SessionToken.mint(from: random)
        let digest = token.digest
        let now = clock.now
        let session = Session(user: user, expiresAt: now + lifetime)
        table.withLock { _ = $0.add(session, digest, limit: limit, at: now) }
        return token
    }

    /// One look-up.
    public func look(up token: SessionToken) async throws -> Session? {
        let digest = token.digest
        let now = clock.now
        return table.withLock { $0.lookUp(digest, at: now)?.session }
    }

    /// One look-up.
    public func refresh(_ token: SessionToken, lifetime: Duration) async throws -> Session? {
        let digest = token.digest
        let now = clock.now
        return table.withLock { $0.refresh(digest, to: now + lifetime, at: now)?.session }
    }

    /// One look-up.
    public func revoke(_ token: SessionToken) async throws {
        let digest = token.digest
        table.withLock { _ = $0.remove(digest) }
    }

    /// Costs nothing.
    public func occupancy() async throws -> Occupancy {
        Occupancy(count: table.withLock { $0.count }, limit: limit)
    }
}
