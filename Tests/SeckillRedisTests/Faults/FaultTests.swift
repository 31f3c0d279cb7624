import Foundation
import SeckillCore
import TestServers
import Testing

@testable import SeckillRedis

/// What befalls a Redis in the middle of a sale, and what must then be true.
@Suite("Redis in trouble", .ifRedisServer, .serialized) struct FaultTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Whether the store must notice, and be rebuilt under a new epoch.
        var isNoticed = true
        var strike: @Sendable (Shop) async throws -> Void

        init(_ name: String, isNoticed: Bool = true, _ strike: @escaping @Sendable (Shop) async throws -> Void) {
            testDescription = name
            self.isNoticed = isNoticed
            self.strike = strike
        }
    }

    static let faults = [
        Fault("kill -9 and restart") { shop in
            await shop.server.kill()
            try await shop.server.start()
        },
        Fault("kill -9 and restart without its data") { shop in
            await shop.server.kill()
            try await shop.server.deleteData()
            try await shop.server.start()
        },
        Fault("kill -9 and restart with its tail cut off") { shop in
            await shop.server.kill()
            try await shop.server.cutTail(by: 20_000)
            try await shop.server.start()
        },
        Fault("FLUSHALL") { shop in _ = try await shop.redis.send(["FLUSHALL"]) },
        Fault("FLUSHALL and SCRIPT FLUSH") { shop in
            _ = try await shop.redis.perform([["FLUSHALL"], ["SCRIPT", "FLUSH"]])
        },
        // If it is a session's script that is missed first, the server is checked anew, and is the one it was.
        Fault("SCRIPT FLUSH", isNoticed: false) { shop in _ = try await shop.redis.send(["SCRIPT", "FLUSH"]) },
        Fault("CLIENT PAUSE for 3 s", isNoticed: false) { shop in
            _ = try await shop.redis.perform(["CLIENT", "PAUSE", "3000", "ALL"])
            try await eventually("it answers again") { (try? await shop.redis.send(["PING"])) != nil }
        },
        Fault("a master made a replica and promoted back") { shop in
            // Together, or the demotion is noticed in between and the connection gone.
            _ = try await shop.redis.perform([["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]])
        },
        Fault("the stock deleted") { shop in _ = try await shop.redis.send(["DEL", shop.stockKey]) },
        Fault("the stock replaced by a string") { shop in
            _ = try await shop.redis.send(["SET", shop.stockKey, "nonsense"])
        },
        Fault("a field of the stock deleted") { shop in
            _ = try await shop.redis.send(["HDEL", shop.stockKey, "remaining"])
        },
        Fault("a field of the stock turned into nonsense") { shop in
            _ = try await shop.redis.send(["HSET", shop.stockKey, "version", "nonsense"])
        },
        Fault("the outbox deleted") { shop in _ = try await shop.redis.send(["DEL", try await shop.outboxKey()]) },
        Fault("the outbox replaced by a list") { shop in
            let key = try await shop.outboxKey()
            _ = try await shop.redis.perform([["DEL", key], ["RPUSH", key, "nonsense"]])
        },
        Fault("the outbox trimmed") { shop in
            _ = try await shop.redis.send(["XTRIM", try await shop.outboxKey(), "MAXLEN", "=", "1"])
        },
        Fault("the workers' group destroyed") { shop in
            _ = try await shop.redis.send(["XGROUP", "DESTROY", try await shop.outboxKey(), "workers"])
        },
        Fault("garbage in the outbox", isNoticed: false) { shop in
            let key = try await shop.outboxKey()
            let huge = (0..<200).flatMap { ["field-\($0)", "value"] }
            let forged = ["sale.1.aaaaaaaa x 1 user", "sale.1.aaaaaaaa 1 1 \u{1}"].map { ["order", $0] }
            for fields in [["nonsense", "1"], ["order", "\r\n"], huge] + forged {
                _ = try await shop.redis.send(RedisCommand(["XADD", key, "*"] + fields))
            }
        },
        Fault("the set of outboxes deleted", isNoticed: false) { shop in
            _ = try await shop.redis.send(["DEL", shop.stock.waiting.text])
        },
        Fault("the set of outboxes replaced by a string", isNoticed: false) { shop in
            _ = try await shop.redis.send(["SET", shop.stock.waiting.text, "nonsense"])
        },
        Fault("a claim that never runs out", isNoticed: false) { shop in
            _ = try await shop.redis.perform([
                ["SET", shop.stock.keys.claim(Shop.sale).text, "somebody"], ["HDEL", shop.stockKey, "identity"],
            ])
        },
        Fault("a claim that runs out in an hour", isNoticed: false) { shop in
            _ = try await shop.redis.perform([
                ["SET", shop.stock.keys.claim(Shop.sale).text, "somebody", "EX", "3600"],
                ["HDEL", shop.stockKey, "identity"],
            ])
        },
    ]

    @Test(arguments: faults)
    func noticedBeforeAUnitIsSoldTwiceAndOpenAgainWithin5Seconds(_ fault: Fault) async throws {
        // The machine may stand still, too: what the shop can do, it shows once in three times.
        var recovery = Duration.seconds(5)
        for _ in 0..<3 where recovery >= .seconds(5) { recovery = try await recover(from: fault) }
        #expect(recovery < .seconds(5))
    }

    /// Strikes a sale, and checks that it is sold out to the last unit and in order afterwards. How long it took from the
    /// strike until it was open again.
    private func recover(from fault: Fault) async throws -> Duration {
        let recovery = Locked(Duration.zero)
        // Slowly recorded, so that many orders are in the outbox when it strikes.
        try await Shop.open(units: 400, ledgerRate: 400) { shop in
            let crowd = shop.crowd(60 * 10)
            try await eventually("a good part is sold") { shop.sold >= 100 }
            let epoch = try await shop.epoch()
            try await fault.strike(shop)
            let struckAt = SystemClock().uptime
            if fault.isNoticed { try await eventually("it is noticed") { try await shop.epoch() > epoch } }
            try await eventually("the sale is open again") { await shop.isOpen }
            recovery.withLock { $0 = SystemClock().uptime - struckAt }
            try await shop.audit()
            crowd.cancel()
            await crowd.value
            try await shop.audit()
        }
        return recovery.withLock { $0 }
    }

    @Test func aRestartSellsNothingBeforeItIsRebuilt() async throws {
        // So that the file has it all, however slow the disk.
        try await RedisServer.with(options: ["--appendfsync", "always"]) { server in
            let redis = try await RedisConnection.connect(server.configuration, logger: .quiet)
            let store = RedisStockStore.sample(on: redis, namespace: "shop")
            let signer = try LinkSigner(secrets: [Array(repeating: 7, count: 32)])
            let user = UserID("alice")!
            try await store.install(epoch: 1)
            let order = signer.mintOrder(sale: Shop.sale, epoch: 1, user: user)
            _ = try await store.reserve(order, for: user)

            await server.kill()
            try await eventually("the break is noticed") { !redis.isReady }
            try await server.start()
            try await eventually("it is connected again") { redis.isReady }

            // The server has it all: only its stamp is another's.
            let found1 = try await redis.send(["HGET", store.keys.stock(Shop.sale).text, "remaining"]).text
            #expect(found1 == "9")
            for attempt in [order, signer.mintOrder(sale: Shop.sale, epoch: 1, user: user)] {
                let error = await #expect(throws: SeckillError.self) { try await store.reserve(attempt, for: user) }
                #expect(error?.code == .unavailable)
            }
            let unit = StockReturn(id: order.text, sale: Shop.sale, epoch: 1, units: 1, user: user)
            let found2 = try await store.giveBack([unit])
            #expect(found2 == [.refused])
            let found3 = try await store.snapshot(of: Shop.sale)
            #expect(found3 == nil)
            let found4 = try await store.reservation(of: order)
            #expect(found4 == nil)
            let outcome = try await store.tryClaim(epoch: 1)
            guard case .claimed(let claim) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            let drained = try await store.drain(claim)
            #expect(drained.map(\.order) == [order], "what survived is honoured")
            await redis.close()
        }
    }

    /// All adds up in the store; only the ledger knows nothing of it.
    @Test func whatIsAcknowledgedWithoutARowClosesTheSaleUntilTheLossIsAccepted() async throws {
        try await Shop.open(units: 100) { shop in
            for number in 1...2 { await shop.buy(UserID("early-\(number)")!) }
            let epoch = try await shop.epoch()
            // As a worker leaves it that acknowledges before it records, and dies.
            for (field, change) in [("settled", "1"), ("sequence", "1"), ("remaining", "-1")] {
                _ = try await shop.redis.send(["HINCRBY", shop.stockKey, field, change])
            }
            try await eventually("it is noticed") {
                let trouble = shop.flashSale.readiness().troubles[Shop.sale]
                return trouble == .ledgerLostOrders(known: 3, recorded: 2)
            }
            #expect(try await shop.epoch() == epoch)
            _ = try await shop.ledger.raiseEpoch(of: Shop.sale, above: epoch, acceptingLoss: true)
            try await eventually("it sells again") { await shop.isOpen }
            try await shop.audit(expectSoldOut: false)
        }
    }

    /// No stamp tells that a key was put back to what it was: only that the ledger knows more.
    @Test func whatIsRolledBackByHandIsNoticedByTheLedgersSequence() async throws {
        try await Shop.open(units: 100) { shop in
            for number in 1...2 { await shop.buy(UserID("early-\(number)")!) }
            // Brought by the reconciler, which thus has seen the sale in order.
            _ = try await shop.ledger.setAdmission(.paused, of: Shop.sale)
            let changed = try await shop.ledger.setAdmission(.open, of: Shop.sale)
            try await eventually("all is settled, and watched over") {
                let snapshot = try await shop.stock.snapshot(of: Shop.sale)
                return snapshot?.sequence == 2 && snapshot?.pending == 0 && snapshot?.revision == changed?.revision
            }
            let keys = [shop.stockKey, try await shop.outboxKey()]
            let dumps = try await shop.redis.perform(keys.map { ["DUMP", $0] })
            for number in 1...3 { await shop.buy(UserID("late-\(number)")!) }
            try await eventually("all are recorded") { try await shop.ledger.sale(Shop.sale)?.sequence == 5 }
            let epoch = try await shop.epoch()
            for (key, dump) in zip(keys, dumps) {
                guard case .bytes(let bytes) = dump else { throw NeverHappened(description: "\(dump)") }
                var command: RedisCommand = ["RESTORE", key, "0"]
                command.append(bytes)
                command.append("REPLACE")
                _ = try await shop.redis.send(command)
            }
            try await eventually("it is noticed") { try await shop.epoch() > epoch }
            try await shop.audit(expectSoldOut: false)
        }
    }
}

extension RedisServer {
    /// What a power cut does to a file that was not yet on the disk.
    func cutTail(by bytes: Int) throws {
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
        let name = try #require(files.first { $0.hasSuffix(".incr.aof") })
        let handle = try FileHandle(forUpdating: folder.appending(path: name))
        let size = Int(try handle.seekToEnd())
        try handle.truncate(atOffset: UInt64(max(0, size - bytes)))
        try handle.close()
    }
}
