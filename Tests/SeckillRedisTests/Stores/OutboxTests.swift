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
            _ = try await redis.send([
                "ACL", "SETUSER", "default", "resetkeys", "~*:sales", "~*}:stock", "~*{sale}:*",
            ])
            // In whichever order they are looked at.
            var held: [Delivery] = []
            for _ in 1...5 where held.count < 5 {
                held += try await store.outbox.receive(2, as: Self.worker, wait: .zero)
            }
            #expect(held.count == 5)
            await #expect(throws: SeckillError.self) {
                try await store.outbox.receive(2, as: Self.worker, wait: .zero)
            }
            let taken = try await store.outbox.takeOver(20, idle: .zero, as: ConsumerID("rescuer"))
            #expect(taken.map(\.receipt) == held.map(\.receipt))
            try await store.outbox.acknowledge(taken)
            await #expect(throws: SeckillError.self) {
                try await store.outbox.takeOver(20, idle: .zero, as: ConsumerID("rescuer"))
            }
        }
    }

    @Test func idleWorkersLeaveRedisAlone() async throws {
        try await Self.with { redis, store in
            _ = try await redis.send(["CONFIG", "RESETSTAT"])
            let found = try await store.outbox.receive(9, as: Self.worker, wait: .seconds(2))
            #expect(found.isEmpty)
            let statistics = try await redis.send(["INFO", "commandstats"]).text ?? ""
            func calls(_ name: String) -> Int {
                let lines = statistics.split(whereSeparator: \.isNewline)
                let line = lines.first { $0.hasPrefix("cmdstat_\(name):calls=") }
                return line.flatMap { Int($0.drop { $0 != "=" }.dropFirst().prefix { $0 != "," }) } ?? 0
            }
            #expect((1...9).contains(calls("smembers")), "\(statistics)")
            #expect((1...100).contains(calls("xreadgroup")), "\(statistics)")
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
