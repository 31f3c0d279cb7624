import SeckillCore

/// A session store of somebody else's: an actor, which keeps the digests of tokens and never the tokens.
public actor ActorSessionStore: SessionStore {
    private struct Entry {
        let digest: String
        var session: Session
        var isUsed = false
    }

    private let clock: any SaleClock
    private let random: any RandomSource
    private let limit: Int
    /// Unused ones in the order of their creation, used ones in the order of their last use: short enough to be searched.
    private var entries: [Entry] = []

    /// An empty store of at most `limit` sessions.
    public init(clock: any SaleClock = .system, random: any RandomSource = .system, limit: Int = 1000) {
        self.clock = clock
        self.random = random
        self.limit = limit
    }

    private var created: [String] = []

    /// Searches all sessions.
    public func create(for user: UserID, lifetime: Duration) -> SessionToken {
        let now = clock.now
        entries.removeAll { $0.session.expiresAt <= now }
        created.removeAll { digest in !entries.contains { $0.digest == digest } }
        let own = created.filter { digest in entries.contains { $0.digest == digest && $0.session.user == user } }
        if own.count >= 10 { entries.removeAll { $0.digest == own[0] } }
        if entries.count >= limit { entries.remove(at: entries.firstIndex { !$0.isUsed } ?? 0) }
        let token = SessionToken.mint(from: random)
        entries.append(Entry(digest: token.digest, session: Session(user: user, expiresAt: now + lifetime)))
        created.append(token.digest)
        return token
    }

    /// Searches all sessions.
    public func look(up token: SessionToken) -> Session? {
        guard let index = index(of: token) else { return nil }
        if !entries[index].isUsed { use(index) }
        return entries.first { $0.digest == token.digest }?.session
    }

    /// Searches all sessions.
    public func refresh(_ token: SessionToken, lifetime: Duration) -> Session? {
        guard let index = index(of: token) else { return nil }
        entries[index].session.expiresAt = max(entries[index].session.expiresAt, clock.now + lifetime)
        use(index)
        return entries.last?.session
    }

    /// Searches all sessions.
    public func revoke(_ token: SessionToken) { entries.removeAll { $0.digest == token.digest } }

    /// Costs nothing.
    public func occupancy() -> Occupancy { Occupancy(count: entries.count, limit: limit) }

    private func index(of token: SessionToken) -> Int? {
        let (digest, now) = (token.digest, clock.now)
        return entries.firstIndex { $0.digest == digest && $0.session.expiresAt > now }
    }

    private func use(_ index: Int) {
        var entry = entries.remove(at: index)
        entry.isUsed = true
        entries.append(entry)
    }
}
