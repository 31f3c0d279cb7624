internal import Logging
public import SeckillCore

/// Sessions in this process and in a file, so that a restart logs nobody out. The file holds digests, never tokens.
///
/// Look-ups touch no disk; what changes a session returns once it is durable. One process owns the file; see
/// ``EmbeddedStores``.
public final class JournalSessionStore: SessionStore {
    private let clock: any SaleClock
    private let random: any RandomSource
    private let limit: Int
    private let table: Locked<SessionTable>
    let journal: Journal

    init(
        _ table: SessionTable,
        _ writer: JournalWriter,
        limits: Journal.Limits,
        clock: any SaleClock,
        random: any RandomSource,
        limit: Int,
        logger: Logger
    ) {
        let table = Locked(table)
        self.clock = clock
        self.random = random
        self.limit = max(limit, 1)
        self.table = table
        journal = Journal(
            writer,
            limits: limits,
            clock: clock,
            logger: logger,
            capture: { cut in
                table.withLock { table in
                    cut()
                    return SessionImage(table: table, now: clock.now)
                }
            }
        )
    }

    /// A few look-ups. What makes room is in the journal with what it makes room for.
    public func create(for user: UserID, lifetime: Duration) async throws -> SessionToken {
        let token = SessionToken.mint(from: random)
        let digest = token.digest
        let now = clock.now
        let session = Session(user: user, expiresAt: now + lifetime)
        try journal.admit()
        let ticket = table.withLock { table in
            let gone = table.add(session, digest, limit: limit, at: now)
            return journal.append { entries in
                for digest in gone { entries.append(revoked: digest) }
                entries.append(session, digest: digest)
            }
        }
        try await journal.wait(for: ticket)
        return token
    }

    /// One look-up. The first of a session is written to the journal, and not waited for.
    public func look(up token: SessionToken) async throws -> Session? {
        let digest = token.digest
        let now = clock.now
        let (session, isFirst) = table.withLock { table -> (Session?, Bool) in
            guard let (session, isFirst) = table.lookUp(digest, at: now) else { return (nil, false) }
            // A mark that the journal does not take now is not worth keeping.
            guard isFirst, (try? journal.admit()) != nil else { return (session, false) }
            _ = journal.append { $0.append(used: digest) }
            return (session, true)
        }
        if isFirst { journal.flushSoon() }
        return session
    }

    /// One look-up, and an entry if the session gets longer.
    public func refresh(_ token: SessionToken, lifetime: Duration) async throws -> Session? {
        let digest = token.digest
        let now = clock.now
        try journal.admit()
        let (session, ticket) = table.withLock { table -> (Session?, GroupBuffer.Ticket?) in
            guard let (session, isLonger) = table.refresh(digest, to: now + lifetime, at: now) else {
                return (nil, nil)
            }
            return (session, isLonger ? journal.append { $0.append(session, digest: digest) } : nil)
        }
        if let ticket { try await journal.wait(for: ticket) }
        return session
    }

    /// Ends the session at once, and returns when that would outlive a crash.
    public func revoke(_ token: SessionToken) async throws {
        let digest = token.digest
        let ticket = table.withLock { table -> GroupBuffer.Ticket? in
            guard table.remove(digest) else { return nil }
            return journal.append { $0.append(revoked: digest) }
        }
        if let ticket { try await journal.wait(for: ticket) }
    }

    /// Costs nothing.
    public func occupancy() async throws -> Occupancy {
        Occupancy(count: table.withLock { $0.count }, limit: limit)
    }
}
