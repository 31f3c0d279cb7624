import SeckillCore
import TestServers
import Testing

@testable import SeckillRedis

/// Rules of the fence that no crowd would ever be seen to break.
@Suite(.ifRedisServer) struct FenceTests {
    /// By the clock of the server two entries get one name only if it is set back; so it is given by hand.
    @Test func aLateAcknowledgementHitsNothingOfALaterEpoch() async throws {
        try await RedisStockStore.withSale { redis, store in
            let signer = try LinkSigner(secrets: [Array(repeating: 7, count: 32)])
            let user = UserID("alice")!
            _ = try await store.reserve(signer.mintOrder(sale: Shop.sale, epoch: 1, user: user), for: user)
            let late = try await store.outbox.receive(10, as: ConsumerID("slow"), wait: .zero)
            let id = try #require(late.first?.receipt.split(separator: ".").last)

            _ = try await redis.send(["HDEL", store.keys.stock(Shop.sale).text, "identity"])
            try await store.install(epoch: 2)
            let order = signer.mintOrder(sale: Shop.sale, epoch: 2, user: user)
            _ = try await redis.send([
                "XADD", store.keys.outbox(Shop.sale, 2).text, String(id), "order", "\(order) 1 1 alice",
            ])
            _ = try await store.snapshot(of: Shop.sale)
            try await store.outbox.acknowledge(late)
            #expect(try await store.outbox.depth().count == 1)
        }
    }

    /// Nothing more is sold from an outbox that lacks what was sold before, whoever is late to notice.
    @Test func nothingIsReservedBehindATrimmedOutbox() async throws {
        try await RedisStockStore.withSale { redis, store in
            let signer = try LinkSigner(secrets: [Array(repeating: 7, count: 32)])
            let user = UserID("alice")!
            func reserve() async throws {
                _ = try await store.reserve(signer.mintOrder(sale: Shop.sale, epoch: 1, user: user), for: user)
            }
            try await reserve()
            try await reserve()
            _ = try await redis.send(["XTRIM", store.keys.outbox(Shop.sale, 1).text, "MAXLEN", "=", "1"])
            await #expect(throws: SeckillError.self) { try await reserve() }
        }
    }
}

extension RedisStockStore {
    /// A store on a server of its own, with ``Shop/sale`` in its first epoch.
    static func withSale(_ body: @Sendable (RedisConnection, RedisStockStore) async throws -> Void) async throws {
        try await RedisServer.with { server in
            let redis = try await RedisConnection.connect(server.configuration, logger: .quiet)
            let store = RedisStockStore.sample(on: redis, namespace: "shop")
            try await store.install(epoch: 1)
            try await body(redis, store)
            await redis.close()
        }
    }

    /// Claims as a ledger does that has all of `epoch` recorded.
    func tryClaim(
        _ sale: SaleID = Shop.sale,
        epoch: Int,
        orders: Int = 1_000_000,
        installed: Int = 10
    ) async throws -> ClaimOutcome {
        let declared = try Sale(id: sale, title: "Sale", price: 1, stock: 10, opensAt: Timestamp(milliseconds: 0))
        let record = SaleRecord(
            declared,
            epoch: epoch,
            recorded: orders,
            orders: orders,
            installed: installed,
            holder: name
        )
        return try await claim(record, identity: identity(), lifetime: .seconds(30))
    }

    /// The whole outbox under a claim.
    func drain(_ claim: StockClaim, limit: Int = 1000) async throws -> [Reservation] {
        var drained: [Reservation] = []
        var cursor: String?
        repeat {
            let page = try await drain(claim, after: cursor, limit: limit)
            drained += page.reservations
            cursor = page.next
        } while cursor != nil
        return drained
    }

    /// Ten units, five for each.
    func install(epoch: Int, _ terms: SaleTerms? = nil) async throws {
        let usual = SaleTerms(
            sale: Shop.sale,
            limitPerUser: 5,
            opensAt: Timestamp(milliseconds: 0),
            closesAt: nil,
            admission: .open,
            revision: 1
        )
        let terms = terms ?? usual
        let outcome = try await tryClaim(terms.sale, epoch: epoch - 1)
        guard case .claimed(let claim) = outcome else { throw NeverHappened(description: "\(outcome)") }
        let stock = InstalledStock(terms: terms, epoch: epoch, remaining: 10, held: [:])
        #expect(try await install(stock, under: claim))
    }
}
