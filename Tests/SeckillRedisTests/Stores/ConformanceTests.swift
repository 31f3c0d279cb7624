import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillRedis

@Suite("RedisStockStore", .ifRedis, .redis) struct RedisStockStoreConformance {
    let suite = StockStoreConformance(clock: .system, outboxLimit: 1000) {
        RedisStockStore.sample(on: try .shared, outboxLimit: 1000)
    }

    @Test(arguments: StockStoreConformance.checks)
    func conforms(_ check: StockStoreConformance.Check) async throws { try await suite.run(check) }
}

@Suite("RedisStockStore's outbox", .ifRedis, .redis) struct RedisOutboxConformance {
    let suite = OutboxConformance(clock: .system) { RedisStockStore.sample(on: try .shared) }

    @Test(arguments: OutboxConformance.checks)
    func conforms(_ check: OutboxConformance.Check) async throws { try await suite.run(check) }
}

@Suite("RedisOrderQueue", .ifRedis, .redis) struct RedisOrderQueueConformance {
    let suite = OrderQueueConformance(clock: .system) { RedisOrderQueue(try .shared, namespace: uniqueNamespace()) }

    @Test(arguments: OrderQueueConformance.checks)
    func conforms(_ check: OrderQueueConformance.Check) async throws { try await suite.run(check) }
}

@Suite("RedisSessionStore", .ifRedis, .redis) struct RedisSessionStoreConformance {
    let suite = SessionStoreConformance(clock: .system, limit: 200) {
        RedisSessionStore(try .shared, namespace: uniqueNamespace(), limit: 200)
    }

    @Test(arguments: SessionStoreConformance.checks)
    func conforms(_ check: SessionStoreConformance.Check) async throws { try await suite.run(check) }
}

@Suite("RedisRateLimiter", .ifRedis, .redis) struct RedisRateLimiterConformance {
    let suite = RateLimiterConformance(clock: .system) {
        RedisRateLimiter(try .shared, $0, namespace: uniqueNamespace())
    }

    @Test(arguments: RateLimiterConformance.checks)
    func conforms(_ check: RateLimiterConformance.Check) async throws { try await suite.run(check) }
}

@Suite("RedisPurchaseStore", .ifRedis, .redis) struct RedisPurchaseStoreConformance {
    let suite = PurchaseStoreConformance(clock: .system) { rate in
        let redis = try RedisConnection.shared
        let namespace = uniqueNamespace()
        let sessions = RedisSessionStore(redis, namespace: namespace)
        let limiter = rate.map { RedisRateLimiter(redis, $0, namespace: namespace) }
        let stock = RedisStockStore.sample(on: redis, namespace: namespace)
        let purchases = try RedisPurchaseStore(sessions: sessions, limiter: limiter, stock: stock)
        return .init(purchases, sessions: sessions, limiter: limiter, stock: stock)
    }

    @Test(arguments: PurchaseStoreConformance.checks)
    func conforms(_ check: PurchaseStoreConformance.Check) async throws { try await suite.run(check) }
}

@Suite("RedisPageCache", .ifRedis, .redis) struct RedisPageCacheConformance {
    let suite = PageCacheConformance(clock: .system) { RedisPageCache(try .shared, namespace: uniqueNamespace()) }

    @Test(arguments: PageCacheConformance.checks)
    func conforms(_ check: PageCacheConformance.Check) async throws { try await suite.run(check) }
}

@Suite("RedisChallenge", .ifRedis, .redis) struct RedisChallengeConformance {
    let suite: ChallengeConformance

    init() {
        let book = AnswerBook()
        // So long that fifty are asked and answered on a busy machine.
        let lifetime = Duration.seconds(4)
        suite = ChallengeConformance(clock: .system, lifetime: lifetime, solve: book.solve) {
            RedisChallenge(try .shared, book, lifetime: lifetime, namespace: uniqueNamespace())
        }
    }

    @Test(arguments: ChallengeConformance.checks)
    func conforms(_ check: ChallengeConformance.Check) async throws { try await suite.run(check) }
}
