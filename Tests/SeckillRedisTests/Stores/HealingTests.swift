import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillRedis

/// What is found under a key and was never written there fails no user for good, and ends no process.
@Suite(.ifRedis, .redis) struct HealingTests {
    private let redis: RedisConnection
    private let namespace = uniqueNamespace()
    private let alice = UserID("alice")!

    init() throws { redis = try .shared }

    /// One value of every type.
    static let kinds: [RedisCommand] = [
        ["SET", "KEY", "nonsense"], ["SET", "KEY", ""], ["LPUSH", "KEY", "x"], ["SADD", "KEY", "x"],
        ["ZADD", "KEY", "1", "x"], ["HSET", "KEY", "x", "y"], ["XADD", "KEY", "*", "x", "y"],
    ]

    private func put(_ kind: RedisCommand, at key: RedisKey) async throws {
        let words = kind.words.map { String(decoding: $0, as: UTF8.self) }
        _ = try await redis.send(RedisCommand("DEL", key))
        _ = try await redis.send(RedisCommand([words[0], key.text] + words.dropFirst(2)))
    }

    @Test(arguments: kinds.indices) func aSession(_ kind: Int) async throws {
        let sessions = RedisSessionStore(redis, namespace: namespace)
        let token = try await sessions.create(for: alice, lifetime: .seconds(60))
        try await put(Self.kinds[kind], at: sessions.keys.session(token.digest))
        #expect(try await sessions.look(up: token) == nil)
        #expect(try await sessions.refresh(token, lifetime: .seconds(60)) == nil)
        let another = try await sessions.create(for: alice, lifetime: .seconds(60))
        #expect(try await sessions.look(up: another)?.user == alice)
    }

    /// Whatever its key lives for.
    @Test func aSessionIsOverWhenItSaysSo() async throws {
        let sessions = RedisSessionStore(redis, namespace: namespace)
        let token = try await sessions.create(for: alice, lifetime: .seconds(60))
        let key = sessions.keys.session(token.digest)
        for end in ["1", "999999999999999999", "9223372036854775807", "-1", "0x10"] {
            _ = try await redis.send(RedisCommand("SET", key, "\(end) alice"))
            #expect(try await sessions.look(up: token) == nil, "\(end)")
            #expect(try await sessions.refresh(token, lifetime: .seconds(60)) == nil, "\(end)")
        }
    }

