/// Stock in this process: the fastest store there is, and the fake for tests.
///
/// It forgets everything with the process; the next start rebuilds from the ledger, and what was acknowledged but not
/// yet recorded becomes a visible `rejected(lost)`. Cost: one lock and a few hash look-ups a call; about 75 bytes an
/// order beside its id and its user's, until its sale's next epoch.
public final class MemoryStockStore: StockStore {
    private struct Claim: Sendable {
        var token: String
        var until: Duration
    }

    private struct Claims: Sendable {
        var made = 0
        var open: [SaleID: Claim] = [:]

        func isAlive(_ claim: StockClaim, at now: Duration) -> Bool {
            open[claim.sale].map { $0.token == claim.token && $0.until > now } ?? false
        }
    }

    private let clock: any SaleClock
    private let outboxLimit: Int
    private let instance: StoreIdentity
    private let shelf = SaleShelf()
    private let claims = Locked(Claims())
    private let arrivals = Bell()
    private let signals = Broadcast<Restock>()

    /// The name that it was made with.
    public let name: StoreName

    /// An empty store.
    /// - Parameters:
    ///   - name: tells it from other stores of the same ledger. Processes that share a ledger must not share a name,
    ///     or each would rebuild its own store again and again.
    ///   - outboxLimit: orders of one sale that may wait for a worker.
    public init(
        name: StoreName = StoreName("memory"),
        clock: any SaleClock = .system,
        random: any RandomSource = .system,
        outboxLimit: Int = 1_000_000
    ) {
        self.name = name
        self.clock = clock
        self.outboxLimit = outboxLimit
        instance = StoreIdentity(Base64URL.encode(random.bytes(12)))
    }

    /// One for every instance.
    public func identity() async throws -> StoreIdentity { instance }

    /// True: asking costs less than remembering.
    public var isInProcess: Bool { true }

    /// The orders that no worker has acknowledged.
    public var outbox: any OrderSource { MemoryOutbox(store: self) }

    /// See ``reserveNow(_:for:)``; never suspends.
    public func reserve(_ order: OrderID, for user: UserID) async throws -> ReserveOutcome {
        try reserveNow(order, for: user)
    }

    /// ``StockStore/reserve(_:for:)`` without an `await`, for callers that are in no task.
    public func reserveNow(_ order: OrderID, for user: UserID) throws(SeckillError) -> ReserveOutcome {
        let outcome = try shelf.reserve(order, for: user, at: clock.now, outboxLimit: outboxLimit)
        if case .reserved = outcome { arrivals.ring() }
        return outcome
    }

    /// Applies each in one step.
    public func giveBack(_ returns: [StockReturn]) async throws -> [GiveBackOutcome] {
        var restocks: [SaleID: Int] = [:]
        let outcomes = returns.map { units -> GiveBackOutcome in
            let answer = shelf.with(units.sale) { ($0.giveBack(units), $0.version) }
            guard let (outcome, version) = answer else { return .refused }
            if outcome == .applied { restocks[units.sale] = version }
            return outcome
        }
        signals.send(restocks.map { Restock(sale: $0, version: $1) }.sorted { $0.sale.text < $1.sale.text })
        return outcomes
    }

    /// One look-up.
    public func reservation(of order: OrderID) async throws -> Reservation? {
        shelf.with(order.sale) { $0.isTrusted ? $0.reservation(of: order) : nil } ?? nil
    }

    /// One look-up each.
    public func snapshots(of sales: [SaleID]) async throws -> [StockSnapshot?] {
        sales.map { sale in shelf.with(sale) { $0.isTrusted ? $0.snapshot : nil } ?? nil }
    }

    /// Replaces older terms.
    public func update(_ terms: SaleTerms) async throws {
        shelf.with(terms.sale) { if $0.isTrusted { $0.update(terms) } }
    }

    /// Compares and claims in one step.
    public func claim(
        _ record: SaleRecord,
        identity: StoreIdentity,
        lifetime: Duration
    ) async throws -> ClaimOutcome {
        guard identity == instance else { return .busy }
        let now = clock.uptime
        let sale = record.sale.id
        return claims.withLock { claims in
            let decided = shelf.with(sale) { $0.compare(with: record, isTrusted: $0.isTrusted) } ?? nil
            if let decided { return decided }
            if let claim = claims.open[sale], claim.until > now { return .busy }
            claims.made += 1
            let token = String(claims.made)
            claims.open[sale] = Claim(token: token, until: now + lifetime)
            let epoch = shelf.with(sale) { stock in
                stock.isTrusted = false
                return stock.epoch
            }
            return .claimed(StockClaim(sale: sale, token: token, identity: identity, epoch: epoch ?? 0))
        }
    }

