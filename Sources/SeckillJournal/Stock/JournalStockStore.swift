internal import Logging
public import SeckillCore

/// Stock in this process and in a file: as fast as memory for refusals, and as durable as the disk for what it accepts.
///
/// Counts, limits and uniqueness are decided in memory. What is accepted is appended to a journal in the order in which
/// it was decided, and acknowledged once it is on disk: one write and one sync for all callers who wait at that moment.
/// Refusals touch no disk. A start rebuilds memory from the file, and every sale then waits for a claim, which compares
/// it with the ledger, before it sells again.
///
/// One process owns the file; see ``EmbeddedStores``. Nothing is admitted while the disk fails or does not keep up
/// (`unavailable`), or while too much waits for it (`overloaded`). Callers who were admitted before get `outcomeUnknown`:
/// at once when it fails, after five seconds when it hangs. Cost: about 75 bytes of memory an order beside its id and
/// its user's, until its sale's next epoch.
public final class JournalStockStore: StockStore {
    /// What is known beside the sales themselves.
    struct Desk: Sendable {
        var claims = StockClaims()
        var commits = CommitMarks()
        var turns = SaleTurns()
    }

    let clock: any SaleClock
    private let outboxLimit: Int
    private let shelf: SaleShelf
    /// Only locked with the shelf locked.
    private let desk: Locked<Desk>
    let journal: Journal
    /// Rings when reservations have become durable.
    let arrivals: Bell
    private let signals = Broadcast<Restock>()

    init(
        _ sales: [SaleID: SaleStock],
        _ writer: JournalWriter,
        limits: Journal.Limits,
        clock: any SaleClock,
        outboxLimit: Int,
        logger: Logger
    ) {
        var desk = Desk()
        for (sale, stock) in sales { desk.commits.begin(sale, at: stock.sequence) }
        let (shelf, arrivals) = (SaleShelf(sales), Bell())
        self.clock = clock
        self.outboxLimit = outboxLimit
        self.shelf = shelf
        self.desk = Locked(desk)
        self.arrivals = arrivals
        journal = Journal(
            writer,
            limits: limits,
            clock: clock,
            logger: logger,
            capture: { cut in
                shelf.withLock { sales in
                    sales.forgetFinished(at: clock.now)
                    cut()
                    return StockImage(sales)
                }
            },
            onCommit: { arrivals.ring() }
        )
    }

    /// Runs `body` alone with everything.
    func withLock<Result: Sendable, Failure: Error>(
        _ body: (inout [SaleID: SaleStock], inout Desk) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try shelf.withLock { sales throws(Failure) in
            try desk.withLock { desk throws(Failure) in try body(&sales, &desk) }
        }
    }

    /// Minted when the journal is first made, and kept across restarts.
    public func identity() async throws -> StoreIdentity { StoreIdentity(journal.identity) }

    /// True: asking costs less than remembering.
    public var isInProcess: Bool { true }

    /// The orders that no worker has acknowledged, as far as they are durable.
    public var outbox: any OrderSource { JournalOutbox(store: self) }

    /// Signals of this instance.
    public func restocks() -> AsyncStream<Restock> { signals.subscribe() }

    // MARK: Buyers

    /// Decides in memory and, if a unit is taken, returns once that is durable. An order that is known waits for what
    /// is still on its way to the disk: its own reservation, perhaps.
    public func reserve(_ order: OrderID, for user: UserID) async throws -> ReserveOutcome {
        let (outcome, ticket) = try decide(order, for: user)
        if let ticket { try await journal.wait(for: ticket) }
        return outcome
    }

    private func decide(
        _ order: OrderID,
        for user: UserID
    ) throws(SeckillError) -> (ReserveOutcome, GroupBuffer.Ticket?) {
        let now = clock.now
        var ticket: GroupBuffer.Ticket?
        let outcome = try shelf.reserve(
            order,
            for: user,
            at: now,
            outboxLimit: outboxLimit,
            admit: { () throws(SeckillError) in try journal.admit() },
            // With the shelf locked, so that the file tells it in the order in which it was decided.
            taken: { outcome in ticket = record(outcome, order, for: user, at: now) }
        )
        return (outcome, ticket)
    }

    private func record(
        _ outcome: ReserveOutcome,
        _ order: OrderID,
        for user: UserID,
        at now: Timestamp
    ) -> GroupBuffer.Ticket {
        guard case .reserved(let sequence) = outcome else { return journal.lastTicket }
        let ticket = journal.append { $0.append(reservationOf: order, for: user, sequence: sequence, at: now) }
        let durable = journal.durableTicket
        desk.withLock { $0.commits.note(sequence, of: order.sale, in: ticket, durableTicket: durable) }
        return ticket
    }

    /// One look-up, and the wait for what is still on its way to the disk if it finds something.
    public func reservation(of order: OrderID) async throws -> Reservation? {
        let found = shelf.withLock { sales -> (Reservation, GroupBuffer.Ticket)? in
            guard let stock = sales[order.sale], stock.isTrusted else { return nil }
            return stock.reservation(of: order).map { ($0, journal.lastTicket) }
        }
        guard let (reservation, ticket) = found else { return nil }
        try await journal.wait(for: ticket)
        return reservation
    }

    /// One look-up. Counts what is not durable yet.
    public func snapshot(of sale: SaleID) async throws -> StockSnapshot? {
        shelf.withLock { sales in
            guard let stock = sales[sale], stock.isTrusted else { return nil }
            return stock.snapshot
        }
    }

