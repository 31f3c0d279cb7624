import SeckillTesting
import Testing

@testable import SeckillCore

/// One sale whose rows are damaged: it is closed, and the others go on.
struct DamageTests {
    private let damaged = SaleID("a")!

    private func shop(_ ledger: DamagedLedger) async throws -> Shop {
        let shop = try await Shop(ledger: ledger)
        _ = try await shop.flashSale.create(
            Sale(id: damaged, title: "A", price: 1, stock: 10, opensAt: shop.clock.now)
        )
        return shop
    }

    private func buyDamaged(_ shop: Shop, as user: String) async throws -> PurchaseOutcome {
        let user = UserID(user)!
        guard case .granted(let link) = await shop.flashSale.link(to: damaged, for: .user(user)) else {
            throw Refused(refusal: .noSale)
        }
        return await shop.flashSale.purchase(link.token, of: damaged, by: .user(user))
    }

    @Test func theOtherSalesGoOn() async throws {
        let ledger = DamagedLedger()
        let shop = try await shop(ledger)
        guard case .accepted(let stuck) = try await buyDamaged(shop, as: "alice") else {
            Issue.record("refused")
            return
        }
        ledger.damaged.withLock { $0 = [damaged] }
        let order = try await shop.buy(as: "bob")
        try await shop.work { try await shop.ledger.lookUp(order.id).order != nil }
        try await shop.work { shop.flashSale.readiness().troubles == [damaged: .damaged] }
        #expect(shop.flashSale.readiness().isReady)
        #expect(try await shop.stock.snapshot(of: damaged) == nil)
        // Repaired, it sells again, and what was queued is recorded.
        ledger.damaged.withLock { $0 = [] }
        try await shop.work {
            try await shop.flashSale.order(stuck.id, of: stuck.user)?.status == .awaitingPayment
        }
        try await shop.work { shop.flashSale.readiness() == Readiness(isReady: true) }
    }

    @Test func aNodeThatStartsBesideADamagedSaleSellsTheOthers() async throws {
        let ledger = DamagedLedger()
        let before = try await shop(ledger)
        ledger.damaged.withLock { $0 = [damaged] }
        let shop = try await Shop(clock: before.clock, ledger: ledger)
        try await shop.work { try await shop.stock.snapshot(of: shop.sale) != nil }
        #expect(try await shop.buy(as: "bob").status == .queued)
        guard case .refused(.unavailable) = await shop.flashSale.link(to: damaged, for: .user(UserID("bob")!)) else {
            Issue.record("a damaged sale is not one that does not exist")
            return
        }
    }

    /// An order that names a sale which this ledger does not have cannot even be rejected: it is put aside.
    @Test func anOrderOfAnUnknownSaleIsDeadLettered() async throws {
        var configuration = FlashSale.Configuration()
        configuration.takeOver = .seconds(2)
        let shop = try await Shop(configuration: configuration)
        let unknown = try Sale(id: SaleID("unknown")!, title: "U", price: 1, stock: 5, opensAt: shop.clock.now)
        let record = SaleRecord(unknown, epoch: 0)
        guard
            case .claimed(let claim) = try await shop.stock.claim(
                record,
                identity: shop.stock.identity(),
                lifetime: .seconds(5)
            )
        else { return }
        let stock = InstalledStock(terms: record.terms, epoch: 1, remaining: 5, held: [:])
        #expect(try await shop.stock.install(stock, under: claim))
        let order = try Shop.signer().mintOrder(sale: unknown.id, epoch: 1, user: UserID("alice")!)
        _ = try await shop.stock.reserve(order, for: UserID("alice")!)
        let bought = try await shop.buy(as: "bob")
        try await shop.work { try await shop.stock.outbox.depth().deadLettered == 1 }
        try await shop.work { try await shop.ledger.lookUp(bought.id).order != nil }
        #expect(try await shop.stock.outbox.depth().count == 0)
    }
}

/// A ledger some of whose sales cannot be read.
private final class DamagedLedger: DecoratedLedger {
    let base: any OrderLedger = MemoryOrderLedger()
    let damaged = Locked<Set<SaleID>>([])

    private func check(_ sale: SaleID) throws {
        if damaged.withLock({ $0.contains(sale) }) { throw SeckillError(.damaged, "damaged on purpose") }
    }

    func create(_ sale: Sale) async throws -> CreateSaleOutcome {
        try check(sale.id)
        return try await base.create(sale)
    }
    func sale(_ id: SaleID) async throws -> SaleRecord? {
        try check(id)
        return try await base.sale(id)
    }
    func sales(changedAfter change: Int) async throws -> SaleListing {
        let damaged = damaged.withLock { $0 }
        let records = try await base.sales().records
        return SaleListing(
            records.filter { !damaged.contains($0.sale.id) },
            damaged: records.map(\.sale.id).filter { damaged.contains($0) }
        )
    }
    func setAdmission(_ admission: Admission, of sale: SaleID) async throws -> SaleRecord? {
        try check(sale)
        return try await base.setAdmission(admission, of: sale)
    }
    func restock(_ sale: SaleID, adding units: Int, id: String) async throws -> SaleRecord? {
        try check(sale)
        return try await base.restock(sale, adding: units, id: id)
    }
    func record(_ reservations: [Reservation], at now: Timestamp) async throws -> [Order] {
        for reservation in reservations { try check(reservation.order.sale) }
        return try await base.record(reservations, at: now)
    }
    func reject(_ reservation: Reservation, because reason: RejectionReason, at now: Timestamp) async throws -> Order {
        try check(reservation.order.sale)
        return try await base.reject(reservation, because: reason, at: now)
    }
    func pay(_ order: OrderID, at now: Timestamp) async throws -> SettleOutcome {
        try check(order.sale)
        return try await base.pay(order, at: now)
    }
    func cancel(_ order: OrderID, at now: Timestamp) async throws -> SettleOutcome {
        try check(order.sale)
        return try await base.cancel(order, at: now)
    }
    func lookUp(_ order: OrderID) async throws -> LedgerAnswer {
        try check(order.sale)
        return try await base.lookUp(order)
    }
    func pendingReturns(limit: Int, excluding sales: Set<SaleID>) async throws -> [StockReturn] {
        try await base.pendingReturns(limit: limit, excluding: sales.union(damaged.withLock { $0 }))
    }
    func transfer(_ sale: SaleID, to store: StoreName?, takeover number: Int) async throws -> SaleRecord? {
        try check(sale)
        return try await base.transfer(sale, to: store, takeover: number)
    }
    func raiseEpoch(of sale: SaleID, above epoch: Int, acceptingLoss: Bool) async throws -> SaleRecord? {
        try check(sale)
        return try await base.raiseEpoch(of: sale, above: epoch, acceptingLoss: acceptingLoss)
    }
    func beginEpoch(after epoch: Int, of sale: SaleID, in store: StoreName) async throws -> BeginEpochOutcome? {
        try check(sale)
        return try await base.beginEpoch(after: epoch, of: sale, in: store)
    }
}
