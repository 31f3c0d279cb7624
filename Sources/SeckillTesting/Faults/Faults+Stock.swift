public import SeckillCore

extension Faults {
    /// The store, with these faults in every call of it and of its outbox.
    public func wrap(_ base: some StockStore) -> any StockStore { FaultyStockStore(base: base, faults: self) }

    /// The source, with these faults in every call.
    public func wrap(_ base: some OrderSource) -> any OrderSource { FaultyOrderSource(base: base, faults: self) }

    /// The queue, with these faults in every call.
    public func wrap(_ base: some OrderQueue) -> any OrderQueue {
        FaultyOrderQueue(base: base, source: FaultyOrderSource(base: base, faults: self), faults: self)
    }
}

private struct FaultyStockStore: StockStore {
    let base: any StockStore
    let faults: Faults

    var outbox: any OrderSource { FaultyOrderSource(base: base.outbox, faults: faults) }
    var isInProcess: Bool { base.isInProcess }
    var name: StoreName { base.name }

    func identity() async throws -> StoreIdentity {
        try await faults.around("identity") { try await base.identity() }
    }

    func reserve(_ order: OrderID, for user: UserID) async throws -> ReserveOutcome {
        try await faults.around("reserve") { try await base.reserve(order, for: user) }
    }

    func giveBack(_ returns: [StockReturn]) async throws -> [GiveBackOutcome] {
        try await faults.around("giveBack") { try await base.giveBack(returns) }
    }

    func reservation(of order: OrderID) async throws -> Reservation? {
        try await faults.around("reservation") { try await base.reservation(of: order) }
    }

    func snapshots(of sales: [SaleID]) async throws -> [StockSnapshot?] {
        try await faults.around("snapshots") { try await base.snapshots(of: sales) }
    }

    func retire(_ sale: SaleID, epoch: Int) async throws {
        try await faults.around("retire") { try await base.retire(sale, epoch: epoch) }
    }

    func update(_ terms: SaleTerms) async throws {
        try await faults.around("update") { try await base.update(terms) }
    }

    func claim(_ record: SaleRecord, identity: StoreIdentity, lifetime: Duration) async throws -> ClaimOutcome {
        try await faults.around("claim") {
            try await base.claim(record, identity: identity, lifetime: lifetime)
        }
    }

    func renew(_ claim: StockClaim, for lifetime: Duration) async throws -> Bool {
        try await faults.around("renew") { try await base.renew(claim, for: lifetime) }
    }

    func drain(_ claim: StockClaim, after cursor: String?, limit: Int) async throws -> DrainPage {
        try await faults.around("drain") { try await base.drain(claim, after: cursor, limit: limit) }
    }

    func orderKeys(of sale: SaleID, epoch: Int, after cursor: String?, limit: Int) async throws -> OrderKeyPage {
        try await faults.around("orderKeys") {
            try await base.orderKeys(of: sale, epoch: epoch, after: cursor, limit: limit)
        }
    }

    func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool {
        try await faults.around("install") { try await base.install(stock, under: claim) }
    }

    func abandon(_ claim: StockClaim) async throws {
        try await faults.around("abandon") { try await base.abandon(claim) }
    }

    func distrust(_ sale: SaleID, epoch: Int) async throws {
        try await faults.around("distrust") { try await base.distrust(sale, epoch: epoch) }
    }

    func restocks() -> AsyncStream<Restock> { base.restocks() }
}

private struct FaultyOrderSource: OrderSource {
    let base: any OrderSource
    let faults: Faults

    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        try await faults.around("receive") { try await base.receive(max, as: consumer, wait: wait) }
    }

    func acknowledge(_ deliveries: [Delivery]) async throws {
        try await faults.around("acknowledge") { try await base.acknowledge(deliveries) }
    }

    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        try await faults.around("takeOver") { try await base.takeOver(max, idle: idle, as: consumer) }
    }

    func deadLetter(_ delivery: Delivery, because reason: String) async throws {
        try await faults.around("deadLetter") { try await base.deadLetter(delivery, because: reason) }
    }

    func depth() async throws -> QueueDepth {
        try await faults.around("depth") { try await base.depth() }
    }
}

private struct FaultyOrderQueue: OrderQueue {
    let base: any OrderQueue
    let source: FaultyOrderSource
    let faults: Faults

    func append(_ reservations: [Reservation]) async throws {
        try await faults.around("append") { try await base.append(reservations) }
    }

    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        try await source.receive(max, as: consumer, wait: wait)
    }

    func acknowledge(_ deliveries: [Delivery]) async throws { try await source.acknowledge(deliveries) }

    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        try await source.takeOver(max, idle: idle, as: consumer)
    }

    func deadLetter(_ delivery: Delivery, because reason: String) async throws {
        try await source.deadLetter(delivery, because: reason)
    }

    func depth() async throws -> QueueDepth { try await source.depth() }
}
