import SeckillCore
import TestServers
import Testing

@testable import SeckillRedis

/// What must not grow with the number of users, orders or sales.
@Suite(.ifRedisServer, .serialized) struct SizeTests {
    private static let signer = try! LinkSigner(secrets: [Array(repeating: 7, count: 32)])

    /// Half a million holders of live orders: the sale before, with as many, is freed as well.
    @Test func anInstallWithManyHoldersKeepsRedisFromNobody() async throws {
        try await RedisServer.with { server in
            var configuration = server.configuration
            configuration.timeout = .seconds(1)
            let redis = try await RedisConnection.connect(configuration, logger: .quiet)
            let store = RedisStockStore.sample(on: redis)
            let held = Dictionary(uniqueKeysWithValues: (0..<500_000).map { (UserID("user-\($0)")!, 1) })
            _ = try await redis.send(["CONFIG", "RESETSTAT"])
            for epoch in 1...2 {
                if epoch > 1 { try await store.distrust(Shop.sale, epoch: epoch - 1) }
                guard case .claimed(let claim) = try await store.tryClaim(epoch: epoch - 1) else {
                    throw NeverHappened(description: "not claimed")
                }
                let terms = SaleTerms(
                    sale: Shop.sale,
                    limitPerUser: 1,
                    opensAt: Timestamp(milliseconds: 0),
                    closesAt: nil,
                    admission: .open,
                    revision: 1
                )
                let stock = InstalledStock(terms: terms, epoch: epoch, remaining: 5, held: held)
                #expect(try await store.install(stock, under: claim))
                let fields = try await redis.send(RedisCommand("HLEN", store.keys.stock(Shop.sale))).integer ?? 0
                #expect(fields == held.count + 14)
                #expect(try await redis.send(RedisCommand("TTL", store.keys.stock(Shop.sale))) == .integer(-1))
            }
            let user = UserID("user-7")!
            let order = Self.signer.mintOrder(sale: Shop.sale, epoch: 2, user: user)
            #expect(try await store.reserve(order, for: user) == .limitReached)
            // The machine may stand still in any one of them; half of them show what they cost.
            let latencies = try await redis.send(["INFO", "latencystats"]).text ?? ""
            let line = try #require(
                latencies.split(whereSeparator: \.isNewline).first { $0.contains("_usec_evalsha:") }
            )
            let median = try #require(line.firstMatch(of: /p50=(\d+)/).flatMap { Int($0.1) })
            #expect(median < 20_000, "\(line)")
            let calls = try await redis.send(["INFO", "commandstats"]).text ?? ""
            let count = calls.firstMatch(of: /cmdstat_evalsha:calls=(\d+)/).flatMap { Int($0.1) } ?? 0
            #expect((1000...1020).contains(count), "\(count) scripts for two installs of 500,000 users")
            await redis.close()
        }
    }

    /// What is prepared by a rebuild that dies is no part of a later one, and runs out.
    @Test func whatADeadRebuildPreparedIsNotInstalled() async throws {
        try await RedisServer.with { server in
            let redis = try await RedisConnection.connect(server.configuration, logger: .quiet)
            let store = RedisStockStore.sample(on: redis)
            guard case .claimed(let dead) = try await store.tryClaim(epoch: 0) else {
                throw NeverHappened(description: "not claimed")
            }
            let staged = store.keys.staged(Shop.sale, dead.token)
            var command = RedisScript.stage.call([store.keys.claim(Shop.sale), staged])
            for word in [dead.token, "60000", "u:alice", "5"] { command.append(word) }
            #expect(try await redis.perform(command) == .integer(1))
            #expect(try await redis.send(RedisCommand("TTL", staged)).integer ?? -1 > 50)
            try await store.abandon(dead)
            #expect(try await redis.perform(command) == .integer(0), "prepared under a claim that is over")
            try await store.install(epoch: 1)
            let alice = try await redis.send(RedisCommand("HGET", store.keys.stock(Shop.sale), "u:alice"))
            #expect(alice == .null)
            await redis.close()
        }
    }

    /// What has no orders is not asked for them.
    @Test func idleSalesCostNothing() async throws {
        try await Self.with { redis, store in
            try await Self.install(1000, of: "idle", in: store, on: redis, orders: 0)
            try await Self.install(1, of: "busy", in: store, on: redis, orders: 2000)
            var received = 0
            let count = try await CommandCount(on: redis) {
                for _ in 1...20 {
                    let found = try await store.outbox.receive(100, as: worker, wait: .zero)
                    #expect(found.count == 100)
                    try await store.outbox.acknowledge(found)
                    received += found.count
                }
                _ = try await store.outbox.depth()
                _ = try await store.outbox.takeOver(100, idle: .seconds(60), as: worker)
            }
            #expect(received == 2000)
            #expect(count["xreadgroup"] == 20)
            // Twenty acknowledgements; nothing is left to count or to take over.
            #expect(count["evalsha"] == 20)
            #expect(count.total < 250)
        }
    }

    /// Some of them busy and some with one order: a round trip or two for each batch.
    @Test func whatSomeSalesDoNotNeedGoesToTheOthers() async throws {
        try await Self.with { redis, store in
            try await Self.install(100, of: "slow", in: store, on: redis, orders: 1)
            try await Self.install(2, of: "busy", in: store, on: redis, orders: 1000)
            let count = try await CommandCount(on: redis) {
                let found = try await store.outbox.receive(500, as: worker, wait: .zero)
                #expect(found.count == 500)
                #expect(Set(found.compactMap(\.reservation?.order.sale)).count == 102)
            }
            #expect(count["xreadgroup"] == 104)
        }
    }

    /// More than commands may wait on the connection, by far.
    @Test func theOrdersOfVeryManySalesAreAllRecorded() async throws {
        try await Self.with(maxInFlight: 1000) { redis, store in
            let sales = 20_000
            try await Self.install(sales, of: "sale", in: store, on: redis, orders: 1)
            #expect(try await store.outbox.depth().count == sales)
            var recorded: Set<String> = []
            for _ in 0..<sales / 500 {
                let found = try await store.outbox.receive(500, as: worker, wait: .zero)
                #expect(found.count == 500)
                try await store.outbox.acknowledge(found)
                recorded.formUnion(found.map(\.receipt))
            }
            #expect(recorded.count == sales)
            #expect(try await store.outbox.depth() == QueueDepth(count: 0, age: .zero, deadLettered: 0))
        }
    }

    /// Those of a worker that died, among many that only wait. Each call looks at a part of them.
    @Test func whatADeadWorkerHeldOfVeryManySalesIsTakenOver() async throws {
        try await Self.with(maxInFlight: 1000) { redis, store in
            try await Self.install(5000, of: "sale", in: store, on: redis, orders: 1)
            let held = try await store.outbox.receive(300, as: ConsumerID("dead"), wait: .zero)
            let receipts = Set(held.map(\.receipt))
            var taken: [Delivery] = []
            let count = try await CommandCount(on: redis) {
                for _ in 1...7 { taken += try await store.outbox.takeOver(500, idle: .milliseconds(1), as: worker) }
            }
            #expect(Set(taken.map(\.receipt)) == receipts)
            #expect((5000...8000).contains(count["evalsha"]), "\(count["evalsha"])")
            // With no room for all that a part of them holds, that part is looked at again.
            taken = []
            for _ in 1...60 {
                let found = try await store.outbox.takeOver(20, idle: .milliseconds(1), as: worker)
                try await store.outbox.acknowledge(found)
                taken += found
            }
            #expect(Set(taken.map(\.receipt)) == receipts)
        }
    }

    // MARK: Helpers

    private let worker = ConsumerID("worker")

    private static func with(
        maxInFlight: Int = 16_384,
        _ body: (RedisConnection, RedisStockStore) async throws -> Void
    ) async throws {
        try await RedisServer.with { server in
            var configuration = server.configuration
            configuration.maxInFlight = maxInFlight
            let redis = try await RedisConnection.connect(configuration, logger: .quiet)
            try await body(redis, RedisStockStore.sample(on: redis))
            await redis.close()
        }
    }

    /// Sales as an install and some reservations leave them, in few commands.
    private static func install(
        _ count: Int,
        of name: String,
        in store: RedisStockStore,
        on redis: RedisConnection,
        orders: Int
    ) async throws {
        let session = try redis.session()
        _ = try await store.identity()
        var commands: [RedisCommand] = []
        for sale in (0..<count).map({ SaleID("\(name)-\($0)")! }) {
            let outbox = store.outboxStream(of: sale, 1)
            commands.append(
                RedisCommand("HSET", store.keys.stock(sale), "ledger", "ledger", "epoch", "1", "settled", "0")
            )
            commands.append(outbox.createGroup)
            for number in 0..<orders {
                let order = "\(sale).1.AAAA\(100_000 + number).BBBBBBBB \(number + 1) 1 alice"
                commands.append(RedisCommand("XADD", outbox.key, "*", "order", order))
            }
            if orders > 0 { commands.append(RedisCommand("SADD", store.waiting, "\(sale).1")) }
        }
        _ = try await redis.performInPieces(commands, on: session)
    }
}
