import Logging
import SeckillTesting
import Testing

@testable import SeckillCore

/// What a node with many sales asks of store and ledger.
struct ManySalesTests {
    private let clock = ManualClock()
    private let ledger = CountingLedger()
    private let store: CountingStore

    init() { store = CountingStore(base: MemoryStockStore(clock: clock)) }

    private func node(logger: Logger = LogLines().logger()) throws -> FlashSale {
        FlashSale(
            stock: store,
            ledger: ledger,
            sessions: MemorySessionStore(clock: clock),
            signer: try Shop.signer(),
            clock: clock,
            random: SeededRandom(3),
            logger: logger
        )
    }

    private func sale(_ number: Int, opensIn: Duration = .zero, closesIn: Duration? = nil) throws -> Sale {
        try Sale(
            id: Self.name(number),
            title: "Sale",
            price: 1,
            stock: 5,
            opensAt: clock.now + opensIn,
            closesAt: closesIn.map { clock.now + $0 },
            paymentWindow: .seconds(60)
        )
    }

    private static func name(_ number: Int) -> SaleID { SaleID("sale-\(number + 1000)")! }

    /// A node whose sales are installed, and in none of which anything happens any more.
    private func quietNode(with count: Int) async throws -> (FlashSale, Reconciler.State) {
        let node = try node()
        for number in 0..<count { _ = try await node.create(sale(number)) }
        var state = Reconciler.State()
        for _ in 0..<4 { try await node.reconciler.sweep(&state) }
        clock.advance(by: .seconds(60))
        try await node.reconciler.sweep(&state)
        _ = store.takeAsked()
        _ = ledger.takeListed()
        return (node, state)
    }

    private func buy(_ number: Int, from node: FlashSale, as user: String) async throws {
        let user = UserID(user)!
        guard case .granted(let link) = await node.link(to: Self.name(number), for: .user(user)),
            case .accepted = await node.purchase(link.token, of: Self.name(number), by: .user(user))
        else { throw SeckillError(.unavailable, "refused") }
    }

    @Test func idleSalesTakeTurns() async throws {
        var (node, state) = try await quietNode(with: 200)
        for _ in 0..<20 { try await node.reconciler.sweep(&state) }
        let asked = store.takeAsked()
        #expect(asked.count == 200, "ten on each sweep")
        #expect(Set(asked).count == 200, "and all in twenty")
        #expect(ledger.takeListed() == 0, "of sales that did not change, no record is read")
    }

    @Test func aSaleInWhichSomethingHappensIsLookedAtOnEverySweep() async throws {
        var (node, state) = try await quietNode(with: 200)
        try await buy(150, from: node, as: "alice")
        for _ in 0..<8 {
            try await node.reconciler.sweep(&state)
            #expect(store.takeAsked().contains(Self.name(150)))
        }
        clock.advance(by: .seconds(60))
        var seen = 0
        for _ in 0..<8 {
            try await node.reconciler.sweep(&state)
            if store.takeAsked().contains(Self.name(150)) { seen += 1 }
        }
        #expect(seen <= 1)
    }

    /// Changed by another node, on the ledger they share.
    @Test func aChangeInTheLedgerMakesASaleActive() async throws {
        var (node, state) = try await quietNode(with: 200)
        _ = try await ledger.setAdmission(.paused, of: Self.name(77))
        try await node.reconciler.sweep(&state)
        #expect(ledger.takeListed() == 1)
        try await node.reconciler.sweep(&state)
        #expect(store.takeAsked().contains(Self.name(77)))
        #expect(try await store.snapshot(of: Self.name(77))?.revision == 2)
    }