    // MARK: The ledger's word

    /// Applies each in one step and returns once all are durable.
    public func giveBack(_ returns: [StockReturn]) async throws -> [GiveBackOutcome] {
        guard !returns.isEmpty else { return [] }
        try journal.admit()
        let (outcomes, restocks, ticket) = shelf.withLock { sales in
            var restocks: [SaleID: Int] = [:]
            let outcomes = returns.map { units in
                let outcome = sales.with(units.sale) { $0.giveBack(units) } ?? .refused
                if outcome == .applied {
                    _ = journal.append { $0.append(giveBack: units) }
                    restocks[units.sale] = sales[units.sale]?.version
                }
                return outcome
            }
            return (outcomes, restocks, journal.lastTicket)
        }
        try await journal.wait(for: ticket)
        signals.send(restocks.map { Restock(sale: $0, version: $1) })
        return outcomes
    }

    /// Replaces older terms at once, whatever the disk does, and returns when that is durable.
    public func update(_ terms: SaleTerms) async throws {
        let ticket = shelf.withLock { sales in
            sales.with(terms.sale) { stock -> GroupBuffer.Ticket? in
                guard stock.isTrusted, stock.terms.revision < terms.revision else { return nil }
                stock.update(terms)
                return journal.append { $0.append(newTerms: terms) }
            } ?? nil
        }
        guard let ticket else { return }
        // They are in force: a sale that was paused does not sell when the disk heals, and the ledger has them anyway.
        try journal.admit()
        try await journal.wait(for: ticket)
    }

    /// Step (b) of a rebuild. After a start, the first that finds a sale as the ledger says is what lets it sell.
    public func claim(
        _ sale: SaleID,
        epoch: Int,
        sequence: Int,
        identity: StoreIdentity,
        lifetime: Duration
    ) async throws -> ClaimOutcome {
        guard identity.text == journal.identity else { return .busy }
        let now = clock.uptime
        return try withLock { sales, desk throws(SeckillError) in
            let isCurrent = sales.with(sale) { $0.becomeTrusted(ifIn: epoch, notBehind: sequence) }
            if isCurrent == true { return .current }
            // A rebuild that could not install what it began would use up an epoch at every attempt.
            try journal.admit()
            guard let claim = desk.claims.claim(sale, on: identity, at: now, for: lifetime) else { return .busy }
            // From here on nobody reserves what this claim has not drained.
            let drained = sales.with(sale) { stock in
                stock.distrust()
                return stock.unsettled
            }
            return .claimed(claim, drained: drained ?? [])
        }
    }

    /// Step (e) of a rebuild. Returns once it is durable.
    public func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool {
        try journal.admit()
        let now = clock.uptime
        var fresh = SaleStock(stock)
        if fresh.isOver(at: clock.now) {
            // Nobody will be held to a limit there any more.
            var stock = stock
            stock.held = [:]
            fresh = SaleStock(stock)
        }
        let ticket = withLock { [fresh] sales, desk -> GroupBuffer.Ticket? in
            guard claim.identity.text == journal.identity, desk.claims.isAlive(claim, at: now) else { return nil }
            desk.claims.end(claim)
            desk.commits.begin(claim.sale, at: 0)
            sales[claim.sale] = fresh
            let image = fresh.image
            return journal.append { entries in
                entries.append(sale: image, isTrusted: true)
                entries.append(usersOf: image, 0..<image.orders.users.count)
            }
        }
        guard let ticket else { return false }
        try await journal.wait(for: ticket)
        signals.send([Restock(sale: claim.sale, version: fresh.version)])
        return true
    }

    /// Gives a claim up.
    public func abandon(_ claim: StockClaim) async throws { withLock { $1.claims.end(claim) } }

    /// Stops vouching for a sale at once, and returns when that would outlive a crash.
    public func distrust(_ sale: SaleID, epoch: Int) async throws {
        let ticket = shelf.withLock { sales in
            sales.with(sale) { stock -> GroupBuffer.Ticket? in
                guard stock.epoch == epoch else { return nil }
                stock.distrust()
                return journal.append { $0.append(distrust: sale, epoch: epoch) }
            } ?? nil
        }
        if let ticket { try await journal.wait(for: ticket) }
    }
}

extension [SaleID: SaleStock] {
    /// Forgets sales that are over for good and have all their orders in the ledger, unless they are bare already. The
    /// reconciler finds them missing and rebuilds them as they stand in the ledger, without a single order.
    fileprivate mutating func forgetFinished(at now: Timestamp) {
        self = filter { _, stock in
            let snapshot = stock.snapshot
            return !stock.isOver(at: now) || snapshot.pending > 0 || snapshot.sequence == 0
        }
    }
}

extension SaleStock {
    /// Closed by its operator, for ever, or by its own time more than a day ago: a clock may be wrong by that much.
    fileprivate func isOver(at now: Timestamp) -> Bool {
        terms.admission == .closed || terms.closesAt.map { now >= $0 + .seconds(86_400) } ?? false
    }

    fileprivate mutating func distrust() {
        isTrusted = false
        awaitsClaim = false
    }

    /// True if it is as the ledger says, and so may sell.
    fileprivate mutating func becomeTrusted(ifIn epoch: Int, notBehind sequence: Int) -> Bool {
        guard isTrusted || awaitsClaim, self.epoch == epoch, self.sequence >= sequence else { return false }
        isTrusted = true
        awaitsClaim = false
        return true
    }
}
