import Logging
import SeckillCore
import SeckillTesting
import ServiceLifecycle
import Testing

/// How the order worker spends its time, and what it does when there is none left.
struct WorkerTests {
    @Test func ordersThatComeOneByOneAreRecordedInBatches() async throws {
        let clock = ManualClock()
        let faults = Faults(clock: clock)
        let shop = try await Shop(stock: 200, clock: clock, ledger: faults.wrap(MemoryOrderLedger()))
        // No fault: it counts.
        faults.inject(.delay(.zero), into: "record", probability: 1)
        try await shop.running {
            for buyer in 1...200 {
                _ = try await shop.buy(as: "u\(buyer)")
                for _ in 0..<20 { await Task.yield() }
                clock.advance(by: .milliseconds(1))
            }
            // 200 ms, a batch each 20 ms, and one before and after.
            #expect(faults.count(of: "record") <= 12)
            try await shop.pass { try await shop.ledger.totals(of: shop.sale)?.awaiting == 200 }
        }
    }

    @Test func theDepthIsNotAskedForWithEveryBatch() async throws {
        let clock = ManualClock()
        let faults = Faults(clock: clock)
        var configuration = FlashSale.Configuration()
        configuration.batch = 1
        let shop = try await Shop(stock: 200, clock: clock, wrapping: { faults.wrap($0) }, configuration: configuration)
        for buyer in 1...200 { _ = try await shop.buy(as: "u\(buyer)") }
        faults.inject(.delay(.zero), into: "depth", probability: 1)
        try await shop.running {
            try await shop.pass { try await shop.ledger.totals(of: shop.sale)?.awaiting == 200 }
            try await shop.pass { faults.count(of: "depth") > 1 }
        }
        #expect(faults.count(of: "depth") <= 2 + Int(clock.uptime / .milliseconds(250)))
    }

    @Test func shutdownEndsAtItsLimitThoughTheLedgerIsAway() async throws {
        let clock = ManualClock()
        let faults = Faults(clock: clock)
        let shop = try await Shop(clock: clock, ledger: faults.wrap(MemoryOrderLedger()))
        _ = try await shop.buy(as: "alice")
        faults.inject(.failBefore, into: "record", probability: 1)
        try await shutDown(shop) { faults.count(of: "record") > 3 }
        // It is held and not recorded: the next consumer takes it over.
        #expect(try await shop.stock.outbox.depth().count == 1)
    }

    /// One failed call is no reason to leave the rest in the queue.
    @Test func shutdownDrainsAlthoughTheSourceFailsNowAndThen() async throws {
        let clock = ManualClock()
        let faults = Faults(clock: clock)
        var configuration = FlashSale.Configuration()
        configuration.batch = 10
        let shop = try await Shop(stock: 150, clock: clock, wrapping: { faults.wrap($0) }, configuration: configuration)
        for buyer in 0..<150 { _ = try await shop.buy(as: "u\(buyer)") }
        faults.inject(.failBefore, into: "receive", probability: 0.5)
        try await shutDown(shop) { try await shop.stock.outbox.depth().count < 150 }
        #expect(try await shop.stock.outbox.depth().count == 0)
        #expect(try await shop.ledger.totals(of: shop.sale)?.awaiting == 150)
    }

    /// Runs the shop until `condition` holds, and then shuts it down in order.
    private func shutDown(_ shop: Shop, when condition: () async throws -> Bool) async throws {
        let group = ServiceGroup(
            services: [shop.flashSale],
            gracefulShutdownSignals: [],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let isOver = Locked(false)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await group.run()
                isOver.withLock { $0 = true }
            }
            defer { tasks.cancelAll() }
            try await shop.pass(until: condition)
            await group.triggerGracefulShutdown()
            let start = shop.clock.uptime
            try await shop.pass { isOver.withLock { $0 } }
            #expect(shop.clock.uptime - start <= .seconds(10))
        }
    }

    /// In the stores of this process a receipt is the sale's sequence.
    @Test func anOrderThatCannotBeRecordedHoldsUpNoOtherSalesOrder() async throws {
        let ledger = PickyLedger()
        let shop = try await Shop(ledger: ledger)
        let other = SaleID("tea")!
        _ = try await shop.flashSale.create(Sale(id: other, title: "Tea", price: 1, stock: 1, opensAt: shop.clock.now))
        let poisoned = try await shop.buy(as: "alice")
        ledger.refuse(poisoned.id)
        let good = OrderID("tea.1.abcdefgh.abcdefgh")!
        _ = try await shop.stock.reserve(good, for: UserID("bob")!)
        try await shop.running {
            try await shop.pass { try await shop.ledger.lookUp(good).order != nil }
            let start = shop.clock.uptime
            try await shop.pass { try await shop.stock.snapshot(of: other)?.pending == 0 }
            #expect(shop.clock.uptime - start <= .seconds(1))
        }
        #expect(try await shop.stock.snapshot(of: shop.sale)?.pending == 1)
    }
}
