import SeckillCore
import TestServers
import Testing

@testable import SeckillRedis

/// What a purchase in one step makes of trouble with each of its keys, and with the server.
@Suite(.ifRedisServer) struct PurchaseTests {
    /// A sale of ten units and a buyer with a session, a limit of five and a link.
    struct Bench {
        let server: RedisServer
        let redis: RedisConnection
        let sessions: RedisSessionStore
        let limiter: RedisRateLimiter
        let stock: RedisStockStore
        let purchases: RedisPurchaseStore
        let user = UserID("alice")!
        let token: SessionToken
        private let signer = try! LinkSigner(secrets: [Array(repeating: 7, count: 32)])

        var order: OrderID { signer.mintOrder(sale: Shop.sale, epoch: 1, user: user) }
        var sessionKey: String { sessions.keys.session(token.digest).text }
        var rateKey: String { limiter.rateKey(user.text).text }
        var stockKey: String { stock.keys.stock(Shop.sale).text }
        var outboxKey: String { stock.keys.outbox(Shop.sale, 1).text }

        static func with(_ body: @Sendable (Bench) async throws -> Void) async throws {
            try await RedisServer.with { server in
                let redis = try await RedisConnection.connect(server.configuration, logger: .quiet)
                try await body(Bench(server, redis))
                await redis.close()
            }
        }

        init(_ server: RedisServer, _ redis: RedisConnection) async throws {
            self.server = server
            self.redis = redis
            sessions = RedisSessionStore(redis, namespace: "shop")
            limiter = RedisRateLimiter(redis, Rate(5, per: .seconds(3600))!, namespace: "shop")
            stock = .sample(on: redis, namespace: "shop")
            purchases = try RedisPurchaseStore(sessions: sessions, limiter: limiter, stock: stock)
            token = try await sessions.create(for: user, lifetime: .seconds(3600))
            try await stock.install(epoch: 1)
        }

        func buy() async throws -> PurchaseAnswer { try await purchases.purchase(order, for: user, in: token) }

        func send(_ words: String...) async throws -> RedisValue { try await redis.send(RedisCommand(words)) }

        var isOpen: Bool { get async throws { try await stock.snapshot(of: Shop.sale) != nil } }

        func expect(sold: Int, counted: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            let pending = try await send("XLEN", outboxKey).integer
            let remaining = try await send("HGET", stockKey, "remaining").integer
            let requests = try await send("STRLEN", rateKey).integer.map { $0 / 16 }
            #expect([pending, remaining, requests] == [sold, 10 - sold, counted], sourceLocation: sourceLocation)
        }
    }

    static func expectUnavailable(_ bench: Bench, sourceLocation: SourceLocation = #_sourceLocation) async {
        let error = await #expect(throws: SeckillError.self, sourceLocation: sourceLocation) { try await bench.buy() }
        #expect(error?.code == .unavailable, sourceLocation: sourceLocation)
    }

    @Test func aSessionOfAnotherTypeIsNoneAndGoes() async throws {
        try await Bench.with { bench in
            for command: RedisCommand in [["DEL", bench.sessionKey], ["LPUSH", bench.sessionKey, "x"]] {
                _ = try await bench.redis.send(command)
            }
            #expect(try await bench.buy() == .noSession)
            #expect(try await bench.send("EXISTS", bench.sessionKey).integer == 0)
            for text in [
                "", "x", "alice", "12", "12 ", "12  alice", "12 alice", "x alice", "9999999999999999 alice", "new ",
                "new x", "new 12 alice", "new 9999999999999999 alice",
            ] {
                _ = try await bench.send("SET", bench.sessionKey, text)
                #expect(try await bench.buy() == .noSession, "\(text)")
                #expect(try await bench.sessions.look(up: bench.token) == nil, "\(text)")
                #expect(try await bench.sessions.refresh(bench.token, lifetime: .seconds(9)) == nil, "\(text)")
            }
            #expect(try await bench.isOpen)
            try await bench.expect(sold: 0, counted: 0)
        }
    }

