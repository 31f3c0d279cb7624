public import SeckillCore

/// Purchases in one script, and so one round trip, over the keys of the three stores it is made of.
///
/// The script is put together from those of the rate limiter and the stock, so that there is one text of each rule. Its
/// keys are a session's, a user's and a sale's: it works on a single Redis, not on a cluster. What is wrong with a
/// session's or a limit's key fails this purchase only; what is wrong with a sale's keys closes the sale, as always.
public struct RedisPurchaseStore: PurchaseStore {
    private let sessions: RedisSessionStore
    private let limiter: RedisRateLimiter?
    private let stock: RedisStockStore

    /// Purchases from `stock` by the users of `sessions`; a nil limiter admits all.
    /// - Throws: `invalid` if they do not share one connection.
    public init(sessions: RedisSessionStore, limiter: RedisRateLimiter?, stock: RedisStockStore) throws(SeckillError) {
        guard sessions.redis === stock.redis, limiter.map({ $0.redis === stock.redis }) ?? true else {
            throw SeckillError(.invalid, "sessions, limit and stock must be on one connection to be asked in one step")
        }
        self.sessions = sessions
        self.limiter = limiter
        self.stock = stock
    }

    /// One script.
    public func purchase(_ order: OrderID, for user: UserID, in token: SessionToken) async throws -> PurchaseAnswer {
        let connected = try await stock.connect()
        var keys = stock.reserveKeys(order)
        keys.append(sessions.keys.session(token.digest))
        if let limiter { keys.append(limiter.rateKey(user.text)) }
        var command = RedisScript.purchase.call(keys)
        stock.appendReserveArguments(of: order, for: user, on: connected, to: &command)
        limiter?.appendRate(to: &command)
        let answer = try await stock.run(command, for: order.sale, epoch: order.epoch, on: connected.connection)

        guard let words = answer.words(4), words[0] != "refused", let session = Session(words[2...]) else {
            guard let words = answer.words(2) else { throw Self.malformed }
            switch words[0] {
            case "refused": throw stock.redis.failure(RedisError(words[1]), on: connected.connection)
            // A session that cannot be read is none.
            case "nobody", "other": return .noSession
            default: throw Self.malformed
            }
        }
        switch words[0] {
        case "other": return .anotherUser(session)
        case "wait":
            guard let wait = Int(words[1]) else { throw Self.malformed }
            return .rateLimited(session, retryAfter: .microseconds(wait))
        default: return .decided(session, try stock.reserveOutcome(words))
        }
    }

    private static let malformed = RedisStockStore.malformedReply(of: "purchase")
}
