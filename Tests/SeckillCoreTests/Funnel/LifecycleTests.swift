import Logging
import SeckillCore
import SeckillTesting
import ServiceLifecycle
import Testing

/// The services at work, on a clock that is moved by hand.
struct LifecycleTests {
    @Test func unpaidUnitsComeBackWithinTwoSecondsAndAreSoldAgain() async throws {
        let shop = try await Shop(stock: 2)
        try await shop.running {
            let first = try await shop.buy(as: "alice")
            let second = try await shop.buy(as: "bob")
            try await shop.pass { try await shop.ledger.totals(of: shop.sale)?.awaiting == 2 }
            _ = try await shop.flashSale.pay(second.id, of: UserID("bob")!)
            await #expect(throws: Refused(refusal: .soldOut)) { try await shop.buy(as: "carol") }
            let due = try #require(try await shop.flashSale.order(first.id, of: UserID("alice")!)?.payBy)
            try await shop.pass { shop.clock.now >= due }
            try await shop.pass { try await shop.stock.snapshot(of: shop.sale)?.remaining == 1 }
            #expect(shop.clock.now - due <= .seconds(2))
            #expect(try await shop.flashSale.order(first.id, of: UserID("alice")!)?.status == .expired)
            // The limit is free again, the old link is not.
            #expect(try await shop.buy(as: "alice").id != first.id)
            // Between commit and acknowledgement a unit is counted on both sides; in the quiet after, on one.
            try await shop.pass { try await shop.stock.snapshot(of: shop.sale)?.pending == 0 }
            #expect(try await shop.unitsAccountedFor() == 2)
        }
    }

    @Test func aCancelledOrderGivesItsUnitBack() async throws {
        let shop = try await Shop(stock: 1)
        try await shop.running {
            let order = try await shop.buy(as: "alice")
            try await shop.pass { try await shop.ledger.lookUp(order.id).order != nil }
            _ = try await shop.flashSale.cancel(order.id, of: UserID("alice")!)
            try await shop.pass { try await shop.stock.snapshot(of: shop.sale)?.remaining == 1 }
            guard case .done = try await shop.flashSale.cancel(order.id, of: UserID("alice")!) else {
                Issue.record("cancelling again is not harmless")
                return
            }
            try await shop.pass { try await shop.ledger.pendingReturns(limit: 1).isEmpty }
            #expect(try await shop.stock.snapshot(of: shop.sale)?.remaining == 1)
        }
    }

    @Test func aRestockReachesTheStore() async throws {
        let shop = try await Shop(stock: 0)
        await #expect(throws: Refused(refusal: .soldOut)) { try await shop.buy(as: "alice") }
        #expect(try await shop.flashSale.restock(shop.sale, adding: 3)?.stock?.remaining == 3)
        _ = try await shop.buy(as: "alice")
        #expect(try await shop.unitsAccountedFor() == 3)
    }

    @Test func anOrderLostWithItsStoreIsRejectedVisibly() async throws {
        let shop = try await Shop()
        let kept = try await shop.buy(as: "alice")
        try await shop.record()
        let link = try await shop.link(for: "bob")
        let lost = try await shop.buy(link, as: "bob")
        // Another process, the same ledger, an empty store.
        let next = try await Shop(clock: shop.clock, ledger: shop.ledger)
        #expect(try await next.flashSale.order(kept.id, of: UserID("alice")!)?.status == .awaitingPayment)
        let rejected = try await next.flashSale.order(lost.id, of: UserID("bob")!)
        #expect(rejected?.status == .rejected && rejected?.reason == .lost)
        await #expect(throws: Refused(refusal: .linkExpired)) { try await next.buy(link, as: "bob") }
        await #expect(throws: Refused(refusal: .limitReached)) { try await next.buy(as: "alice") }
        _ = try await next.buy(as: "bob")
        #expect(try await next.unitsAccountedFor() == 10)
    }

