internal import Logging
public import SeckillCore

/// Sessions in this process and in a file, so that a restart logs nobody out. The file holds digests, never tokens.
///
/// Look-ups touch no disk; what changes a session returns once it is durable. One process owns the file; see
/// ``EmbeddedStores``.
public final class JournalSessionStore: SessionStore {
    private struct State: Sendable {
        var book: SessionBook
        var sweptAt: Duration?

        /// True if a sweep is due, which then counts as begun.
        mutating func beginSweep(limit: Int, at now: Duration) -> Bool {
            guard book.count >= limit, sweptAt.map({ now - $0 >= sweepInterval }) ?? true else { return false }
            sweptAt = now
            return true
        }
    }

    private static let sweepInterval: Duration = .seconds(1)
    private let clock: any SaleClock
    private let random: any RandomSource
    private let limit: Int
    private let state: Locked<State>
    let journal: Journal

    init(
        _ book: SessionBook,
        _ writer: JournalWriter,
        limits: Journal.Limits,
        clock: any SaleClock,
        random: any RandomSource,
        limit: Int,
        logger: Logger
    ) {
        let state = Locked(State(book: book))
        self.clock = clock
        self.random = random
        self.limit = limit
        self.state = state
        journal = Journal(
            writer,
            limits: limits,
            clock: clock,
            logger: logger,
            capture: { cut in
                state.withLock { state in
                    cut()
                    return SessionImage(book: state.book, now: clock.now)
                }
            }
        )
    }

    /// Sweeps ended sessions, at most once a second, when the limit is reached.
    public func create(for user: UserID, lifetime: Duration) async throws -> SessionToken {
        let token = SessionToken.mint(from: random)
        let digest = token.digest
        let now = clock.now
        let uptime = clock.uptime
        try journal.admit()
        if state.withLock({ $0.beginSweep(limit: limit, at: uptime) }) {
            // Others get their turn between two parts.
            for partition in 0..<SessionBook.partitionCount {
                state.withLock { $0.book.forgetEnded(inPartition: partition, at: now) }
            }
        }
        let ticket = try state.withLock { state throws(SeckillError) in
            guard state.book.count < limit else {
                throw SeckillError(.overloaded, "\(limit) sessions are live; try again later")
            }
            return put(Session(user: user, expiresAt: now + lifetime), digest, into: &state.book)
        }
        try await journal.wait(for: ticket)
        return token
    }

    /// One look-up.
    public func look(up token: SessionToken) async throws -> Session? {
        let digest = token.digest
        let now = clock.now
        return state.withLock { $0.book.live(digest, at: now) }
    }

    /// One look-up, and an entry if the session gets longer.
    public func refresh(_ token: SessionToken, lifetime: Duration) async throws -> Session? {
        let digest = token.digest
        let now = clock.now
        try journal.admit()
        let refreshed = state.withLock { state -> (Session, GroupBuffer.Ticket?)? in
            guard var session = state.book.live(digest, at: now) else { return nil }
            guard session.expiresAt < now + lifetime else { return (session, nil) }
            session.expiresAt = now + lifetime
            return (session, put(session, digest, into: &state.book))
        }
        guard let (session, ticket) = refreshed else { return nil }
        if let ticket { try await journal.wait(for: ticket) }
        return session
    }

    /// Ends the session at once, and returns when that would outlive a crash.
    public func revoke(_ token: SessionToken) async throws {
        let digest = token.digest
        let ticket = state.withLock { state -> GroupBuffer.Ticket? in
            guard state.book[digest] != nil else { return nil }
            state.book[digest] = nil
            return journal.append { $0.append(revoked: digest) }
        }
        if let ticket { try await journal.wait(for: ticket) }
    }

    private func put(_ session: Session, _ digest: String, into book: inout SessionBook) -> GroupBuffer.Ticket {
        book[digest] = session
        return journal.append { $0.append(session, digest: digest) }
    }
}

extension SessionBook {
    fileprivate func live(_ digest: String, at now: Timestamp) -> Session? {
        guard let session = self[digest], session.expiresAt > now else { return nil }
        return session
    }
}