    /// A key that cannot be read would otherwise refuse its user for as long as it is there: for ever.
    @Test(arguments: [
        "x", "000000000000000x", "1", "-1", "nan", String(repeating: "9", count: 17),
        "0000000000000001" + String(repeating: "9", count: 64),
    ])
    func aLimitThatCannotBeReadCountsAsFullForAPeriod(_ text: String) async throws {
        try await Bench.with { bench in
            for isList in [false, true] {
                _ = try await bench.send("DEL", bench.rateKey)
                _ = try await isList ? bench.send("LPUSH", bench.rateKey, text) : bench.send("SET", bench.rateKey, text)
                guard case .rateLimited(_, let wait) = try await bench.buy() else {
                    Issue.record("never more than five in an hour")
                    return
                }
                #expect(wait > .seconds(3590) && wait <= .seconds(3600))
                let left = try await bench.send("PTTL", bench.rateKey).integer ?? 0
                #expect(left > 3_590_000 && left <= 3_600_000)
            }
            #expect(try await bench.isOpen)
            try await bench.expect(sold: 0, counted: 5)
            _ = try await bench.send("DEL", bench.rateKey)
            guard case .decided(_, .reserved) = try await bench.buy() else {
                Issue.record("the limit is whole again")
                return
            }
        }
    }

    /// Or who has spent their requests would wait until the clock is there again, a day perhaps.
    @Test func whatIsCountedBeforeTheClockGoesBackWaitsAPeriodAtMost() async throws {
        try await Bench.with { bench in
            let ahead = "9000000000000000"
            _ = try await bench.send("SET", bench.rateKey, String(repeating: ahead, count: 5))
            guard case .refused(let wait) = try await bench.limiter.admit(bench.user.text) else {
                Issue.record("five have been counted")
                return
            }
            #expect(wait > .zero && wait <= .seconds(3600))
            #expect(try await bench.send("GET", bench.rateKey).text?.contains(ahead) == false)
        }
    }

    @Test func aLogHoldsNoMoreThanTheRate() async throws {
        try await Bench.with { bench in
            // Long past; a log that is pushed again and again never runs out by itself.
            _ = try await bench.send("SET", bench.rateKey, String(repeating: "0000000000000001", count: 20))
            #expect(try await bench.limiter.admit(bench.user.text) == .admitted)
            #expect(try await bench.send("STRLEN", bench.rateKey).integer == 5 * 16)
        }
    }

    @Test(arguments: ["stock", "outbox"])
    func stockOrOutboxOfAnotherTypeClosesTheSale(_ which: String) async throws {
        try await Bench.with { bench in
            _ = try await bench.buy()
            let key = which == "stock" ? bench.stockKey : bench.outboxKey
            _ = try await bench.send("DEL", key)
            _ = try await bench.send("SET", key, "x")
            await Self.expectUnavailable(bench)
            #expect(try await !bench.isOpen)
            if which == "outbox" {
                #expect(try await bench.send("HGET", bench.stockKey, "remaining").integer == 9)
                #expect(try await bench.send("HGET", bench.stockKey, "identity") == .null)
            }
        }
    }

    /// tonumber() of Lua reads most of these.
    @Test(
        arguments: [
            "epoch", "remaining", "sequence", "settled", "returned", "orders", "limit", "opens", "closes", "version",
            "revision",
            "admission",
        ],
        ["x", "-1.5", "nan", "inf", "1e999", "0x10", " 5", "5 ", "1e3", "99999999999999999999999"]
    )
    func nonsenseInTheStockClosesTheSale(_ field: String, _ value: String) async throws {
        try await Bench.with { bench in
            _ = try await bench.send("HSET", bench.stockKey, field, value)
            #expect(try await !bench.isOpen)
            let isNeededToSell = !["returned", "orders", "version", "revision"].contains(field)
            if isNeededToSell {
                await Self.expectUnavailable(bench)
                #expect(try await bench.send("XLEN", bench.outboxKey).integer == 0)
            }
        }
    }

    @Test func anotherIdentitySellsNothing() async throws {
        try await Bench.with { bench in
            _ = try await bench.send("HSET", bench.stockKey, "identity", "another:server")
            await Self.expectUnavailable(bench)
            // As step by step: the request was let through, and came to nothing.
            try await bench.expect(sold: 0, counted: 1)
        }
    }

