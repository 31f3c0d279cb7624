public import SeckillCore

/// Sessions in Redis, kept under the digests of their tokens and ended by Redis's clock.
///
/// Cost: one script a call. All sessions are also in one sorted set, which says how many there are and which go first. At its
/// memory limit Redis refuses new sessions (`overloaded`), provided that it evicts nothing: set
/// `maxmemory-policy noeviction`, and a `limit` of sessions that memory suffices for.
public struct RedisSessionStore: SessionStore {
    let redis: RedisConnection
    let keys: RedisKeys
    private let random: any RandomSource
    private let limit: Int

    /// The sessions of a shop.
    /// - Parameters:
    ///   - namespace: the shop's: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
    ///   - limit: how many sessions there may be, 1 or more; the same on all nodes.
    public init(
        _ redis: RedisConnection,
        namespace: String,
        random: any RandomSource = .system,
        limit: Int = 1_000_000
    ) {
        self.redis = redis
        keys = redis.keys(of: namespace)
        self.random = random
        self.limit = max(limit, 1)
    }

    /// A new session.
    public func create(for user: UserID, lifetime: Duration) async throws -> SessionToken {
        let token = SessionToken.mint(from: random)
        let digest = token.digest
        var command = RedisScript.createSession.call([keys.session(digest), keys.sessions(of: user), keys.sessions])
        command.append(user.text)
        command.append(max(1, lifetime.asLifetime))
        command.append(digest)
        command.append(SessionBounds.perUser)
        command.append(limit)
        command.append(keys.ofSession)
        _ = try await redis.ask(command)
        return token
    }

    /// The session, if it is still good.
    public func look(up token: SessionToken) async throws -> Session? {
        try await redis.ask(RedisScript.getSession.call([keys.session(token.digest)])).session
    }

    /// Lets a good session last longer.
    public func refresh(_ token: SessionToken, lifetime: Duration) async throws -> Session? {
        let digest = token.digest
        var command = RedisScript.refreshSession.call([keys.session(digest), keys.sessions])
        command.append(max(1, lifetime.asLifetime))
        command.append(digest)
        command.append(keys.ofUser)
        return try await redis.ask(command).session
    }

    /// Ends a session.
    public func revoke(_ token: SessionToken) async throws {
        let digest = token.digest
        var command = RedisScript.revokeSession.call([keys.session(digest), keys.sessions])
        command.append(digest)
        _ = try await redis.ask(command)
    }

    /// How full the store is. Cost: one command.
    public func occupancy() async throws -> Occupancy {
        guard let count = try await redis.ask(RedisCommand("ZCARD", keys.sessions)).integer else {
            throw SeckillError(.unavailable, "unexpected reply to ZCARD")
        }
        return Occupancy(count: count, limit: limit)
    }
}

extension RedisValue {
    /// Read from `end user`. By bytes: a user may begin with what combines with the space before.
    var session: Session? { words(2).flatMap { Session($0[...]) } }
}

extension Session {
    /// From its end and its user, the words that are kept of it.
    init?(_ words: ArraySlice<String>) {
        guard words.count == 2, let first = words.first, let end = Int64(first), first.utf8.count <= 15,
            let user = words.last.flatMap(UserID.init)
        else { return nil }
        self.init(user: user, expiresAt: Timestamp(milliseconds: end))
    }
}