    @Test func aSaleThatOpensIsLookedAt() async throws {
        let node = try node()
        for number in 0..<200 { _ = try await node.create(sale(number)) }
        _ = try await node.create(sale(200, opensIn: .seconds(3600)))
        var state = Reconciler.State()
        for _ in 0..<4 { try await node.reconciler.sweep(&state) }
        clock.advance(by: .seconds(3599))
        _ = store.takeAsked()
        var events = node.saleEvents().makeAsyncIterator()
        for _ in 0..<8 {
            try await node.reconciler.sweep(&state)
            #expect(store.takeAsked().contains(Self.name(200)))
            clock.advance(by: .milliseconds(250))
        }
        let opened = await events.next()
        #expect(opened?.record.sale.id == Self.name(200) && opened?.state == .open)
    }

    /// What happened to one sale may have happened to all: none waits for its turn.
    @Test func aLossIsFollowedByALookAtAllSales() async throws {
        var (node, state) = try await quietNode(with: 200)
        for number in 0..<200 { try await store.distrust(Self.name(number), epoch: 1) }
        try await node.reconciler.sweep(&state)
        for number in 0..<200 { #expect(try await store.snapshot(of: Self.name(number))?.epoch == 2) }
        try await node.reconciler.sweep(&state)
        #expect(node.readiness() == Readiness(isReady: true))
    }

    @Test func whatSellsIsRebuiltFirst() async throws {
        let first = try node()
        for number in 0..<100 { _ = try await first.create(sale(number, opensIn: .seconds(Int64(7200 - number)))) }
        _ = try await first.create(sale(200))
        _ = try await first.create(sale(201))
        for user in 0..<3 { try await buy(201, from: first, as: "user-\(user)") }
        while true {
            let deliveries = try await store.outbox.receive(10, as: ConsumerID("test"), wait: .zero)
            guard !deliveries.isEmpty else { break }
            _ = try await ledger.record(deliveries.compactMap(\.reservation), at: clock.now)
            try await store.outbox.acknowledge(deliveries)
        }
        _ = try await first.setAdmission(.paused, of: Self.name(0))
        clock.advance(by: .seconds(60))
        var state = Reconciler.State()
        let restarted = try node()
        _ = store.takeAsked()
        try await restarted.reconciler.sweep(&state)
        let order = store.takeAsked()
        #expect(order.prefix(3) == [Self.name(201), Self.name(200), Self.name(99)])
        #expect(order.last == Self.name(0))
    }

    @Test func aSaleThatIsOverAndRecordedIsRetiredAndCostsNothing() async throws {
        let node = try node()
        _ = try await node.create(sale(1))
        let user = UserID("alice")!
        guard case .granted(let link) = await node.link(to: Self.name(1), for: .user(user)) else { return }
        let token = link.token
        guard case .accepted(let order) = await node.purchase(token, of: Self.name(1), by: .user(user)) else { return }
        var state = Reconciler.State()
        _ = try await node.setAdmission(.closed, of: Self.name(1))
        for _ in 0..<4 { try await node.reconciler.sweep(&state) }
        #expect(try await store.snapshot(of: Self.name(1)) != nil, "an order is still queued")

        let deliveries = try await store.outbox.receive(10, as: ConsumerID("test"), wait: .zero)
        _ = try await ledger.record(deliveries.compactMap(\.reservation), at: clock.now)
        try await store.outbox.acknowledge(deliveries)
        for _ in 0..<4 { try await node.reconciler.sweep(&state) }
        #expect(try await ledger.sale(Self.name(1))?.holder == nil)
        #expect(try await store.snapshot(of: Self.name(1)) == nil)
        _ = store.takeAsked()
        for _ in 0..<10 { try await node.reconciler.sweep(&state) }
        #expect(store.takeAsked().isEmpty)
        #expect(try await ledger.sale(Self.name(1))?.epoch == 1, "and it is not rebuilt")

        // Its buyer still finds the order, by its name and by the link.
        #expect(try await node.order(order.id, of: user)?.status == .awaitingPayment)
        guard case .accepted(let again) = await node.purchase(token, of: Self.name(1), by: .user(user)) else {
            Issue.record("the link does not lead to its order")
            return
        }
        #expect(again.id == order.id)
        // A unit that comes back now goes to no store.
        _ = try await node.cancel(order.id, of: user)
        #expect(try await ledger.pendingReturns(limit: 10).count == 1)
        try await node.returns.applyAll()
        #expect(try await ledger.pendingReturns(limit: 10).isEmpty)

        // Nor does a restart bring it back.
        let restarted = try self.node()
        var fresh = Reconciler.State()
        for _ in 0..<4 { try await restarted.reconciler.sweep(&fresh) }
        #expect(try await ledger.sale(Self.name(1))?.epoch == 1)
        #expect(restarted.readiness() == Readiness(isReady: true))
    }

    /// Clocks may be wrong: a sale whose time is over may still be open by another node's.
    @Test func aSaleWhoseTimeIsOverIsRetiredTwoDaysLater() async throws {
        let node = try node()
        _ = try await node.create(sale(1, closesIn: .seconds(10)))
        var state = Reconciler.State()
        clock.advance(by: .seconds(86_400))
        for _ in 0..<4 { try await node.reconciler.sweep(&state) }
        #expect(try await ledger.sale(Self.name(1))?.holder == store.name)
        clock.advance(by: .seconds(86_400 + 10))
        for _ in 0..<4 { try await node.reconciler.sweep(&state) }
        #expect(try await ledger.sale(Self.name(1))?.holder == nil)
        #expect(try await store.snapshot(of: Self.name(1)) == nil)
    }

    /// A shop that moved to another store may leave finished sales with the former one.
    @Test func aSaleThatIsOverAndHeldElsewhereIsLeftAlone() async throws {
        _ = try await ledger.create(sale(1, closesIn: .seconds(10)))
        _ = try await ledger.transfer(Self.name(1), to: StoreName("elsewhere"), takeover: 1)
        clock.advance(by: .seconds(20))
        let log = LogLines()
        let node = try node(logger: log.logger())
        var state = Reconciler.State()
        for _ in 0..<40 {
            try await node.reconciler.sweep(&state)
            clock.advance(by: .milliseconds(250))
        }
        #expect(log.lines.isEmpty, "nothing is wrong, four times a second")
        #expect(node.readiness() == Readiness(isReady: true))
    }

    @Test func listsComeInPages() async throws {
        let node = try node()
        for number in (0..<25).reversed() { _ = try await node.create(sale(number)) }
        let first = try await node.sales(limit: 10).map(\.record.sale.id)
        #expect(first == (0..<10).map(Self.name))
        let last = try await node.sales(after: Self.name(19), limit: 10).map(\.record.sale.id)
        #expect(last == (20..<25).map(Self.name))
        #expect(try await node.sales(after: SaleID("sale-1004-")!, limit: 1).first?.record.sale.id == Self.name(5))
        #expect(try await node.sales(after: Self.name(24)).isEmpty)
    }

    @Test func creatingASaleReadsNoOther() async throws {
        let (node, _) = try await quietNode(with: 200)
        _ = try await node.create(sale(300))
        #expect(ledger.takeListed() == 0)
        #expect(Set(store.takeAsked()).subtracting([Self.name(300)]).isEmpty)
    }
}

/// Tells whose snapshots were asked for.
private final class CountingStore: DecoratedStore {
    let base: any StockStore
    private let asked = Locked<[SaleID]>([])

    init(base: any StockStore) { self.base = base }

    func takeAsked() -> [SaleID] {
        asked.withLock { asked in
            defer { asked = [] }
            return asked
        }
    }

    func snapshots(of sales: [SaleID]) async throws -> [StockSnapshot?] {
        asked.withLock { $0 += sales }
        return try await base.snapshots(of: sales)
    }
}

/// Tells how many records it has listed.
private final class CountingLedger: DecoratedLedger {
    let base: any OrderLedger = MemoryOrderLedger()
    private let listed = Locked(0)

    func takeListed() -> Int {
        listed.withLock { listed in
            defer { listed = 0 }
            return listed
        }
    }

    func sales(changedAfter change: Int) async throws -> SaleListing {
        let listing = try await base.sales(changedAfter: change)
        listed.withLock { $0 += listing.records.count }
        return listing
    }
}
