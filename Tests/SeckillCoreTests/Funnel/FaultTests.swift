import SeckillTesting
import Testing

@testable import SeckillCore

/// The funnel over backends that fail on purpose.
struct FaultTests {
    @Test(arguments: [Faults.Fault.failBefore, .failAfter, .repeat])
    func ordersReachALedgerThatFailsNowAndThen(fault: Faults.Fault) async throws {
        let clock = ManualClock()
        let faults = Faults(clock: clock)
        let shop = try await Shop(stock: 40, clock: clock, ledger: faults.wrap(MemoryOrderLedger()))
        for buyer in 0..<40 { _ = try await shop.buy(as: "u\(buyer)") }
        faults.inject(fault, into: "record", calls: 1...3)
        try await shop.work { try await shop.stock.snapshot(of: shop.sale)?.pending == 0 }
        #expect(faults.count(of: "record") == (fault == .repeat ? 1 : 3))
        #expect(try await shop.ledger.totals(of: shop.sale)?.awaiting == 40)
        #expect(try await shop.unitsAccountedFor() == 40)
    }

    @Test(arguments: 0..<5)
    func oneOrderThatCannotBeRecordedIsPutAsideAndTheOthersAreNot(poisoned: Int) async throws {
        let ledger = PickyLedger()
        var configuration = FlashSale.Configuration()
        configuration.takeOver = .seconds(2)
        let shop = try await Shop(stock: 5, ledger: ledger, configuration: configuration)
        var orders: [Order] = []
        for buyer in 0..<5 { orders.append(try await shop.buy(as: "u\(buyer)")) }
        ledger.refuse(orders[poisoned].id)
        let user = orders[poisoned].user
        try await shop.work { try await shop.flashSale.order(orders[poisoned].id, of: user)?.status == .rejected }
        #expect(try await shop.flashSale.order(orders[poisoned].id, of: user)?.reason == .undeliverable)
        #expect(try await shop.ledger.totals(of: shop.sale)?.awaiting == 4)
        try await shop.work { try await shop.stock.snapshot(of: shop.sale)?.remaining == 1 }
        #expect(try await shop.stock.outbox.depth().deadLettered == 1)
        #expect(try await shop.unitsAccountedFor() == 5)
        // Free to try again, with another link.
        #expect(try await shop.buy(as: user.text).status == .queued)
    }

    /// The ledger has done what the operator asked, and fails after it: that is no reason to say that it may not have.
    @Test func whatTheLedgerHasDoneIsAnsweredAsDone() async throws {
        let clock = ManualClock()
        let faults = Faults(clock: clock)
        let shop = try await Shop(stock: 5, clock: clock, ledger: faults.wrap(MemoryOrderLedger()))
        faults.inject(.failBefore, into: "sales", calls: 1...100)
        #expect(try await shop.flashSale.restock(shop.sale, adding: 3)?.record.stock == 8)
        #expect(try await shop.flashSale.setAdmission(.paused, of: shop.sale)?.state == .paused)
    }

    /// A fault of each kind in each call that a rebuild makes: it starts over and ends well.
    @Test(arguments: [Faults.Fault.failBefore, .failAfter, .repeat])
    func aRebuildSurvivesAFaultAtEachStep(fault: Faults.Fault) async throws {
        for call in ["identity", "sale", "claim", "drain", "record", "renew", "beginEpoch", "install"] {
            let clock = ManualClock()
            let faults = Faults(clock: clock)
            let shop = try await Shop(
                stock: 5,
                clock: clock,
                ledger: faults.wrap(MemoryOrderLedger()),
                wrapping: { faults.wrap($0) }
            )
            let recorded = try await shop.buy(as: "alice")
            try await shop.record()
            let pending = try await shop.buy(as: "bob")
            try await shop.stock.distrust(shop.sale, epoch: 1)
            faults.inject(fault, into: call, calls: 1...1)
            try await shop.work { try await shop.stock.snapshot(of: shop.sale) != nil }
            #expect(faults.count(of: call) == 1, "\(call)")
            for (order, user) in [(recorded, "alice"), (pending, "bob")] {
                let found = try await shop.flashSale.order(order.id, of: UserID(user)!)
                #expect(found?.status == .awaitingPayment, "\(call): what was in the outbox is honoured")
            }
            #expect(try await shop.unitsAccountedFor() == 5, "\(call)")
        }
    }