    @Test func nobodyIsToldThatAnOrderIsNoneWhileItMayTurnUp() async throws {
        let shop = try await Shop()
        let user = UserID("alice")!
        let order = try await shop.buy(as: "alice")
        let unused = try await shop.link(for: "alice").order
        #expect(try await shop.flashSale.order(unused, of: user) == nil)
        try await shop.stock.distrust(shop.sale, epoch: 1)
        for id in [order.id, unused] {
            await #expect { try await shop.flashSale.order(id, of: user) } throws: {
                ($0 as? SeckillError)?.code == .unavailable
            }
        }
        // Declared again, it is installed again.
        _ = try await shop.flashSale.create(shop.ledger.sale(shop.sale)!.sale)
        #expect(try await shop.flashSale.order(order.id, of: user)?.status == .awaitingPayment)
        #expect(try await shop.flashSale.order(unused, of: user)?.status == .rejected)
    }

    @Test func shutdownDrainsTheQueue() async throws {
        let shop = try await Shop(stock: 2000)
        for buyer in 0..<2000 { _ = try await shop.buy(as: "u\(buyer)") }
        let group = ServiceGroup(
            services: [shop.flashSale],
            gracefulShutdownSignals: [],
            logger: .init(label: "test")
        )
        async let end: Void = group.run()
        try await shop.clock.waitForSleepers()
        await group.triggerGracefulShutdown()
        try await end
        #expect(try await shop.ledger.totals(of: shop.sale)?.awaiting == 2000)
    }

    @Test func theLedgerIsFedAtTheSetRate() async throws {
        var configuration = FlashSale.Configuration()
        configuration.ledgerRate = 500
        let shop = try await Shop(stock: 3000, configuration: configuration)
        for buyer in 0..<3000 { _ = try await shop.buy(as: "u\(buyer)") }
        try await shop.running {
            var seen: [(at: Duration, rows: Int)] = []
            try await shop.pass {
                let rows = try await shop.ledger.totals(of: shop.sale)!.awaiting
                seen.append((shop.clock.uptime, rows))
                return rows == 3000
            }
            for first in seen {
                let within = seen.last { $0.at - first.at <= .seconds(1) }!
                #expect(within.rows - first.rows <= 550)
            }
            #expect(shop.clock.uptime >= .milliseconds(5400))
        }
    }

    /// Alice listens on a node that does nothing itself.
    @Test func aUserHearsOfOrdersOnOtherNodes() async throws {
        var configuration = FlashSale.Configuration()
        // The clock stands still: a worker that rests after the first order never takes the second.
        configuration.linger = .zero
        let shop = try await Shop(stock: 2, configuration: configuration)
        let neighbour = FlashSale(
            stock: shop.stock,
            ledger: shop.ledger,
            sessions: MemorySessionStore(clock: shop.clock),
            signals: shop.signals,
            signer: try Shop.signer(),
            clock: shop.clock
        )
        var everything = neighbour.orderEvents().makeAsyncIterator()
        var alices = neighbour.orderEvents(of: UserID("alice")!).makeAsyncIterator()
        try await shop.running {
            _ = try await shop.buy(as: "bob")
            let order = try await shop.buy(as: "alice")
            #expect(await alices.next()?.status == .awaitingPayment)
            _ = try await shop.flashSale.pay(order.id, of: UserID("alice")!)
            #expect(await alices.next()?.status == .paid)
        }
        // That node did only this.
        let bobs = try #require(try await shop.flashSale.orders(of: UserID("bob")!).first)
        _ = try await neighbour.cancel(bobs.id, of: UserID("bob")!)
        #expect(await everything.next()?.status == .cancelled)
    }

    @Test func eventsTellWhatBecomesOfOrders() async throws {
        let shop = try await Shop(stock: 1)
        var events = shop.flashSale.orderEvents().makeAsyncIterator()
        try await shop.running {
            let order = try await shop.buy(as: "alice")
            #expect(await events.next()?.status == .awaitingPayment)
            _ = try await shop.flashSale.pay(order.id, of: UserID("alice")!)
            #expect(await events.next()?.status == .paid)
        }
    }
}
