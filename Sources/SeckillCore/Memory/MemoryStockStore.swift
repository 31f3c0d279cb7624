/// Stock in this process: the fastest store there is, and the fake for tests.
///
/// It forgets everything with the process; the next start rebuilds from the ledger, and what was acknowledged but not
/// yet recorded becomes a visible `rejected(lost)`. Cost: one lock and a few hash look-ups a call; about 300 bytes an
/// order until its sale's next epoch.
public final class MemoryStockStore: StockStore {
    private struct Claim: Sendable {
        var token: String
        var until: Duration
    }

    private struct State: Sendable {
        var sales: [SaleID: SaleStock] = [:]
        var claims: [SaleID: Claim] = [:]
        var claimsMade = 0
        /// Sales in the order in which they are next asked for entries.
        var rotation: [SaleID] = []
    }

    private let clock: any SaleClock
    private let outboxLimit: Int
    private let instance: StoreIdentity
    private let state = Locked(State())
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
        let outcome = try state.withLock { state throws(SeckillError) -> ReserveOutcome in
            guard state.sales[order.sale]?.isTrusted == true else { throw Self.unknownSale }
            return try state.sales[order.sale]!.reserve(order, for: user, outboxLimit: outboxLimit, clock: clock)
        }
        if case .reserved = outcome { arrivals.ring() }
        return outcome
    }

    /// Applies each in one step, all under one lock.
    public func giveBack(_ returns: [StockReturn]) async throws -> [GiveBackOutcome] {
        let (outcomes, restocks) = state.withLock { state in
            var restocks: [SaleID: Int] = [:]
            let outcomes = returns.map { units in
                let outcome = state.sales[units.sale]?.giveBack(units) ?? .refused
                if outcome == .applied { restocks[units.sale] = state.sales[units.sale]?.version }
                return outcome
            }
            return (outcomes, restocks)
        }
        for (sale, version) in restocks { signals.send([Restock(sale: sale, version: version)]) }
        return outcomes
    }

    /// One look-up.
    public func reservation(of order: OrderID) async throws -> Reservation? {
        state.withLock { state in
            guard let stock = state.sales[order.sale], stock.isTrusted else { return nil }
            return stock.reservation(of: order)
        }
    }

    /// One look-up.
    public func snapshot(of sale: SaleID) async throws -> StockSnapshot? {
        state.withLock { state in
            guard let stock = state.sales[sale], stock.isTrusted else { return nil }
            return stock.snapshot
        }
    }

    /// Replaces older terms.
    public func update(_ terms: SaleTerms) async throws {
        state.withLock { $0.sales[terms.sale]?.update(terms) }
    }

    /// Step (b) of a rebuild.
    public func claim(
        _ sale: SaleID,
        epoch: Int,
        sequence: Int,
        identity: StoreIdentity,
        lifetime: Duration
    ) async throws -> ClaimOutcome {
        let now = clock.uptime
        return state.withLock { state in
            guard identity == instance else { return .busy }
            if let stock = state.sales[sale], stock.isTrusted, stock.epoch == epoch, stock.sequence >= sequence {
                return .current
            }
            if let claim = state.claims[sale], claim.until > now { return .busy }
            // From here on nobody reserves what this claim has not drained.
            state.sales[sale]?.isTrusted = false
            state.claimsMade += 1
            let token = String(state.claimsMade)
            state.claims[sale] = Claim(token: token, until: now + lifetime)
            return .claimed(
                StockClaim(sale: sale, token: token, identity: identity),
                drained: state.sales[sale]?.outbox.reservations ?? []
            )
        }
    }

    /// Step (e) of a rebuild.
    public func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool {
        let now = clock.uptime
        let fresh = SaleStock(stock)
        let installed = state.withLock { state in
            guard let held = state.claims[claim.sale], held.token == claim.token, held.until > now,
                claim.identity == instance
            else { return false }
            state.claims[claim.sale] = nil
            if state.sales.updateValue(fresh, forKey: claim.sale) == nil { state.rotation.append(claim.sale) }
            return true
        }
        if installed { signals.send([Restock(sale: claim.sale, version: fresh.version)]) }
        return installed
    }

    /// Gives a claim up.
    public func abandon(_ claim: StockClaim) async throws {
        state.withLock { state in
            if state.claims[claim.sale]?.token == claim.token { state.claims[claim.sale] = nil }
        }
    }

    /// Stops vouching for a sale.
    public func distrust(_ sale: SaleID, epoch: Int) async throws {
        state.withLock { state in
            if state.sales[sale]?.epoch == epoch { state.sales[sale]?.isTrusted = false }
        }
    }

    /// Signals of this instance.
    public func restocks() -> AsyncStream<Restock> { signals.subscribe() }

    private static let unknownSale = SeckillError(
        .unavailable,
        "the stock of this sale is not installed; it will be once the ledger answers"
    )

    // MARK: The outbox

    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        try Task.checkCancellation()
        let deliveries = receiveNow(max, as: consumer)
        guard deliveries.isEmpty, wait > .zero else { return deliveries }
        try await arrivals.wait(upTo: wait, by: clock) {
            state.withLock { $0.sales.values.contains { $0.outbox.hasWaiting } }
        }
        return receiveNow(max, as: consumer)
    }

    private func receiveNow(_ max: Int, as consumer: ConsumerID) -> [Delivery] {
        let now = clock.uptime
        return state.withLock { state in
            // The sale served first this time is served last the next, so that none starves.
            if let first = state.rotation.first {
                state.rotation.removeFirst()
                state.rotation.append(first)
            }
            var deliveries: [Delivery] = []
            for sale in state.rotation where deliveries.count < max {
                deliveries += state.sales[sale]!.outbox.receive(max - deliveries.count, as: consumer, at: now)
            }
            return deliveries
        }
    }

    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) -> [Delivery] {
        let now = clock.uptime
        return state.withLock { state in
            var deliveries: [Delivery] = []
            for sale in state.rotation where deliveries.count < max {
                deliveries += state.sales[sale]!.outbox.takeOver(
                    max - deliveries.count,
                    idle: idle,
                    as: consumer,
                    at: now
                )
            }
            return deliveries
        }
    }

    func settle(_ deliveries: [Delivery], aside: Bool) {
        state.withLock { state in
            for delivery in deliveries {
                // A late acknowledgement from an epoch that is over must not hit an entry of this one.
                guard case .reservation(let reservation) = delivery.content,
                    state.sales[reservation.order.sale]?.epoch == reservation.order.epoch
                else { continue }
                if aside {
                    state.sales[reservation.order.sale]!.outbox.putAside(delivery.receipt)
                } else {
                    state.sales[reservation.order.sale]!.outbox.acknowledge(delivery.receipt)
                }
            }
        }
    }

    func depth() -> QueueDepth {
        let now = clock.uptime
        return state.withLock { state in
            state.sales.values.reduce(into: QueueDepth(count: 0, age: .zero, deadLettered: 0)) { sum, stock in
                let depth = stock.outbox.depth(at: now)
                sum.count += depth.count
                sum.age = max(sum.age, depth.age)
                sum.deadLettered += depth.deadLettered
            }
        }
    }
}

/// The outboxes of all sales of one store, as one source.
private struct MemoryOutbox: OrderSource {
    let store: MemoryStockStore

    func receive(_ max: Int, as consumer: ConsumerID, wait: Duration) async throws -> [Delivery] {
        try await store.receive(max, as: consumer, wait: wait)
    }

    func acknowledge(_ deliveries: [Delivery]) async throws { store.settle(deliveries, aside: false) }

    func takeOver(_ max: Int, idle: Duration, as consumer: ConsumerID) async throws -> [Delivery] {
        store.takeOver(max, idle: idle, as: consumer)
    }

    func deadLetter(_ delivery: Delivery, because reason: String) async throws {
        store.settle([delivery], aside: true)
    }

    func depth() async throws -> QueueDepth { store.depth() }
}
