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

    @Test func manyIdleSalesDoNotSlowDownOneThatSells() async throws {
        try await RedisServer.with { server in
            let redis = try await RedisConnection.connect(server.configuration, logger: .quiet)
            let store = RedisStockStore.sample(on: redis)
            try await Self.installIdle(1000, in: store, on: redis)
            try await store.install(epoch: 1)
            let orders = 2000
            for number in 1...orders {
                let order = "sale.1.AAAA\(100_000 + number).BBBBBBBB"
                let entry = RedisCommand(
                    "XADD",
                    store.keys.outbox(Shop.sale, 1),
                    "*",
                    "order",
                    "\(order) \(number) 1 a"
                )
                _ = try await redis.send(entry)
            }
            var received = 0
            var turns = 0
            while received < orders, turns < 100 {
                let found = try await store.outbox.receive(100, as: ConsumerID("worker"), wait: .seconds(1))
                try await store.outbox.acknowledge(found)
                received += found.count
                turns += 1
            }
            #expect(received == orders)
            // Nearly every batch is full.
            #expect(turns < 30, "\(turns) batches of 100 for \(orders) orders")
            await redis.close()
        }
    }

    /// As many as commands may wait on a connection, and more.
    @Test func moreSalesThanCommandsMayWaitAreLookedAt() async throws {
        try await RedisServer.with { server in
            var configuration = server.configuration
            configuration.maxInFlight = 1000
            let redis = try await RedisConnection.connect(configuration, logger: .quiet)
            let store = RedisStockStore.sample(on: redis)
            try await Self.installIdle(3000, in: store, on: redis)
            try await store.install(epoch: 1)
            let user = UserID("alice")!
            let order = Self.signer.mintOrder(sale: Shop.sale, epoch: 1, user: user)
            _ = try await store.reserve(order, for: user)
            let found = try await store.outbox.receive(100, as: ConsumerID("worker"), wait: .seconds(20))
            #expect(found.compactMap(\.reservation?.order) == [order])
            #expect(try await store.outbox.depth().count == 1)
            #expect(try await store.outbox.takeOver(9, idle: .zero, as: ConsumerID("worker")).count == 1)
            await redis.close()
        }
    }

    /// Sales as an install leaves them, in few commands.
    private static func installIdle(_ count: Int, in store: RedisStockStore, on redis: RedisConnection) async throws {
        let session = try redis.session()
        _ = try await store.identity()
        var commands: [RedisCommand] = []
        for index in 0..<count {
            let sale = SaleID("idle-\(index)")!
            commands.append(store.announcement(of: sale))
            commands.append(
                RedisCommand("HSET", store.keys.stock(sale), "ledger", "ledger", "epoch", "1", "closes", "")
            )
            commands.append(store.outboxStream(of: sale, 1).createGroup)
        }
        _ = try await redis.performInPieces(commands, on: session)
    }
}
