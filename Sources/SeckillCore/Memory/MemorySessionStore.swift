/// Sessions in this process; a restart logs everybody out.
public final class MemorySessionStore: SessionStore {
    private typealias Sessions = PartitionedDictionary<String, Session>

    private struct State: Sendable {
        var sessions = Sessions()
        var sweptAt: Duration?

        /// True if a sweep is due, which then counts as begun.
        mutating func beginSweep(limit: Int, at now: Duration) -> Bool {
            guard sessions.count >= limit, sweptAt.map({ now - $0 >= sweepInterval }) ?? true else { return false }
            sweptAt = now
            return true
        }
    }

    private static let sweepInterval: Duration = .seconds(1)
    private let clock: any SaleClock
    private let random: any RandomSource
    private let limit: Int
    private let state = Locked(State())

    /// A store of at most `limit` live sessions.
    public init(clock: any SaleClock = .system, random: any RandomSource = .system, limit: Int = 1_000_000) {
        self.clock = clock
        self.random = random
        self.limit = limit
    }

    /// Sweeps ended sessions, at most once a second, when the limit is reached.
    public func create(for user: UserID, lifetime: Duration) async throws -> SessionToken {
        let token = SessionToken.mint(from: random)
        let key = token.digest
        let now = clock.now
        let uptime = clock.uptime
        if state.withLock({ $0.beginSweep(limit: limit, at: uptime) }) {
            // Others get their turn between two parts.
            for partition in 0..<Sessions.partitionCount {
                state.withLock { $0.sessions.filter(partition: partition) { $0.expiresAt > now } }
            }
        }
        try state.withLock { state throws(SeckillError) in
            guard state.sessions.count < limit else {
                throw SeckillError(.overloaded, "\(limit) sessions are live; try again later")
            }
            state.sessions[key] = Session(user: user, expiresAt: now + lifetime)
        }
        return token
    }

    /// One look-up.
    public func look(up token: SessionToken) async throws -> Session? {
        let key = token.digest
        let now = clock.now
        return state.withLock { state in
            guard let session = state.sessions[key], session.expiresAt > now else { return nil }
            return session
        }
    }

    /// One look-up.
    public func refresh(_ token: SessionToken, lifetime: Duration) async throws -> Session? {
        let key = token.digest
        let now = clock.now
        return state.withLock { state in
            guard var session = state.sessions[key], session.expiresAt > now else { return nil }
            session.expiresAt = max(session.expiresAt, now + lifetime)
            state.sessions[key] = session
            return session
        }
    }

    /// One look-up.
    public func revoke(_ token: SessionToken) async throws {
        let key = token.digest
        state.withLock { $0.sessions[key] = nil }
    }
}
