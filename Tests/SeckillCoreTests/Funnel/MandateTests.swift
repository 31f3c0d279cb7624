import Logging
import SeckillTesting
import Testing

@testable import SeckillCore

/// Several stores on one ledger, and ledgers that went back.
struct MandateTests {
    private let clock = ManualClock()
    private let ledger = MemoryOrderLedger()
    private let first: LosableStockStore
    private let second: LosableStockStore
    private let sale = SaleID("phone")!

    init() {
        first = LosableStockStore(name: StoreName("first"), clock: clock)
        second = LosableStockStore(name: StoreName("second"), clock: clock)
    }

    private func node(on stock: any StockStore, ledger: (any OrderLedger)? = nil) throws -> FlashSale {
        FlashSale(
            stock: stock,
            ledger: ledger ?? self.ledger,
            sessions: MemorySessionStore(clock: clock),
            signer: try Shop.signer(),
            clock: clock,
            random: SeededRandom(3),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func declaration(_ units: Int = 10) throws -> Sale {
        try Sale(id: sale, title: "Phone", price: 1, stock: units, opensAt: clock.now, paymentWindow: .seconds(60))
    }

    private func buy(from node: FlashSale, as user: String) async throws -> Order {
        let user = UserID(user)!
        guard case .granted(let link) = await node.link(to: sale, for: .user(user)),
            case .accepted(let order) = await node.purchase(link.token, of: sale, by: .user(user))
        else { throw SeckillError(.unavailable, "refused") }
        return order
    }

    /// Looks at the stores as often as reconcilers would in a while.
    private func sweep(_ nodes: FlashSale..., times: Int = 12) async throws {
        var states = nodes.map { _ in Reconciler.State() }
        for _ in 0..<times {
            for (index, node) in nodes.enumerated() { try await node.reconciler.sweep(&states[index]) }
            clock.advance(by: .milliseconds(250))
        }
    }

    @Test func twoStoresOnOneLedgerDoNotFight() async throws {
        let (one, two) = (try node(on: first), try node(on: second))
        _ = try await one.create(declaration())
        _ = try await two.create(declaration())
        let order = try await buy(from: one, as: "alice")
        try await sweep(one, two, times: 100)
        #expect(try await ledger.sale(sale)?.epoch == 1)
        #expect(try await first.snapshot(of: sale)?.epoch == 1)
        #expect(try await second.snapshot(of: sale) == nil)
        await #expect(throws: SeckillError.self) { try await buy(from: two, as: "bob") }
        #expect(two.readiness().troubles == [sale: .heldElsewhere(StoreName("first"))])
        #expect(two.readiness().isReady == false)
        #expect(one.readiness() == Readiness(isReady: true))
        #expect(try await two.heldElsewhere() == [sale: StoreName("first")])
        #expect(try await one.order(order.id, of: order.user)?.status == .queued)
    }

    @Test func takingOverIsOneActAndTheFormerHolderStopsSelling() async throws {
        let (one, two) = (try node(on: first), try node(on: second))
        _ = try await one.create(declaration())
        let recorded = try await buy(from: one, as: "alice")
        _ = try await one.recorder.record(
            try await first.outbox.receive(9, as: ConsumerID("w"), wait: .zero).compactMap(\.reservation)
        )
        let queued = try await buy(from: one, as: "bob")
        #expect(try await two.takeOver() == [sale])
        try await sweep(one, two)
        #expect(try await first.snapshot(of: sale) == nil)
        #expect(try await second.snapshot(of: sale)?.remaining == 9)
        #expect(try await ledger.sale(sale)?.epoch == 2)
        #expect(try await two.order(recorded.id, of: recorded.user)?.status == .awaitingPayment)
        // Only the former store knew it; its worker brings it, and its buyer is told.
        let late = try await first.outbox.receive(9, as: ConsumerID("w"), wait: .zero).compactMap(\.reservation)
        _ = try await one.recorder.record(late)
        #expect(try await two.order(queued.id, of: queued.user)?.reason == .lost)
        #expect(try await buy(from: two, as: "carol").status == .queued)
        // And back.
        #expect(try await one.takeOver() == [sale])
        try await sweep(one, two)
        #expect(try await first.snapshot(of: sale)?.epoch == 3)
        #expect(try await second.snapshot(of: sale) == nil)
    }

    @Test func aStoreThatWasReleasedLeavesItsSalesToTheNext() async throws {
        let (one, two) = (try node(on: first), try node(on: second))
        _ = try await one.create(declaration())
        let order = try await buy(from: one, as: "alice")
        // What is queued only this store knows.
        try await one.releaseSales()
        #expect(try await ledger.sale(sale)?.holder == StoreName("first"))
        let deliveries = try await first.outbox.receive(9, as: ConsumerID("w"), wait: .zero)
        _ = try await one.recorder.record(deliveries.compactMap(\.reservation))
        try await first.outbox.acknowledge(deliveries)
        try await one.releaseSales()
        #expect(try await ledger.sale(sale)?.holder == nil)
        #expect(try await two.heldElsewhere().isEmpty)
        try await sweep(two)
        #expect(try await second.snapshot(of: sale)?.remaining == 9)
        #expect(try await two.order(order.id, of: order.user)?.status == .awaitingPayment)
    }

    /// The same store may take its sales again, with all it holds.
    @Test func aStoreThatWasReleasedMayGoOn() async throws {
        let one = try node(on: first)
        _ = try await one.create(declaration())
        try await one.releaseSales()
        try await sweep(one)
        #expect(try await ledger.sale(sale)?.holder == StoreName("first"))
        #expect(try await first.snapshot(of: sale)?.epoch == 1)
    }

    @Test func ofTwoStoresThatFindASaleWithoutAHolderOneGetsIt() async throws {
        let (one, two) = (try node(on: first), try node(on: second))
        _ = try await ledger.create(declaration())
        try await sweep(one, two, times: 40)
        #expect(try await ledger.sale(sale)?.holder == StoreName("first"))
        #expect(try await ledger.sale(sale)?.epoch == 1)
        #expect(try await second.snapshot(of: sale) == nil)
    }

    /// A ledger that was restored to before the store's epoch, and lacks no order of it: no old link sells again.
    @Test func aLedgerThatLacksEpochsIsRaisedAboveTheStore() async throws {
        let one = try node(on: first)
        _ = try await one.create(declaration())
        guard case .granted(let old) = await one.link(to: sale, for: .user(UserID("alice")!)) else { return }
        for epoch in 1...3 {
            try await first.distrust(sale, epoch: epoch)
            try await sweep(one, times: 2)
        }
        #expect(try await first.snapshot(of: sale)?.epoch == 4)
        let restored = MemoryOrderLedger()
        let again = try node(on: first, ledger: restored)
        _ = try await again.create(declaration())
        try await sweep(again)
        let epoch = try #require(try await restored.sale(sale)?.epoch)
        #expect(epoch > 4)
        #expect(try await first.snapshot(of: sale)?.epoch == epoch)
        let outcome = await again.purchase(old.token, of: sale, by: .user(UserID("alice")!))
        guard case .refused(.linkExpired, _) = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    /// An older copy put back by hand: what was sold and paid is not sold again.
    @Test func aLedgerThatLacksRecordedOrdersSellsNothing() async throws {
        let one = try node(on: first)
        _ = try await one.create(declaration(3))
        for buyer in 0..<3 {
            let order = try await buy(from: one, as: "u\(buyer)")
            let deliveries = try await first.outbox.receive(9, as: ConsumerID("w"), wait: .zero)
            _ = try await one.recorder.record(deliveries.compactMap(\.reservation))
            try await first.outbox.acknowledge(deliveries)
            _ = try await one.pay(order.id, of: order.user)
        }
        let restored = MemoryOrderLedger()
        _ = try await restored.create(declaration(3))
        _ = try await restored.transfer(sale, to: first.name, takeover: 1)
        _ = try await restored.beginEpoch(after: 0, of: sale, in: first.name)
        let again = try node(on: first, ledger: restored)
        try await sweep(again, times: 50)
        #expect(try await first.snapshot(of: sale) == nil)
        #expect(try await restored.sale(sale)?.epoch == 1)
        await #expect(throws: SeckillError.self) { try await buy(from: again, as: "dave") }
        let trouble = SaleTrouble.ledgerLostOrders(known: 3, recorded: 0)
        #expect(again.readiness().troubles == [sale: trouble])
        _ = try await restored.raiseEpoch(of: sale, above: 1, acceptingLoss: true)
        try await sweep(again)
        #expect(try await first.snapshot(of: sale)?.remaining == 3)
        #expect(again.readiness().isReady)
    }

    /// Counts that were altered behind the store's back, by one unit either way.
    @Test(arguments: [-1, 1])
    func aStoreThatCountsWrongIsRebuilt(by error: Int) async throws {
        let miscounting = Miscounting(base: first, error: Locked(0))
        let one = try node(on: miscounting)
        _ = try await one.create(declaration())
        _ = try await buy(from: one, as: "alice")
        try await sweep(one, times: 2)
        #expect(try await ledger.sale(sale)?.epoch == 1)
        miscounting.error.withLock { $0 = error }
        var state = Reconciler.State()
        try await one.reconciler.sweep(&state)
        miscounting.error.withLock { $0 = 0 }
        try await sweep(one, times: 3)
        let epoch = try #require(try await ledger.sale(sale)?.epoch)
        #expect((2...6).contains(epoch), "a fault that lasts is not followed by a rebuild at every look")
        try await sweep(one, times: 3)
        #expect(try await ledger.sale(sale)?.epoch == epoch)
        #expect(try await first.snapshot(of: sale)?.remaining == 9)
    }

    private struct Miscounting: DecoratedStore {
        let base: any StockStore
        let error: Locked<Int>

        func snapshots(of sales: [SaleID]) async throws -> [StockSnapshot?] {
            try await base.snapshots(of: sales).map { snapshot in
                var snapshot = snapshot
                snapshot?.remaining += error.withLock { $0 }
                return snapshot
            }
        }
    }

    /// A rebuild that takes longer than its lease keeps it by renewing it.
    @Test func aLeaseIsRenewedWhileTheOutboxIsDrained() async throws {
        let slow = Faults(clock: clock)
        let one = try node(on: first, ledger: slow.wrap(ledger))
        _ = try await one.create(declaration())
        _ = try await buy(from: one, as: "alice")
        try await first.distrust(sale, epoch: 1)
        slow.inject(.delay(.seconds(60)), into: "record", calls: 1...1)
        let (rebuild, sale) = (one.rebuild, sale)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                guard case .rebuilt = try await rebuild.ensure(sale) else {
                    throw SeckillError(.unavailable, "the lease ran out")
                }
            }
            // The ledger and the renewal sleep; each renewal sleeps again.
            for _ in 0..<120 {
                try await clock.waitForSleepers(2)
                clock.advance(by: .milliseconds(500))
                if try await ledger.sale(sale)?.epoch == 2 { break }
            }
            clock.advance(by: .seconds(1))
            try await group.waitForAll()
        }
        #expect(try await first.snapshot(of: sale)?.epoch == 2)
    }

    /// A node that dies in a rebuild keeps the sale closed for no longer than its lease.
    @Test func aRebuildThatDiedIsFollowedByAnotherWithinSeconds() async throws {
        let one = try node(on: first)
        _ = try await one.create(declaration())
        try await first.distrust(sale, epoch: 1)
        let record = try #require(try await ledger.sale(sale))
        _ = try await first.claim(record, identity: first.identity(), lifetime: .seconds(6))
        let start = clock.uptime
        var state = Reconciler.State()
        while try await first.snapshot(of: sale) == nil, clock.uptime - start < .seconds(60) {
            try await one.reconciler.sweep(&state)
            clock.advance(by: .milliseconds(250))
        }
        #expect(clock.uptime - start <= .seconds(7))
    }

    /// A store that fails every install is not claimed four times a second.
    @Test func rebuildsThatFailComeFurtherAndFurtherApart() async throws {
        let faults = Faults(clock: clock)
        let one = try node(on: faults.wrap(first))
        _ = try await ledger.create(declaration())
        faults.inject(.failBefore, into: "install", probability: 1)
        var state = Reconciler.State()
        for _ in 0..<(4 * 600) {
            try? await one.reconciler.sweep(&state)
            clock.advance(by: .milliseconds(250))
        }
        let attempts = faults.count(of: "install")
        #expect((20...40).contains(attempts), "\(attempts) attempts in ten minutes")
        faults.heal()
        clock.advance(by: .seconds(30))
        try await one.reconciler.sweep(&state)
        #expect(try await first.snapshot(of: sale) != nil)
    }

    /// A unit that is lost and comes back often, each time after a while, waits for nothing.
    @Test func aStoreThatIsLostNowAndThenIsRebuiltAtOnce() async throws {
        let one = try node(on: first)
        _ = try await one.create(declaration())
        var state = Reconciler.State()
        for _ in 0..<20 {
            first.lose()
            try await one.reconciler.sweep(&state)
            #expect(try await first.snapshot(of: sale) != nil)
            clock.advance(by: .seconds(6))
        }
    }
}
