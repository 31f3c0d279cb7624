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
    func snapshot(of sale: SaleID) async throws -> StockSnapshot? { try await base.snapshot(of: sale) }
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