    @Test(arguments: kinds.indices) func aLimit(_ kind: Int) async throws {
        let limiter = RedisRateLimiter(redis, Rate(2, per: .milliseconds(200))!, namespace: namespace)
        try await put(Self.kinds[kind], at: limiter.rateKey("alice"))
        let first = try await limiter.admit("alice")
        // An empty log is one that nobody is in.
        if kind == 1 { return #expect(first == .admitted) }
        guard case .refused = first else {
            Issue.record("admitted: never more than two in 200 ms")
            return
        }
        try await eventually("the period is over") { try await limiter.admit("alice") == .admitted }
    }

    @Test func aLimitWhoseTimesAreInNoOrderHeals() async throws {
        let limiter = RedisRateLimiter(redis, Rate(2, per: .milliseconds(200))!, namespace: namespace)
        let times = "0000000000000001" + "9999999999999999"
        _ = try await redis.send(RedisCommand("SET", limiter.rateKey("alice"), times))
        try await eventually("the period is over") { try await limiter.admit("alice") == .admitted }
    }

    @Test(arguments: kinds.indices) func aPage(_ kind: Int) async throws {
        let cache = RedisPageCache(redis, namespace: namespace)
        let key = redis.keys(of: namespace).page("p")
        let page = Page(body: [1], contentType: "text/plain", etag: "e")
        try await put(Self.kinds[kind], at: key)
        #expect(try await cache.get("p") == nil)
        try await cache.put(page, for: "p", freshFor: .seconds(60), staleFor: .seconds(60))
        #expect(try await cache.get("p") == CachedPage(page: page, isStale: false))
        for stale in ["x", "-1", "9999999999999999", "99999999999999999999999999", "1e9", "nan", ""] {
            _ = try await redis.send(RedisCommand("HSET", key, "stale", stale))
            #expect(try await cache.get("p") == nil, "\(stale)")
        }
        try await cache.put(page, for: "p", freshFor: .seconds(60), staleFor: .seconds(60))
        _ = try await redis.send(RedisCommand("PERSIST", key))
        #expect(try await cache.get("p") == nil, "it would be there for ever")
    }

    @Test(arguments: kinds.indices) func aChallenge(_ kind: Int) async throws {
        let book = AnswerBook()
        let challenge = RedisChallenge(redis, book, namespace: namespace)
        let token = SessionToken.mint(from: SeededRandom(7))
        let key = redis.keys(of: namespace).challenges(challenge.kind, of: token.digest)
        let lost = try await challenge.issue(to: token)
        try await put(Self.kinds[kind], at: key)
        #expect(try await !challenge.verify(book.solve(lost), to: lost.id, from: token))
        let prompt = try await challenge.issue(to: token)
        #expect(try await challenge.verify(book.solve(prompt), to: prompt.id, from: token))
    }

    @Test(arguments: ["", "x", "1", "9999999999999 -9223372036854775808 s", "9999999999999 0 s", "9999999999999 4 s"])
    func aQuestionOfNonsense(_ text: String) async throws {
        let challenge = RedisChallenge(redis, AnswerBook(), namespace: namespace)
        let token = SessionToken.mint(from: SeededRandom(7))
        let key = redis.keys(of: namespace).challenges(challenge.kind, of: token.digest)
        let prompt = try await challenge.issue(to: token)
        _ = try await redis.send(RedisCommand("HSET", key, prompt.id, text))
        #expect(try await !challenge.verify("s", to: prompt.id, from: token))
    }

    /// As many as may be open, all of them open; one more takes the place of the oldest.
    @Test func openQuestionsDoNotDestroyEachOther() async throws {
        let book = AnswerBook()
        let challenge = RedisChallenge(redis, book, namespace: namespace)
        for round in 0..<20 {
            let token = SessionToken.mint(from: SeededRandom(UInt64(round)))
            var prompts: [ChallengePrompt] = []
            for _ in 0..<RedisChallenge.openAtOnce { prompts.append(try await challenge.issue(to: token)) }
            for prompt in prompts {
                #expect(try await challenge.verify(book.solve(prompt), to: prompt.id, from: token))
            }
        }
    }

    /// No user, no key and no order in what is logged and thrown.
    @Test func errorsNameNobody() async throws {
        let limiter = RedisRateLimiter(redis, Rate(2, per: .seconds(60))!, namespace: namespace)
        let sessions = RedisSessionStore(redis, namespace: namespace)
        let stock = RedisStockStore.sample(on: redis, namespace: namespace)
        let purchases = try RedisPurchaseStore(sessions: sessions, limiter: limiter, stock: stock)
        let token = try await sessions.create(for: UserID("mallory")!, lifetime: .seconds(60))
        let order = OrderID("sale.1.AAAAAAAA.BBBBBBBB")!
        for kind in Self.kinds {
            for key in [stock.keys.stock(Shop.sale), stock.keys.outbox(Shop.sale, 1), limiter.rateKey("mallory")] {
                try await stock.install(epoch: 1)
                try await put(kind, at: key)
                do {
                    _ = try await purchases.purchase(order, for: UserID("mallory")!, in: token)
                } catch {
                    #expect(!"\(error)".contains("mallory") && !"\(error)".contains("AAAA"), "\(error)")
                }
                for key in [stock.keys.stock(Shop.sale), stock.keys.outbox(Shop.sale, 1), limiter.rateKey("mallory")] {
                    _ = try await redis.send(RedisCommand("DEL", key))
                }
            }
        }
    }
}
