public import SeckillCore

/// Sessions in Redis, kept under the digests of their tokens and ended by Redis's clock.
///
/// Cost: one script a call. At its memory limit Redis refuses new sessions (`overloaded`), provided that
/// it evicts nothing: set `maxmemory-policy noeviction`.
public struct RedisSessionStore: SessionStore {
    let redis: RedisConnection
    let keys: RedisKeys
    private let random: any RandomSource

    /// The sessions of a shop.
    /// - Parameter namespace: the shop's: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
    public init(_ redis: RedisConnection, namespace: String, random: any RandomSource = .system) {
        self.redis = redis
        keys = redis.keys(of: namespace)
        self.random = random
    }

    /// A new session.
    public func create(for user: UserID, lifetime: Duration) async throws -> SessionToken {
        let token = SessionToken.mint(from: random)
        var command = RedisScript.createSession.call([keys.session(token.digest)])
        command.append(user.text)
        command.append(max(1, lifetime.asLifetime))
        _ = try await redis.ask(command)
        return token
    }

    /// The session, if it is still good.
    public func look(up token: SessionToken) async throws -> Session? {
        try await redis.ask(RedisScript.getSession.call([keys.session(token.digest)])).session
    }

    /// Lets a good session last longer.
    public func refresh(_ token: SessionToken, lifetime: Duration) async throws -> Session? {
        var command = RedisScript.refreshSession.call([keys.session(token.digest)])
        command.append(max(1, lifetime.asLifetime))
        return try await redis.ask(command).session
    }

    /// Ends a session.
    public func revoke(_ token: SessionToken) async throws {
        _ = try await redis.ask(RedisCommand("DEL", keys.session(token.digest)))
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