    /// An order that was acknowledged to the outbox and has no row looks the same as a row that the ledger lost: its
    /// unit may be sold and paid, so only an operator can say that it is not.
    @Test func anOrderThatLeftTheOutboxWithoutARowClosesTheSaleUntilTheLossIsAccepted() async throws {
        let shop = try await Shop(stock: 5)
        let order = try await shop.buy(as: "alice")
        let taken = try await shop.stock.outbox.receive(10, as: ConsumerID("vandal"), wait: .zero)
        try await shop.stock.outbox.acknowledge(taken)
        let trouble = SaleTrouble.ledgerLostOrders(known: 1, recorded: 0)
        try await shop.work { shop.flashSale.readiness().troubles[shop.sale] == trouble }
        #expect(shop.flashSale.readiness().isReady == false)
        await #expect(throws: Refused.self) { try await shop.buy(as: "bob") }
        _ = try await shop.ledger.raiseEpoch(of: shop.sale, above: 1, acceptingLoss: true)
        try await shop.work { try await shop.stock.snapshot(of: shop.sale)?.epoch == 3 }
        let found = try await shop.flashSale.order(order.id, of: UserID("alice")!)
        #expect(found?.status == .rejected && found?.reason == .lost)
        #expect(try await shop.unitsAccountedFor() == 5)
        #expect(shop.flashSale.readiness() == Readiness(isReady: true))
    }

    @Test func aStoreThatDoesNotAnswerIsARefusalWithTheOrdersAddress() async throws {
        let clock = ManualClock()
        let faults = Faults(clock: clock)
        let shop = try await Shop(clock: clock, wrapping: { faults.wrap($0) })
        let link = try await shop.link(for: "alice")
        faults.inject(.failAfter, into: "reserve", calls: 1...1)
        let outcome = await shop.flashSale.purchase(link.token, of: shop.sale, by: .user(UserID("alice")!))
        guard case .refused(.unavailable, let order) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(order == link.order)
        // It did happen, and the same link says so.
        #expect(try await shop.flashSale.order(link.order, of: UserID("alice")!)?.status == .queued)
        #expect(try await shop.buy(link, as: "alice").sequence == 1)
    }

    /// As after a kill between the two: whoever starts then does not sell until the reconciler's second look.
    @Test func termsThatReachedOnlyTheLedgerAreBroughtByTheRebuildThatFindsNothingElseToDo() async throws {
        let shop = try await Shop()
        let link = try await shop.link(for: "alice")
        let record = try #require(try await shop.ledger.setAdmission(.paused, of: shop.sale))
        _ = try await shop.flashSale.create(record.sale)
        #expect(try await shop.stock.snapshot(of: shop.sale)?.epoch == 1)
        await #expect(throws: Refused(refusal: .paused)) { try await shop.buy(link, as: "alice") }
    }

    @Test func termsThatDidNotReachTheStoreAreBroughtAgain() async throws {
        let clock = ManualClock()
        let faults = Faults(clock: clock)
        let shop = try await Shop(clock: clock, wrapping: { faults.wrap($0) })
        let link = try await shop.link(for: "alice")
        faults.inject(.failBefore, into: "update", calls: 1...2)
        _ = try await shop.flashSale.setAdmission(.paused, of: shop.sale)
        try await shop.work { try await shop.stock.snapshot(of: shop.sale)?.revision == 2 }
        await #expect(throws: Refused(refusal: .paused)) { try await shop.buy(link, as: "alice") }
    }
}

/// A ledger that can never record certain orders, as if their rows broke a rule that nobody foresaw.
final class PickyLedger: DecoratedLedger {
    let base: any OrderLedger = MemoryOrderLedger()
    private let refused = Locked<Set<OrderID>>([])

    func refuse(_ order: OrderID) { refused.withLock { _ = $0.insert(order) } }

    func record(_ reservations: [Reservation], at now: Timestamp) async throws -> [Order] {
        let refused = refused.withLock { $0 }
        guard reservations.allSatisfy({ !refused.contains($0.order) }) else {
            throw SeckillError(.invalid, "this one never")
        }
        return try await base.record(reservations, at: now)
    }
}
