import SeckillCore

/// A source that is another one but for what a type says itself.
protocol DecoratedSource: OrderSource { var base: any OrderSource { get } }

extension DecoratedSource {
    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        try await base.receive(max, as: consumer, wait: wait)
    }
    func acknowledge(_ deliveries: [Delivery]) async throws { try await base.acknowledge(deliveries) }
    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        try await base.takeOver(max, idle: idle, as: consumer)
    }
    func deadLetter(_ delivery: Delivery, because reason: String) async throws {
        try await base.deadLetter(delivery, because: reason)
    }
    func depth() async throws -> QueueDepth { try await base.depth() }
}

/// A store that is another one but for what a type says itself.
protocol DecoratedStore: StockStore { var base: any StockStore { get } }

extension DecoratedStore {
    var isInProcess: Bool { base.isInProcess }
    var name: StoreName { base.name }
    var outbox: any OrderSource { base.outbox }
    func restocks() -> AsyncStream<Restock> { base.restocks() }
    func identity() async throws -> StoreIdentity { try await base.identity() }
    func reserve(_ order: OrderID, for user: UserID) async throws -> ReserveOutcome {
        try await base.reserve(order, for: user)
    }
    func giveBack(_ returns: [StockReturn]) async throws -> [GiveBackOutcome] { try await base.giveBack(returns) }
    func reservation(of order: OrderID) async throws -> Reservation? { try await base.reservation(of: order) }
    func snapshots(of sales: [SaleID]) async throws -> [StockSnapshot?] { try await base.snapshots(of: sales) }
    func retire(_ sale: SaleID, epoch: Int) async throws { try await base.retire(sale, epoch: epoch) }
    func update(_ terms: SaleTerms) async throws { try await base.update(terms) }
    func claim(_ record: SaleRecord, identity: StoreIdentity, lifetime: Duration) async throws -> ClaimOutcome {
        try await base.claim(record, identity: identity, lifetime: lifetime)
    }
    func renew(_ claim: StockClaim, for lifetime: Duration) async throws -> Bool {
        try await base.renew(claim, for: lifetime)
    }
    func drain(_ claim: StockClaim, after cursor: String?, limit: Int) async throws -> DrainPage {
        try await base.drain(claim, after: cursor, limit: limit)
    }
    func orderKeys(of sale: SaleID, epoch: Int, after cursor: String?, limit: Int) async throws -> OrderKeyPage {
        try await base.orderKeys(of: sale, epoch: epoch, after: cursor, limit: limit)
    }
    func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool {
        try await base.install(stock, under: claim)
    }
    func abandon(_ claim: StockClaim) async throws { try await base.abandon(claim) }
    func distrust(_ sale: SaleID, epoch: Int) async throws { try await base.distrust(sale, epoch: epoch) }
}

/// A ledger that is another one but for what a type says itself.
protocol DecoratedLedger: OrderLedger { var base: any OrderLedger { get } }

extension DecoratedLedger {
    func identity() async throws -> LedgerID { try await base.identity() }
    func create(_ sale: Sale) async throws -> CreateSaleOutcome { try await base.create(sale) }
    func sale(_ id: SaleID) async throws -> SaleRecord? { try await base.sale(id) }
    func sales(changedAfter change: Int) async throws -> SaleListing { try await base.sales(changedAfter: change) }
    func setAdmission(_ admission: Admission, of sale: SaleID) async throws -> SaleRecord? {
        try await base.setAdmission(admission, of: sale)
    }
    func restock(_ sale: SaleID, adding units: Int, id: String) async throws -> SaleRecord? {
        try await base.restock(sale, adding: units, id: id)
    }
    func record(_ reservations: [Reservation], at now: Timestamp) async throws -> [Order] {
        try await base.record(reservations, at: now)
    }
    func reject(_ reservation: Reservation, because reason: RejectionReason, at now: Timestamp) async throws -> Order {
        try await base.reject(reservation, because: reason, at: now)
    }
    func pay(_ order: OrderID, at now: Timestamp) async throws -> SettleOutcome { try await base.pay(order, at: now) }
    func cancel(_ order: OrderID, at now: Timestamp) async throws -> SettleOutcome {
        try await base.cancel(order, at: now)
    }
    func expire(dueAt now: Timestamp, limit: Int) async throws -> [Order] {
        try await base.expire(dueAt: now, limit: limit)
    }
    func lookUp(_ order: OrderID) async throws -> LedgerAnswer { try await base.lookUp(order) }
    func orders(of user: UserID, limit: Int) async throws -> [Order] { try await base.orders(of: user, limit: limit) }
    func pendingReturns(limit: Int, excluding sales: Set<SaleID>) async throws -> [StockReturn] {
        try await base.pendingReturns(limit: limit, excluding: sales)
    }
    func markReturnsApplied(_ returns: [StockReturn]) async throws { try await base.markReturnsApplied(returns) }
    func transfer(_ sale: SaleID, to store: StoreName?, takeover number: Int) async throws -> SaleRecord? {
        try await base.transfer(sale, to: store, takeover: number)
    }
    func raiseEpoch(of sale: SaleID, above epoch: Int, acceptingLoss: Bool) async throws -> SaleRecord? {
        try await base.raiseEpoch(of: sale, above: epoch, acceptingLoss: acceptingLoss)
    }
    func beginEpoch(after epoch: Int, of sale: SaleID, in store: StoreName) async throws -> BeginEpochOutcome? {
        try await base.beginEpoch(after: epoch, of: sale, in: store)
    }
}
