import SeckillCore
import TestServers
import Testing

@testable import SeckillRedis

/// How a rebuild takes an outbox.
@Suite(.ifRedisServer) struct ClaimTests {
    /// Not in one answer, for which Redis would need seconds.
    @Test func aLargeOutboxIsDrainedInPages() async throws {
        try await RedisStockStore.withSale { redis, store in
            let signer = try LinkSigner(secrets: [Array(repeating: 7, count: 32)])
            let user = UserID("alice")!
            let orders = (0..<2500).map { _ in signer.mintOrder(sale: Shop.sale, epoch: 1, user: user) }
            let key = store.keys.outbox(Shop.sale, 1)
            for (number, order) in orders.enumerated() {
                // What is put aside meanwhile moves no page.
                if number == 0 || number == 998 || number == 2500 - 1 {
                    _ = try await redis.send(RedisCommand("XADD", key, "*", "nonsense", "1"))
                }
                _ = try await redis.send(RedisCommand("XADD", key, "*", "order", "\(order) \(number + 1) 1 alice"))
            }
            try await store.distrust(Shop.sale, epoch: 1)
            _ = try await redis.send(["CONFIG", "RESETSTAT"])
            guard case .claimed(let claim) = try await store.tryClaim(epoch: 1) else {
                throw NeverHappened(description: "not claimed")
            }
            let drained = try await store.drain(claim)
            #expect(drained.lazy.map(\.order).elementsEqual(orders))
            #expect(try await redis.send(RedisCommand("XLEN", store.dead)) == .integer(3))
            let statistics = try await redis.send(["INFO", "commandstats"]).text ?? ""
            // Three pages, and one for each entry put aside.
            #expect(statistics.contains("cmdstat_xrange:calls=6,"), "\(statistics)")
        }
    }

    /// Counts that contradict each other say nothing of the ledger: the sale is rebuilt, not left to an operator.
    @Test(arguments: [("settled", "5"), ("settled", "1"), ("orders", "x"), ("settled", "")])
    func countsThatCannotBeAreNoReasonToDistrustTheLedger(field: String, value: String) async throws {
        try await RedisStockStore.withSale { redis, store in
            let user = UserID("alice")!
            let signer = try LinkSigner(secrets: [Array(repeating: 7, count: 32)])
            _ = try await store.reserve(signer.mintOrder(sale: Shop.sale, epoch: 1, user: user), for: user)
            _ = try await redis.send(RedisCommand("HSET", store.keys.stock(Shop.sale), field, value))
            guard case .claimed = try await store.tryClaim(epoch: 1, orders: 0) else {
                throw NeverHappened(description: "not claimed")
            }
        }
    }

    /// An auditor must see what a store knows while its sale is closed, which is when it matters.
    @Test func anAuditorSeesASaleThatIsClosed() async throws {
        try await RedisStockStore.withSale { redis, store in
            let open = try await store.snapshot(of: Shop.sale)
            #expect(open != nil)
            try await store.distrust(Shop.sale, epoch: 1)
            #expect(try await store.snapshot(of: Shop.sale) == nil)
            #expect(try await store.inspect(Shop.sale) == open)
            let other = RedisStockStore(redis, ledger: LedgerID("another")!, namespace: store.namespace)
            #expect(try await other.inspect(Shop.sale) == nil)
        }
    }

    /// Whoever is cancelled is told so at once; their last word is sent all the same.
    @Test func aCancelledRebuilderGivesItsClaimUp() async throws {
        try await RedisStockStore.withSale { redis, store in
            try await store.distrust(Shop.sale, epoch: 1)
            guard case .claimed(let claim) = try await store.tryClaim(epoch: 1) else {
                throw NeverHappened(description: "not claimed")
            }
            let rebuilder = Task {
                try? await SystemClock().sleep(for: .seconds(3600))
                try await store.abandon(claim)
            }
            rebuilder.cancel()
            _ = try? await rebuilder.value
            #expect(try await redis.send(RedisCommand("EXISTS", store.keys.claim(Shop.sale))) == .integer(0))
        }
    }
}
