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
    }

    private let clock: any SaleClock
    private let outboxLimit: Int
    private let instance: StoreIdentity
    private let shelf = SaleShelf()
    private let claims = Locked(Claims())
    private let turns = Locked(SaleTurns())
    private let arrivals = Bell()
    private let signals = Broadcast<Restock>()

    /// An empty store, whose outbox holds at most `outboxLimit` orders of each sale.
    public init(clock: any SaleClock = .system, random: any RandomSource = .system, outboxLimit: Int = 1_000_000) {
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
        signals.send(restocks.map { Restock(sale: $0, version: $1) })
        return outcomes
    }

    /// One look-up.
    public func reservation(of order: OrderID) async throws -> Reservation? {
        shelf.with(order.sale) { $0.isTrusted ? $0.reservation(of: order) : nil } ?? nil
    }

    /// One look-up.
    public func snapshot(of sale: SaleID) async throws -> StockSnapshot? {
        shelf.with(sale) { $0.isTrusted ? $0.snapshot : nil } ?? nil
    }

    /// Replaces older terms.
    public func update(_ terms: SaleTerms) async throws {
        shelf.with(terms.sale) { if $0.isTrusted { $0.update(terms) } }
    }

    /// Step (b) of a rebuild.
    public func claim(
        _ sale: SaleID,
        epoch: Int,
        sequence: Int,
        identity: StoreIdentity,
        lifetime: Duration
    ) async throws -> ClaimOutcome {
        guard identity == instance else { return .busy }
        let now = clock.uptime
        return claims.withLock { claims in
            let isCurrent = shelf.with(sale) { $0.isTrusted && $0.epoch == epoch && $0.sequence >= sequence }
            if isCurrent == true { return .current }
            if let claim = claims.open[sale], claim.until > now { return .busy }
            claims.made += 1
            let token = String(claims.made)
            claims.open[sale] = Claim(token: token, until: now + lifetime)
            // From here on nobody reserves what this claim has not drained.
            let drained = shelf.with(sale) { stock in
                stock.isTrusted = false
                return stock.unsettled
            }
            return .claimed(StockClaim(sale: sale, token: token, identity: identity), drained: drained ?? [])
        }
    }

    /// Step (e) of a rebuild.
    public func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool {
        let now = clock.uptime
        let fresh = SaleStock(stock)
        let installed = claims.withLock { claims in
            guard let held = claims.open[claim.sale], held.token == claim.token, held.until > now,
                claim.identity == instance
            else { return false }
            claims.open[claim.sale] = nil
            shelf.withLock { $0[claim.sale] = fresh }
            return true
        }
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

    /// Signals of this instance.
    public func restocks() -> AsyncStream<Restock> { signals.subscribe() }

    // MARK: The outbox

    fileprivate func receive(_ max: Int, wait: Duration) async throws -> [Delivery] {
        try Task.checkCancellation()
        let deliveries = receiveNow(max)
        guard deliveries.isEmpty, wait > .zero else { return deliveries }
        try await arrivals.wait(upTo: wait, by: clock) {
            shelf.withLock { sales in sales.values.contains { $0.hasWaiting() } }
        }
        return receiveNow(max)
    }

    private func receiveNow(_ max: Int) -> [Delivery] {
        let now = clock.uptime
        return collect(max) { $0.receive($1, at: now) }
    }

    fileprivate func takeOver(_ max: Int, idle: Duration) -> [Delivery] {
        let now = clock.uptime
        return collect(max) { $0.takeOver($1, idle: idle, at: now) }
    }

    private func collect(_ max: Int, _ take: (inout SaleStock, Int) -> [Delivery]) -> [Delivery] {
        turns.withLock { turns in shelf.withLock { sales in turns.collect(max, from: &sales, take) } }
    }

    fileprivate func settle(_ deliveries: [Delivery], aside: Bool) {
        for delivery in deliveries {
            guard case .reservation(let reservation) = delivery.content else { continue }
            shelf.with(reservation.order.sale) { $0.settle(delivery, aside: aside) }
        }
    }

    fileprivate func depth() -> QueueDepth {
        let now = clock.now
        return shelf.withLock { sales in sales.values.map { $0.depth(at: now) } }
            .reduce(into: QueueDepth(count: 0, age: .zero, deadLettered: 0)) { sum, depth in
                sum.count += depth.count
                sum.age = Swift.max(sum.age, depth.age)
                sum.deadLettered += depth.deadLettered
            }
    }
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
