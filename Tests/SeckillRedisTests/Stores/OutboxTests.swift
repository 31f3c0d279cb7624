import SeckillCore
import TestServers
import Testing

@testable import SeckillRedis

/// The outboxes of several sales, looked at together.
@Suite(.ifRedisServer) struct OutboxTests {
    private static let other = SaleID("other")!
    private static let user = UserID("alice")!
    private static let worker = ConsumerID("worker")

    private static func with(
        _ body: @Sendable (RedisConnection, RedisStockStore) async throws -> Void
    ) async throws {
        try await RedisStockStore.withSale { redis, store in
            try await install(store, epoch: 1)
            try await body(redis, store)
        }
    }

    private static func install(_ store: RedisStockStore, epoch: Int) async throws {
        let terms = SaleTerms(
            sale: other,
            limitPerUser: 5,
            opensAt: Timestamp(milliseconds: 0),
            closesAt: nil,
            admission: .open,
            revision: 1
        )
        try await store.install(epoch: epoch, terms)
    }

    private static func reserve(_ sale: SaleID, epoch: Int = 1, in store: RedisStockStore) async throws -> OrderID {
        let signer = try LinkSigner(secrets: [Array(repeating: 7, count: 32)])
        let order = signer.mintOrder(sale: sale, epoch: epoch, user: user)
        _ = try await store.reserve(order, for: user)
        return order
    }

    @Test func whatIsWrongWithOneOutboxDropsNothingOfAnother() async throws {
        try await Self.with { redis, store in
            for _ in 1...5 { _ = try await Self.reserve(Shop.sale, in: store) }
            _ = try await Self.reserve(Self.other, in: store)
            _ = try await redis.send([
                "ACL", "SETUSER", "default", "resetkeys", "~*:waiting:*", "~*}:stock", "~*{sale}:*",
            ])
            // In whichever order they are looked at.
            var held: [Delivery] = []
            for _ in 1...5 where held.count < 5 {
                held += (try? await store.outbox.receive(2, as: Self.worker, wait: .zero)) ?? []
            }
            #expect(held.count == 5)
            await #expect(throws: SeckillError.self) {
                try await store.outbox.receive(2, as: Self.worker, wait: .zero)
            }
            let taken = try await store.outbox.takeOver(20, idle: .zero, as: ConsumerID("rescuer"))
            #expect(taken.map(\.receipt) == held.map(\.receipt))
            // Named in the middle of them.
            let denied = Delivery(receipt: "other.1.1-1", content: .unreadable(""), count: 1)
            await #expect(throws: SeckillError.self) {
                try await store.outbox.acknowledge(taken.prefix(2) + [denied] + taken.suffix(3))
            }
            #expect(try await store.snapshot(of: Shop.sale)?.pending == 0)
            await #expect(throws: SeckillError.self) {
                try await store.outbox.takeOver(20, idle: .zero, as: ConsumerID("rescuer"))
            }
        }
    }

    /// A worker asks a few dozen times a second, whatever sales there are.
    @Test func idleWorkersLeaveRedisAlone() async throws {
        try await Self.with { redis, store in
            let count = try await CommandCount(on: redis) {
                let found = try await store.outbox.receive(9, as: Self.worker, wait: .seconds(2))
                #expect(found.isEmpty)
            }
            #expect((1...50).contains(count["srandmember"]))
            #expect(count["xreadgroup"] == 0)
            // The connection looks at its server twice a second beside it.
            #expect(count.total < 70)
        }
    }

    @Test func whatAnotherNodeHasRebuiltIsFoundSoon() async throws {
        try await Self.with { redis, store in
            _ = try await store.outbox.receive(9, as: Self.worker, wait: .zero)
            let elsewhere = RedisStockStore.sample(on: redis, namespace: store.namespace)
            try await elsewhere.distrust(Self.other, epoch: 1)
            try await Self.install(elsewhere, epoch: 2)
            let order = try await Self.reserve(Self.other, epoch: 2, in: elsewhere)
            let found = try await store.outbox.receive(9, as: Self.worker, wait: .seconds(10))
            #expect(found.compactMap(\.reservation?.order) == [order])
            #expect(try await store.snapshot(of: Self.other)?.epoch == 2, "looking at its old outbox distrusted it")
        }
    }
}
