internal import SeckillCore

/// A connection, and the identity that sales are stamped with on it.
struct StampedSession: Sendable {
    let connection: RedisSession
    let identity: StoreIdentity
}

/// What is known of one connection before it is used for sales.
struct Agreement: Sendable {
    /// The number of the connection whose rights have been checked, or are just being checked by one caller.
    var checked: Int?
    var stamp: Stamp?
}

/// What is agreed, on one connection, on the name of the server.
struct Stamp: Sendable {
    /// The connection, by its present number of renames.
    var session: RedisSession
    /// The name that nodes have agreed on; nil as long as this node waits for others.
    var name: String?
    /// The name with the ledger's id.
    var identity: StoreIdentity?
    /// Since when this node waits.
    var since: Duration
}

extension RedisStockStore {
    /// How long a node that has just connected waits for those that were connected all the time to say that only the name of
    /// the server's history has changed. They look once a second.
    private static let patience: Duration = .seconds(3)

    /// The present connection and its stamp. Costs nothing but the first time on a connection, and when the server's history
    /// gets another name.
    func connect() async throws -> StampedSession {
        let session = try redis.session()
        let known = agreement.withLock { $0 }
        if let stamp = known.stamp, stamp.session == session, known.checked == session.number,
            let identity = stamp.identity
        {
            return StampedSession(connection: session, identity: identity)
        }
        return StampedSession(connection: session, identity: try await agree(on: session, after: known.stamp))
    }

    private func agree(on session: RedisSession, after known: Stamp?) async throws -> StoreIdentity {
        let isKnown = known?.session.number == session.number
        try await checkRightsOnce(on: session)
        let since = isKnown ? known?.since ?? clock.uptime : clock.uptime
        let mayWait = !session.server.hasFormerHistory && clock.uptime - since < Self.patience
        let name = try await ask(session, isKnown ? known?.name : nil, mayWait: mayWait)
        let identity = note(name, since, on: session)
        guard let identity else {
            throw SeckillError(.unavailable, "the name of the data of Redis has changed; nodes are agreeing on it")
        }
        return identity
    }

    /// Agrees on the name again, on a connection where it was agreed on before: other nodes may have chosen another one.
    func agreeAgain(on session: StampedSession) async throws -> StoreIdentity {
        let known = agreement.withLock(\.stamp)
        let name = try await ask(session.connection, known?.name, mayWait: false)
        return note(name, known?.since ?? clock.uptime, on: session.connection) ?? session.identity
    }

    /// The name with the ledger's id: what another ledger installed is nothing to this one.
    private func stampText(_ name: String) -> StoreIdentity { StoreIdentity("\(name):\(ledger)") }

    private func ask(_ session: RedisSession, _ name: String?, mayWait: Bool) async throws -> String? {
        var command = RedisScript.identify.call([keys.server])
        command.append(session.server.run)
        command.append(session.server.history)
        command.append(name ?? "")
        command.append(mayWait ? "0" : "1")
        do {
            let answer = try await redis.perform(command, on: session).text
            return answer.flatMap { $0.isEmpty ? nil : $0 }
        } catch let error as RedisError {
            throw redis.failure(error, on: session)
        }
    }

    private func note(_ name: String?, _ since: Duration, on session: RedisSession) -> StoreIdentity? {
        let identity = name.map { stampText($0) }
        agreement.withLock { $0.stamp = Stamp(session: session, name: name, identity: identity, since: since) }
        return identity
    }

    /// Of many callers on a new connection, one checks; until it is done, the others find out for themselves.
    private func checkRightsOnce(on session: RedisSession) async throws {
        let mustCheck = agreement.withLock { agreement in
            defer { agreement.checked = session.number }
            return agreement.checked != session.number
        }
        guard mustCheck else { return }
        do {
            try await checkRights(on: session)
        } catch {
            // The next caller checks again.
            agreement.withLock { if $0.checked == session.number { $0.checked = nil } }
            throw error
        }
    }

    /// Says at once, and by name, what would otherwise fail one by one later.
    private func checkRights(on session: RedisSession) async throws {
        var command = RedisScript.rights.call(keys.rights)
        command.append(keys.restocks)
        do {
            let missing = try await redis.perform(command, on: session).array ?? []
            guard missing.isEmpty else {
                throw SeckillError(
                    .unavailable,
                    "the user \(redis.configuration.username ?? "default") of Redis may not run "
                        + "\(missing.compactMap(\.text).joined(separator: ", ")) on keys and channels of namespace "
                        + "\(namespace); Docs/Redis.md lists the rights that are needed"
                )
            }
        } catch let error as RedisError {
            throw redis.failure(error, on: session)
        }
    }
}