    /// Moves the end of the lease.
    public func renew(_ claim: StockClaim, for lifetime: Duration) async throws -> Bool {
        let now = clock.uptime
        return claims.withLock { claims in
            guard claims.isAlive(claim, at: now), claim.identity == instance else { return false }
            claims.open[claim.sale]?.until = now + lifetime
            return true
        }
    }

    /// Reads a page with the lock held.
    public func drain(_ claim: StockClaim, after cursor: String?, limit: Int) async throws -> DrainPage {
        shelf.with(claim.sale) { stock in
            stock.epoch == claim.epoch ? stock.drain(after: cursor, limit: limit) : DrainPage([], next: nil)
        } ?? DrainPage([], next: nil)
    }

    /// Builds the new stock beside the old one and exchanges them in one step.
    public func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool {
        try stock.check()
        let now = clock.uptime
        let fresh = SaleStock(stock)
        let (installed, replaced) = claims.withLock { claims in
            guard claims.isAlive(claim, at: now), claim.identity == instance else { return (false, nil as SaleStock?) }
            return shelf.withLock { sales in
                guard sales[claim.sale]?.epoch ?? -1 < stock.epoch else { return (false, nil) }
                claims.open[claim.sale] = nil
                return (true, sales.updateValue(fresh, forKey: claim.sale))
            }
        }
        // Freed here, not with the locks held: it may hold a million orders.
        withExtendedLifetime(replaced) {}
        if installed { signals.send([Restock(sale: claim.sale, version: fresh.version)]) }
        return installed
    }

    /// Gives a claim up.
    public func abandon(_ claim: StockClaim) async throws {
        claims.withLock { claims in
            if claims.open[claim.sale]?.token == claim.token { claims.open[claim.sale] = nil }
        }
    }

    /// Stops vouching for a sale.
    public func distrust(_ sale: SaleID, epoch: Int) async throws {
        shelf.with(sale) { if $0.epoch == epoch { $0.isTrusted = false } }
    }

    /// Forgets the sale at once.
    public func retire(_ sale: SaleID, epoch: Int) async throws {
        let removed = shelf.withLock { sales -> SaleStock? in
            guard let stock = sales[sale], stock.epoch == epoch, !stock.hasPending else { return nil }
            return sales.removeValue(forKey: sale)
        }
        // Freed here, not with the lock held: it may hold a million orders.
        withExtendedLifetime(removed) {}
    }

    /// Signals of this instance.
    public func restocks() -> AsyncStream<Restock> { signals.subscribe() }

    // MARK: The outbox

    fileprivate func receive(_ max: Int, wait: Duration) async throws -> [Delivery] {
        try Task.checkCancellation()
        let deliveries = receiveNow(max)
        guard deliveries.isEmpty, wait > .zero else { return deliveries }
        try await arrivals.wait(upTo: wait, by: clock) {
            shelf.containsPending { $0.hasWaiting() }
        }
        return receiveNow(max)
    }

    private func receiveNow(_ max: Int) -> [Delivery] {
        let now = clock.uptime
        return shelf.collect(max) { $0.receive($1, at: now) }
    }

    fileprivate func takeOver(_ max: Int, idle: Duration) -> [Delivery] {
        let now = clock.uptime
        return shelf.collect(max) { $0.takeOver($1, idle: idle, at: now) }
    }

    fileprivate func settle(_ deliveries: [Delivery], aside: Bool) {
        for delivery in deliveries {
            guard case .reservation(let reservation) = delivery.content else { continue }
            shelf.with(reservation.order.sale) { $0.settle(delivery, aside: aside) }
        }
    }

    fileprivate func depth() -> QueueDepth { shelf.depth(at: clock.now) }
}

/// The outboxes of all sales of one store, as one source.
private struct MemoryOutbox: OrderSource {
    let store: MemoryStockStore

    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        try await store.receive(max, wait: wait)
    }

    func acknowledge(_ deliveries: [Delivery]) async throws { store.settle(deliveries, aside: false) }

    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        store.takeOver(max, idle: idle)
    }

    func deadLetter(_ delivery: Delivery, because reason: String) async throws {
        store.settle([delivery], aside: true)
    }

    func depth() async throws -> QueueDepth { store.depth() }
}
