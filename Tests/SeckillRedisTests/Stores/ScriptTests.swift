import SeckillCore
import Testing

@testable import SeckillRedis

/// What scripts leave of a sale whose numbers are none: all or nothing.
@Suite(.ifRedis, .redis) struct ScriptTests {
    private let redis: RedisConnection
    private let store: RedisStockStore
    private let signer = try! LinkSigner(secrets: [Array(repeating: 7, count: 32)])
    private let user = UserID("alice")!

    init() throws {
        redis = try .shared
        store = .sample(on: redis)
    }

    private var stockKey: RedisKey { store.keys.stock(Shop.sale) }
    private var outboxKey: RedisKey { store.keys.outbox(Shop.sale, 1) }

    private func reserve() async throws -> OrderID {
        let order = signer.mintOrder(sale: Shop.sale, epoch: 1, user: user)
        _ = try await store.reserve(order, for: user)
        return order
    }

    @Test func aReturnThatCannotFreeTheLimitAddsNoUnit() async throws {
        try await store.install(epoch: 1)
        let order = try await reserve()
        _ = try await redis.send(RedisCommand("HSET", stockKey, "u:alice", "nonsense"))
        let unit = StockReturn(id: order.text, sale: Shop.sale, epoch: 1, units: 1, user: user)
        #expect(try await store.giveBack([unit]) == [.refused])
        let held = try await redis.send(RedisCommand("HMGET", stockKey, "remaining", "r:" + order.text, "identity"))
        #expect(held == .array([.bytes(Array("9".utf8)), .null, .null]))
    }

    @Test func whatCannotBeCountedAsSettledStaysInTheOutbox() async throws {
        try await store.install(epoch: 1)
        _ = try await reserve()
        let deliveries = try await store.outbox.receive(1, as: ConsumerID("worker"), wait: .seconds(5))
        _ = try await redis.send(RedisCommand("HSET", stockKey, "settled", "nonsense"))
        await #expect(throws: SeckillError.self) { try await store.outbox.acknowledge(deliveries) }
        await #expect(throws: SeckillError.self) { try await store.outbox.deadLetter(deliveries[0], because: "a test") }
        #expect(try await redis.send(RedisCommand("XLEN", outboxKey)) == .integer(1))
        #expect(try await redis.send(RedisCommand("XLEN", store.dead)) == .integer(0))
        #expect(try await store.snapshot(of: Shop.sale) == nil)
    }
}
