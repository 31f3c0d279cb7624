import SeckillCore
import TestServers
import Testing

@testable import SeckillRedis

/// Whatever is done to groups, consumers or entries: every order that was acknowledged to its buyer becomes final within a
/// bound, or the sale is rebuilt.
@Suite("Groups meddled with", .ifRedisServer) struct GroupTests {
    struct Meddling: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Whether orders may be lost with it, which their buyers are told.
        var losesOrders = false
        /// Done while a consumer that has died holds three orders and three more wait.
        var act: @Sendable (RedisConnection, _ outbox: String, _ held: [String]) async throws -> Void

        init(
            _ name: String,
            losesOrders: Bool = false,
            _ act: @escaping @Sendable (RedisConnection, String, [String]) async throws -> Void
        ) {
            testDescription = name
            self.losesOrders = losesOrders
            self.act = act
        }
    }

    static let all = [
        Meddling("nothing") { _, _, _ in },
        Meddling("XGROUP DELCONSUMER") { redis, outbox, _ in
            _ = try await redis.send(["XGROUP", "DELCONSUMER", outbox, "workers", "dead"])
        },
        Meddling("XGROUP SETID $") { redis, outbox, _ in
            _ = try await redis.send(["XGROUP", "SETID", outbox, "workers", "$"])
        },
        Meddling("XGROUP SETID 0") { redis, outbox, _ in
            _ = try await redis.send(["XGROUP", "SETID", outbox, "workers", "0"])
        },
        Meddling("XGROUP DELCONSUMER and SETID $") { redis, outbox, _ in
            _ = try await redis.send(["XGROUP", "DELCONSUMER", outbox, "workers", "dead"])
            _ = try await redis.send(["XGROUP", "SETID", outbox, "workers", "$"])
        },
        Meddling("XACK without XDEL") { redis, outbox, held in
            _ = try await redis.send(RedisCommand(["XACK", outbox, "workers"] + held))
        },
        Meddling("XACK of one in the middle") { redis, outbox, held in
            _ = try await redis.send(["XACK", outbox, "workers", held[1]])
        },
        Meddling("XCLAIM to nobody") { redis, outbox, held in
            _ = try await redis.send(RedisCommand(["XCLAIM", outbox, "workers", "nobody", "0"] + held + ["FORCE"]))
        },
        Meddling("XREADGROUP by nobody") { redis, outbox, _ in
            _ = try await redis.perform(["XREADGROUP", "GROUP", "workers", "nobody", "STREAMS", outbox, ">"])
        },
        Meddling("XGROUP DESTROY") { redis, outbox, _ in
            _ = try await redis.send(["XGROUP", "DESTROY", outbox, "workers"])
        },
        Meddling("XGROUP DESTROY and CREATE $") { redis, outbox, _ in
            _ = try await redis.perform([
                ["XGROUP", "DESTROY", outbox, "workers"], ["XGROUP", "CREATE", outbox, "workers", "$"],
            ])
        },
        Meddling("XDEL of one", losesOrders: true) { redis, outbox, held in
            _ = try await redis.send(["XDEL", outbox, held[1]])
        },
        Meddling("XTRIM", losesOrders: true) { redis, outbox, _ in
            _ = try await redis.send(["XTRIM", outbox, "MAXLEN", "=", "2"])
        },
        Meddling("DEL of the stream", losesOrders: true) { redis, outbox, _ in
            _ = try await redis.send(["DEL", outbox])
        },
        Meddling("RENAME of the stream", losesOrders: true) { redis, outbox, _ in
            _ = try await redis.send(["RENAME", outbox, "elsewhere"])
        },
        Meddling("SET of a string in its place", losesOrders: true) { redis, outbox, _ in
            _ = try await redis.send(["SET", outbox, "nonsense"])
        },
        Meddling("XSETID to the end of ids") { redis, outbox, _ in
            _ = try await redis.send(["XSETID", outbox, "18446744073709551615-18446744073709551615"])
        },
    ]

    @Test(arguments: all) func everyOrderBecomesFinal(_ meddling: Meddling) async throws {
        try await Shop.open(units: 20, works: false) { shop in
            for number in 1...3 { await shop.buy(UserID("early-\(number)")!) }
            let dead = try await shop.stock.outbox.receive(3, as: ConsumerID("dead"), wait: .seconds(5))
            #expect(dead.count == 3)
            for number in 1...3 { await shop.buy(UserID("late-\(number)")!) }
            let outbox = try await shop.outboxKey()
            try await meddling.act(shop.redis, outbox, dead.map { String($0.receipt.split(separator: ".").last!) })
            try await shop.work { _ in
                try await eventually("another order is accepted") { await shop.buyOnce(UserID("after")!) }
                try await shop.audit(expectSoldOut: false)
                let totals = try #require(try await shop.ledger.totals(of: Shop.sale))
                let live = totals.awaiting + totals.paid
                #expect(meddling.losesOrders ? (1...6).contains(live) : live == 7, "\(totals)")
            }
        }
    }

    /// Somebody who holds orders and does nothing with them, for instance a tool that claims them again and again.
    @Test func ordersThatAreClaimedAgainAndAgainAreTakenOver() async throws {
        try await Shop.open(units: 20, works: false) { shop in
            for number in 1...3 { await shop.buy(UserID("early-\(number)")!) }
            let held = try await shop.stock.outbox.receive(3, as: ConsumerID("nobody"), wait: .seconds(5))
            let ids = held.map { String($0.receipt.split(separator: ".").last!) }
            let outbox = try await shop.outboxKey()
            try await shop.work { _ in
                try await eventually("they are recorded") {
                    _ = try await shop.redis.send(RedisCommand(["XCLAIM", outbox, "workers", "nobody", "0"] + ids))
                    return try await shop.ledger.totals(of: Shop.sale)?.awaiting == 3
                }
                try await shop.audit(expectSoldOut: false)
            }
        }
    }

    /// However many orders in good order come before it.
    @Test func anOrphanBehindManyOthersIsFound() async throws {
        try await RedisStockStore.withSale { redis, store in
            let outbox = store.keys.outbox(Shop.sale, 1)
            for number in 1...(3 * OrphanScan.page) {
                let order = "sale.1.AAAA\(100_000 + number).BBBBBBBB"
                _ = try await redis.send(
                    RedisCommand("XADD", outbox, "\(number)-1", "order", "\(order) \(number) 1 alice")
                )
            }
            _ = try await store.snapshot(of: Shop.sale)
            let source = store.outbox
            let held = try await source.receive(3 * OrphanScan.page, as: ConsumerID("slow"), wait: .seconds(5))
            #expect(held.count == 3 * OrphanScan.page)
            let last = "\(3 * OrphanScan.page)-1"
            _ = try await redis.send(RedisCommand("XACK", outbox, "workers", last))
            for _ in 1...3 {
                let taken = try await source.takeOver(9, idle: .seconds(3600), as: ConsumerID("worker"))
                #expect(taken.isEmpty)
            }
            let found = try await source.receive(9, as: ConsumerID("worker"), wait: .seconds(5))
            #expect(found.map { $0.receipt } == ["sale.1.\(last)"])
            // It is held now, and not handed out again.
            for _ in 1...4 { _ = try await source.takeOver(9, idle: .seconds(3600), as: ConsumerID("worker")) }
            let again = try await source.receive(9, as: ConsumerID("worker"), wait: .zero)
            #expect(again.isEmpty)
        }
    }

    @Test func consumersThatAreGoneAndHoldNothingAreRemoved() async throws {
        try await RedisStockStore.withSale { redis, store in
            let outbox = store.keys.outbox(Shop.sale, 1)
            _ = try await redis.send(RedisCommand("XADD", outbox, "1-1", "order", "sale.1.AAAAAAAA.BBBBBBBB 1 1 alice"))
            _ = try await store.snapshot(of: Shop.sale)
            _ = try await store.outbox.receive(9, as: ConsumerID("holder"), wait: .seconds(5))
            for name in ["old", "new", "self"] {
                _ = try await redis.send(["XGROUP", "CREATECONSUMER", outbox.text, "workers", name])
            }
            // As if they had been idle for so long: the limit is a day, which no test can wait for.
            let text = String(decoding: PackageResources.take_over_lua, as: UTF8.self)
            let script = text.replacing(
                "consumer.idle > 86400000",
                with: "consumer.idle >= 0 and consumer.name ~= 'new'"
            )
            #expect(script != text)
            var command: RedisCommand = ["EVAL", script, "1"]
            command.append(outbox)
            for word in ["self", "3600000", "9", "", "500"] { command.append(word) }
            _ = try await redis.send(command)
            let consumers =
                try await redis.send(RedisCommand(["XINFO", "CONSUMERS", outbox.text, "workers"])).array ?? []
            #expect(Set(consumers.compactMap { $0.array?[1].text }) == ["holder", "new", "self"])
        }
    }
}