    @Test func aRestartSellsNothingBeforeItIsRebuilt() async throws {
        try await RedisServer.with(options: ["--appendfsync", "always"]) { server in
            let redis = try await RedisConnection.connect(server.configuration, logger: .quiet)
            let bench = try await Bench(server, redis)
            let order = bench.order
            _ = try await bench.purchases.purchase(order, for: bench.user, in: bench.token)
            await server.kill()
            try await eventually("the break is noticed") { !redis.isReady }
            try await server.start()
            try await eventually("it is connected again") { redis.isReady }
            await Self.expectUnavailable(bench)
            let again = await #expect(throws: SeckillError.self) {
                try await bench.purchases.purchase(order, for: bench.user, in: bench.token)
            }
            #expect(again?.code == .unavailable)
            #expect(try await bench.send("HGET", bench.stockKey, "remaining").integer == 9)
            await redis.close()
        }
    }

    @Test func scriptsThatAreGoneCloseTheSaleAndTheConnection() async throws {
        try await Bench.with { bench in
            _ = try await bench.send("SCRIPT", "FLUSH")
            await Self.expectUnavailable(bench)
            try await eventually("the connection is made anew") { bench.redis.isReady }
            try await eventually("the scripts are back") { (try? await bench.isOpen) == false }
            await Self.expectUnavailable(bench)
            #expect(try await bench.send("HGET", bench.stockKey, "identity") == .null)
            #expect(try await bench.send("XLEN", bench.outboxKey).integer == 0)
        }
    }

    @Test func anEmptiedServerKnowsNobody() async throws {
        try await Bench.with { bench in
            _ = try await bench.buy()
            _ = try await bench.send("FLUSHALL")
            #expect(try await bench.buy() == .noSession)
            let token = try await bench.sessions.create(for: bench.user, lifetime: .seconds(60))
            let error = await #expect(throws: SeckillError.self) {
                try await bench.purchases.purchase(bench.order, for: bench.user, in: token)
            }
            #expect(error?.code == .unavailable)
        }
    }

    @Test func aMasterThatBecameAReplicaIsLeft() async throws {
        try await Bench.with { bench in
            _ = try await bench.send("REPLICAOF", "127.0.0.1", "1")
            await Self.expectUnavailable(bench)
            // At once, not at the next look at what the server is.
            #expect(!bench.redis.isReady)
        }
    }

    @Test func whatIsNotOnOneConnectionIsNotOneStep() async throws {
        try await Bench.with { bench in
            let other = try await RedisConnection.connect(bench.server.configuration, logger: .quiet)
            let sessions = RedisSessionStore(other, namespace: "shop")
            let limiter = RedisRateLimiter(other, Rate(1, per: .seconds(1))!, namespace: "shop")
            #expect(throws: SeckillError.self) {
                try RedisPurchaseStore(sessions: sessions, limiter: nil, stock: bench.stock)
            }
            #expect(throws: SeckillError.self) {
                try RedisPurchaseStore(sessions: bench.sessions, limiter: limiter, stock: bench.stock)
            }
            await other.close()
        }
    }

    /// The purchase itself marks the session, once.
    @Test func aPurchaseIsAUseOfItsSession() async throws {
        try await Bench.with { bench in
            let sessions = RedisSessionStore(bench.redis, namespace: "shop", limit: 3)
            #expect(try await bench.send("GET", bench.sessionKey).text?.hasPrefix("new ") == true)
            _ = try await bench.buy()
            let held = try await bench.send("GET", bench.sessionKey).text
            #expect(held?.hasPrefix("new ") == false)
            #expect(try await bench.send("PTTL", bench.sessionKey).integer ?? 0 > 3_500_000)
            let score = try await bench.send("ZSCORE", "seckill:shop:sessions", bench.token.digest).text
            _ = try await bench.buy()
            #expect(try await bench.send("ZSCORE", "seckill:shop:sessions", bench.token.digest).text == score)
            for number in 0..<9 { _ = try await sessions.create(for: UserID("u\(number)")!, lifetime: .seconds(60)) }
            #expect(try await sessions.occupancy().count == 3)
            #expect(try await sessions.look(up: bench.token)?.user == bench.user)
        }
    }

    /// What stays of sessions that nobody needs any more: nothing.
    @Test func allKeysOfSessionsEndWithThem() async throws {
        try await Bench.with { bench in
            let sessions = RedisSessionStore(bench.redis, namespace: "brief")
            for number in 0..<5 {
                let token = try await sessions.create(for: UserID("u\(number)")!, lifetime: .milliseconds(200))
                _ = try await sessions.look(up: token)
                _ = try await sessions.refresh(token, lifetime: .milliseconds(400))
            }
            try await eventually("everything is gone") {
                try await bench.send("KEYS", "seckill:brief:*").array?.isEmpty == true
            }
        }
    }
}
