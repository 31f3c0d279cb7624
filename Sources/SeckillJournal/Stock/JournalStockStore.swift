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
/// at once when it fails, after five seconds when it hangs. Cost: about 100 bytes of memory an order beside its id and
/// its user's, until its sale's next epoch.
public final class JournalStockStore: StockStore {
    let clock: any SaleClock
    private let outboxLimit: Int
    let book: Locked<StockBook>
    let journal: Journal
    /// Rings when reservations have become durable.
    let arrivals: Bell
    private let signals = Broadcast<Restock>()

    init(
        _ book: StockBook,
        _ writer: JournalWriter,
        limits: Journal.Limits,
        clock: any SaleClock,
        outboxLimit: Int,
        logger: Logger
    ) {
        let (book, arrivals) = (Locked(book), Bell())
        self.clock = clock
        self.outboxLimit = outboxLimit
        self.book = book
        self.arrivals = arrivals
        journal = Journal(
            writer,
            limits: limits,
            clock: clock,
            logger: logger,
            capture: { cut in
                book.withLock { book in
                    book.forgetFinished(at: clock.now)
                    cut()
                    return StockImage(book)
                }
            },
            onCommit: { arrivals.ring() }
        )
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
        let decision = try book.withLock { book throws(SeckillError) in
            try book.with(order.sale) { entry throws(SeckillError) in try decide(order, for: user, from: &entry) }
        }
        guard let decision else { throw .notInstalled }
        return decision
    }

    private func decide(
        _ order: OrderID,
        for user: UserID,
        from entry: inout StockBook.Entry
    ) throws(SeckillError) -> (ReserveOutcome, GroupBuffer.Ticket?) {
        let outcome = try entry.stock.reserve(
            order,
            for: user,
            outboxLimit: outboxLimit,
            clock: clock,
            admit: journal.admit
        )
        switch outcome {
        case .reserved(let sequence):
            // Appended with the book locked, so that the file tells it in the order in which it was decided.
            let moment = entry.stock.orders[sequence].reservedAt
            let ticket = journal.append { $0.append(reservationOf: order, for: user, sequence: sequence, at: moment) }
            entry.commits.note(sequence, in: ticket, durableTicket: journal.durableTicket)
            return (outcome, ticket)
        case .alreadyReserved: return (outcome, journal.lastTicket)
        default: return (outcome, nil)
        }
    }

    /// One look-up, and the wait for what is still on its way to the disk if it finds something.
    public func reservation(of order: OrderID) async throws -> Reservation? {
        let found = book.withLock { book -> (Reservation, GroupBuffer.Ticket)? in
            guard let stock = book.sales[order.sale]?.stock, stock.isTrusted else { return nil }
            return stock.reservation(of: order).map { ($0, journal.lastTicket) }
        }
        guard let (reservation, ticket) = found else { return nil }
        try await journal.wait(for: ticket)
        return reservation
    }

    /// One look-up. Counts what is not durable yet.
    public func snapshot(of sale: SaleID) async throws -> StockSnapshot? {
        book.withLock { book in
            guard let stock = book.sales[sale]?.stock, stock.isTrusted else { return nil }
            return stock.snapshot
        }
    }

    // MARK: The ledger's word

    /// Applies each in one step and returns once all are durable.
    public func giveBack(_ returns: [StockReturn]) async throws -> [GiveBackOutcome] {
        guard !returns.isEmpty else { return [] }
        try journal.admit()
        let (outcomes, restocks, ticket) = book.withLock { book in
            var restocks: [SaleID: Int] = [:]
            let outcomes = returns.map { units in
                let outcome = book.with(units.sale) { $0.stock.giveBack(units) } ?? .refused
                if outcome == .applied {
                    _ = journal.append { $0.append(giveBack: units) }
                    restocks[units.sale] = book.sales[units.sale]?.stock.version
                }
                return outcome
            }
            return (outcomes, restocks, journal.lastTicket)
        }
        try await journal.wait(for: ticket)
        signals.send(restocks.map { Restock(sale: $0, version: $1) })
        return outcomes
    }

    /// Replaces older terms at once, and returns when that is durable.
    public func update(_ terms: SaleTerms) async throws {
        try journal.admit()
        let ticket = book.withLock { book in
            book.with(terms.sale) { entry -> GroupBuffer.Ticket? in
                guard entry.stock.isTrusted, entry.stock.terms.revision < terms.revision else { return nil }
                entry.stock.update(terms)
                return journal.append { $0.append(newTerms: terms) }
            } ?? nil
        }
        if let ticket { try await journal.wait(for: ticket) }
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
        return book.withLock { book in
            let isCurrent = book.with(sale) { entry in
                guard entry.stock.isTrusted || entry.awaitsClaim, entry.stock.epoch == epoch,
                    entry.stock.sequence >= sequence
                else { return false }
                entry.stock.isTrusted = true
                entry.awaitsClaim = false
                return true
            }
            if isCurrent == true { return .current }
            guard let claim = book.claims.claim(sale, on: identity, at: now, for: lifetime) else { return .busy }
            // From here on nobody reserves what this claim has not drained.
            let drained = book.with(sale) { entry in
                entry.stock.isTrusted = false
                entry.awaitsClaim = false
                return entry.stock.unsettled
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
        let ticket = book.withLock { [fresh] book -> GroupBuffer.Ticket? in
            guard claim.identity.text == journal.identity, book.claims.isAlive(claim, at: now) else { return nil }
            book.claims.end(claim)
            book.install(fresh)
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
    public func abandon(_ claim: StockClaim) async throws { book.withLock { $0.claims.end(claim) } }

    /// Stops vouching for a sale at once, and returns when that would outlive a crash.
    public func distrust(_ sale: SaleID, epoch: Int) async throws {
        let ticket = book.withLock { book in
            book.with(sale) { entry -> GroupBuffer.Ticket? in
                guard entry.stock.epoch == epoch else { return nil }
                entry.stock.isTrusted = false
                entry.awaitsClaim = false
                return journal.append { $0.append(distrust: sale, epoch: epoch) }
            } ?? nil
        }
        if let ticket { try await journal.wait(for: ticket) }
    }
}
