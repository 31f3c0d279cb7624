internal import SeckillCore

/// The baseline that the queue is compared with: no count of its own and no outbox, every reservation a transaction of
/// the ledger before it is answered.
///
/// The ledger is the store, so there is nothing to rebuild, lose or bring back: a unit is on sale again when its return
/// is closed. Reservations stand in line, for what the ledger says must still be so when it is written; for one process.
final class DirectStockStore: StockStore {
    private let ledger: any OrderLedger
    private let clock: any SaleClock
    private let line = Line()
    let outbox: any OrderSource

    init(ledger: any OrderLedger, clock: any SaleClock) {
        self.ledger = ledger
        self.clock = clock
        outbox = EmptyOutbox(clock: clock)
    }

    /// True: a local flag would be a cache, and this has none.
    var isInProcess: Bool { true }

    var name: StoreName { StoreName("direct") }

    func identity() async throws -> StoreIdentity { StoreIdentity("ledger") }

    func reserve(_ order: OrderID, for user: UserID) async throws -> ReserveOutcome {
        try await line.next { try await self.decide(order, user) }
    }

    private func decide(_ order: OrderID, _ user: UserID) async throws -> ReserveOutcome {
        guard let record = try await ledger.sale(order.sale), order.epoch <= record.epoch, record.holder == name,
            let totals = try await ledger.totals(of: order.sale)
        else { throw SeckillError(.unavailable, "the sale is not installed") }
        if let known = try await ledger.lookUp(order).order { return .alreadyReserved(sequence: known.sequence) }
        guard order.epoch == record.epoch else { return .stale }
        let now = clock.now
        if record.admission == .closed || record.sale.closesAt.map({ now >= $0 }) ?? false { return .closed }
        if record.admission == .paused { return .paused }
        if now < record.sale.opensAt { return .notOpen(opensAt: record.sale.opensAt) }
        let version = StockSnapshot.firstVersion(of: record.epoch)
        guard totals.remaining > 0 else { return .soldOut(version: version) }
        let held = try await ledger.orders(of: user, limit: .max).filter {
            $0.id.sale == order.sale && $0.status.isLive
        }
        guard held.count < record.sale.limitPerUser else { return .limitReached }
        let sequence = record.sequence + 1
        let reservation = Reservation(order: order, user: user, sequence: sequence, reservedAt: now)
        switch try await ledger.record([reservation], at: now).first?.reason {
        case nil: return .reserved(sequence: sequence)
        case .soldOut: return .soldOut(version: version)
        case .limitReached: return .limitReached
        case .lost, .undeliverable: return .stale
        }
    }

    func giveBack(_ returns: [StockReturn]) async throws -> [GiveBackOutcome] { returns.map { _ in .applied } }

    func reservation(of order: OrderID) async throws -> Reservation? { nil }

    func snapshots(of sales: [SaleID]) async throws -> [StockSnapshot?] {
        var snapshots: [StockSnapshot?] = []
        for sale in sales { snapshots.append(try await ledgerSnapshot(of: sale)) }
        return snapshots
    }

    private func ledgerSnapshot(of sale: SaleID) async throws -> StockSnapshot? {
        guard let record = try await ledger.sale(sale), record.epoch > 0, record.holder == name,
            let totals = try await ledger.totals(of: sale)
        else { return nil }
        let sequence = max(record.sequence, record.recorded)
        return StockSnapshot(
            epoch: record.epoch,
            remaining: totals.remaining,
            pending: 0,
            sequence: sequence,
            version: StockSnapshot.firstVersion(of: record.epoch),
            revision: record.revision,
            settled: record.recorded,
            // The sums are the ledger's own: what is not for sale and was not reserved has come back.
            returned: totals.remaining + sequence - record.installed
        )
    }

    func update(_ terms: SaleTerms) async throws {}

    func claim(_ record: SaleRecord, identity: StoreIdentity, lifetime: Duration) async throws -> ClaimOutcome {
        // A sale that is new, or was another store's, needs an epoch of this one. Nothing else is ever out of step.
        guard record.epoch > 0, record.holder == name else {
            return .claimed(StockClaim(sale: record.sale.id, token: "first", identity: identity, epoch: 0))
        }
        return .current
    }

    func renew(_ claim: StockClaim, for lifetime: Duration) async throws -> Bool { true }

    func drain(_ claim: StockClaim, after cursor: String?, limit: Int) async throws -> DrainPage {
        DrainPage([], next: nil)
    }

    func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool { true }

    func abandon(_ claim: StockClaim) async throws {}

    func distrust(_ sale: SaleID, epoch: Int) async throws {}

    func retire(_ sale: SaleID, epoch: Int) async throws {}

    func restocks() -> AsyncStream<Restock> { AsyncStream { $0.finish() } }
}

extension SaleTotals {
    fileprivate var remaining: Int { stock - awaiting - paid - returning }
}

/// Nothing waits: what is reserved is recorded.
private struct EmptyOutbox: OrderSource {
    let clock: any SaleClock

    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        try await clock.sleep(for: wait)
        return []
    }
    func acknowledge(_ deliveries: [Delivery]) async throws {}
    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] { [] }
    func deadLetter(_ delivery: Delivery, because reason: String) async throws {}
    func depth() async throws -> QueueDepth { QueueDepth(count: 0, age: .zero, deadLettered: 0) }
}
