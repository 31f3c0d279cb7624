import SeckillCore
import SeckillTesting

/// A stock store that can lose everything at once, as a Redis does that comes back empty: another store from then on.
///
/// Calls that were under way end on the store they began on.
final class LosableStockStore: StockStore {
    private let clock: any SaleClock
    private let current: Locked<MemoryStockStore>

    let name: StoreName

    init(name: StoreName = StoreName("losable"), clock: any SaleClock) {
        self.name = name
        self.clock = clock
        current = Locked(MemoryStockStore(name: name, clock: clock))
    }

    func lose() { current.withLock { $0 = MemoryStockStore(name: name, clock: clock) } }

    private var store: MemoryStockStore { current.withLock { $0 } }

    var isInProcess: Bool { false }
    var outbox: any OrderSource { LosableOutbox(store: { self.store.outbox }) }
    func identity() async throws -> StoreIdentity { try await store.identity() }
    func reserve(_ order: OrderID, for user: UserID) async throws -> ReserveOutcome {
        try await store.reserve(order, for: user)
    }
    func giveBack(_ returns: [StockReturn]) async throws -> [GiveBackOutcome] { try await store.giveBack(returns) }
    func reservation(of order: OrderID) async throws -> Reservation? { try await store.reservation(of: order) }
    func snapshot(of sale: SaleID) async throws -> StockSnapshot? { try await store.snapshot(of: sale) }
    func update(_ terms: SaleTerms) async throws { try await store.update(terms) }
    func claim(_ record: SaleRecord, identity: StoreIdentity, lifetime: Duration) async throws -> ClaimOutcome {
        try await store.claim(record, identity: identity, lifetime: lifetime)
    }
    func renew(_ claim: StockClaim, for lifetime: Duration) async throws -> Bool {
        try await store.renew(claim, for: lifetime)
    }
    func drain(_ claim: StockClaim, after cursor: String?, limit: Int) async throws -> DrainPage {
        try await store.drain(claim, after: cursor, limit: limit)
    }
    func orderKeys(of sale: SaleID, epoch: Int, after cursor: String?, limit: Int) async throws -> OrderKeyPage {
        try await store.orderKeys(of: sale, epoch: epoch, after: cursor, limit: limit)
    }
    func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool {
        try await store.install(stock, under: claim)
    }
    func abandon(_ claim: StockClaim) async throws { try await store.abandon(claim) }
    func distrust(_ sale: SaleID, epoch: Int) async throws { try await store.distrust(sale, epoch: epoch) }
    func restocks() -> AsyncStream<Restock> { store.restocks() }
}

private struct LosableOutbox: OrderSource {
    let store: @Sendable () -> any OrderSource
    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        try await store().receive(max, as: consumer, wait: wait)
    }
    func acknowledge(_ deliveries: [Delivery]) async throws { try await store().acknowledge(deliveries) }
    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        try await store().takeOver(max, idle: idle, as: consumer)
    }
    func deadLetter(_ delivery: Delivery, because reason: String) async throws {
        try await store().deadLetter(delivery, because: reason)
    }
    func depth() async throws -> QueueDepth { try await store().depth() }
}
