import SeckillCore

/// A session store of somebody else's: an actor, which keeps the digests of tokens and never the tokens.
public actor ActorSessionStore: SessionStore {
    private let clock: any SaleClock
    private let random: any RandomSource
    private let limit: Int
    private var sessions: [String: Session] = [:]

    /// An empty store of at most `limit` live sessions.
    public init(clock: any SaleClock = .system, random: any RandomSource = .system, limit: Int = 10_000) {
        self.clock = clock
        self.random = random
        self.limit = limit
    }

    /// Makes room by forgetting sessions that are over.
    public func create(for user: UserID, lifetime: Duration) throws -> SessionToken {
        let now = clock.now
        if sessions.count >= limit { sessions = sessions.filter { $0.value.expiresAt > now } }
        guard sessions.count < limit else { throw SeckillError(.overloaded, "too many sessions") }
        let token = SessionToken.mint(from: random)
        sessions[token.digest] = Session(user: user, expiresAt: now + lifetime)
        return token
    }

    /// One look-up.
    public func look(up token: SessionToken) -> Session? {
        sessions[token.digest].flatMap { $0.expiresAt > clock.now ? $0 : nil }
    }

    /// One look-up.
    public func refresh(_ token: SessionToken, lifetime: Duration) -> Session? {
        guard var session = look(up: token) else { return nil }
        session.expiresAt = max(session.expiresAt, clock.now + lifetime)
        sessions[token.digest] = session
        return session
    }

    /// One look-up.
    public func revoke(_ token: SessionToken) { sessions[token.digest] = nil }
}
