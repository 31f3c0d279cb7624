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
        /// Compactions that have begun: what was staged before is not in the file that they make.
        var compactions = 0
    }

    /// Users in one piece of an installation.
    private static let stagedUsers = 4096

    let clock: any SaleClock
    private let outboxLimit: Int
    let shelf: SaleShelf
    /// Only locked with the shelf locked.
    let desk: Locked<Desk>
    let journal: Journal
    /// Rings when reservations have become durable.
    let arrivals: Bell
    private let signals = Broadcast<Restock>()

    /// `journal:` and the path of the directory, with symbolic links resolved.
    public let name: StoreName

    init(
        _ sales: [SaleID: SaleStock],
        _ writer: JournalWriter,
        ledger: LedgerID,
        limits: Journal.Limits,
        clock: any SaleClock,
        outboxLimit: Int,
        logger: Logger
    ) {
        var commits = CommitMarks()
        for (sale, stock) in sales { commits.begin(sale, at: stock.sequence) }
        let (shelf, arrivals, desk) = (SaleShelf(sales), Bell(), Locked(Desk(commits: commits)))
        name = StoreName("journal:" + writer.directory)
        self.clock = clock
        self.outboxLimit = outboxLimit
        self.shelf = shelf
        self.desk = desk
        self.arrivals = arrivals
        journal = Journal(
            writer,
            limits: limits,
            clock: clock,
            logger: logger,
            capture: { cut in
                shelf.withLock { sales in
                    desk.withLock { $0.compactions += 1 }
                    cut()
                    return StockImage(sales, of: ledger)
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

    /// Drawn when the journal is created, and kept across restarts.
    /// - Throws: `unavailable` if the journal's files were removed or replaced: nobody may rely on what is held here.
    public func identity() async throws -> StoreIdentity {
        journal.checkSoon()
        try journal.requireFiles()
        return StoreIdentity(journal.identity)
    }

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

    /// One look-up each. Counts what is not durable yet.
    /// - Throws: `unavailable` if the journal's files were removed or replaced.
    public func snapshots(of sales: [SaleID]) async throws -> [StockSnapshot?] {
        journal.checkSoon()
        try journal.requireFiles()
        return sales.map { sale in shelf.with(sale) { $0.isTrusted ? $0.snapshot : nil } ?? nil }
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
        signals.send(restocks.map { Restock(sale: $0, version: $1) }.sorted { $0.sale.text < $1.sale.text })
        return outcomes
    }

    /// Replaces older terms at once, whatever the disk does, and returns when that is durable.
    public func update(_ terms: SaleTerms) async throws {
        guard terms.isSound else { throw SeckillError(.damaged, "the terms of this sale are out of their range") }
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

    /// Compares and claims in one step. After a start, the first claim that finds a sale as the ledger says lets it
    /// sell.
    public func claim(
        _ record: SaleRecord,
        identity: StoreIdentity,
        lifetime: Duration
    ) async throws -> ClaimOutcome {
        guard identity.text == journal.identity else { return .busy }
        let now = clock.uptime
        let sale = record.sale.id
        return try withLock { sales, desk throws(SeckillError) in
            let decided = sales.with(sale) { stock in
                let outcome = stock.compare(with: record, isTrusted: stock.isTrusted || stock.awaitsClaim)
                if outcome == .current { stock.trust() }
                return outcome
            }
            if let decided = decided ?? nil { return decided }
            // A rebuild that could not install what it began would use up an epoch at every attempt.
            try journal.admit()
            let epoch = sales[sale]?.epoch ?? 0
            guard let claim = desk.claims.claim(sale, on: identity, at: now, for: lifetime, epoch: epoch) else {
                return .busy
            }
            // From here on nobody reserves what this claim has not drained.
            sales.with(sale) { $0.distrust() }
            return .claimed(claim)
        }
    }

    /// Moves the end of the lease.
    public func renew(_ claim: StockClaim, for lifetime: Duration) async throws -> Bool {
        let now = clock.uptime
        return withLock { _, desk in
            claim.identity.text == journal.identity && desk.claims.renew(claim, at: now, for: lifetime)
        }
    }

    /// Reads a page with the lock held. Holds orders back that are not durable yet, by waiting for them.
    public func drain(_ claim: StockClaim, after cursor: String?, limit: Int) async throws -> DrainPage {
        let (page, ticket) = shelf.withLock { sales in
            let page = sales.with(claim.sale) { stock in
                stock.epoch == claim.epoch ? stock.drain(after: cursor, limit: limit) : nil
            }
            return ((page ?? nil) ?? DrainPage([], next: nil), journal.lastTicket)
        }
        // An order that reached the ledger before the disk would be there after a crash, and not here.
        if !page.reservations.isEmpty { try await journal.wait(for: ticket) }
        return page
    }

    /// Returns once the installation is durable.
    ///
    /// What is installed goes into the journal in pieces, each of which waits for the disk, and takes effect with the
    /// last one: nobody waits for long, however many users hold units.
    public func install(_ stock: InstalledStock, under claim: StockClaim) async throws -> Bool {
        try stock.check()
        try journal.admit()
        var stock = stock
        // Nobody will be held to a limit there any more.
        if stock.terms.areOver(at: clock.now) { stock.held = [:] }
        let fresh = SaleStock(stock)
        while true {
            guard let compactions = beginStaging(fresh, under: claim) else { return false }
            try await stage(fresh)
            switch finishStaging(fresh, under: claim, compactions) {
            case .over: return false
            case .compacted: continue
            case .installed(let ticket):
                try await journal.wait(for: ticket)
                signals.send([Restock(sale: claim.sale, version: fresh.version)])
                return true
            }
        }
    }

    private enum StagingOutcome {
        case installed(GroupBuffer.Ticket)
        /// The claim is over, or the sale has been installed in this epoch or a later one.
        case over
        /// A compaction has begun, and its file lacks what was staged before.
        case compacted
    }

    /// The number of compactions so far; nil if the stock may not be installed.
    private func beginStaging(_ fresh: SaleStock, under claim: StockClaim) -> Int? {
        let now = clock.uptime
        return withLock { sales, desk in
            guard mayInstall(fresh, under: claim, at: now, sales, desk) else { return nil }
            _ = journal.append { $0.append(stage: fresh.image) }
            return desk.compactions
        }
    }

    private func stage(_ fresh: SaleStock) async throws {
        let image = fresh.image
        let count = image.orders.users.count
        for start in stride(from: 0, to: count, by: Self.stagedUsers) {
            // Encoded here, and only copied with the journal locked.
            var piece: [UInt8] = []
            piece.append(stagedUsersOf: image, start..<min(start + Self.stagedUsers, count))
            let ticket = journal.append { [piece] in $0 += piece }
            // The last one is waited for with what follows it.
            if start + Self.stagedUsers < count { try await journal.wait(for: ticket) }
        }
    }

    private func finishStaging(
        _ fresh: SaleStock,
        under claim: StockClaim,
        _ compactions: Int
    ) -> StagingOutcome {
        let now = clock.uptime
        let (outcome, replaced) = withLock { sales, desk -> (StagingOutcome, SaleStock?) in
            guard mayInstall(fresh, under: claim, at: now, sales, desk) else { return (.over, nil) }
            guard desk.compactions == compactions else { return (.compacted, nil) }
            desk.claims.end(claim)
            desk.commits.begin(claim.sale, at: 0)
            let ticket = journal.append { $0.append(installed: claim.sale, epoch: fresh.epoch) }
            return (.installed(ticket), sales.updateValue(fresh, forKey: claim.sale))
        }
        // Freed here, not with the locks held: it may hold a million orders.
        withExtendedLifetime(replaced) {}
        return outcome
    }

    private func mayInstall(
        _ fresh: SaleStock,
        under claim: StockClaim,
        at now: Duration,
        _ sales: [SaleID: SaleStock],
        _ desk: Desk
    ) -> Bool {
        claim.identity.text == journal.identity && desk.claims.isAlive(claim, at: now)
            && sales[claim.sale]?.epoch ?? -1 < fresh.epoch
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

    /// Forgets the sale at once. After a crash it may be back, and wait for a claim that nobody makes.
    public func retire(_ sale: SaleID, epoch: Int) async throws {
        let removed = withLock { sales, desk -> SaleStock? in
            guard let stock = sales[sale], stock.epoch == epoch, !stock.hasPending else { return nil }
            _ = journal.append { $0.append(retired: sale, epoch: epoch) }
            desk.commits.end(sale)
            return sales.removeValue(forKey: sale)
        }
        // Freed here, not with the locks held: it may hold a million orders.
        withExtendedLifetime(removed) {}
    }
}

extension SaleTerms {
    /// Closed by the operator, which is final, or by the sale's own time more than a day ago: a clock may be wrong by
    /// that much.
    fileprivate func areOver(at now: Timestamp) -> Bool {
        admission == .closed || closesAt.map { now + .seconds(-86_400) >= $0 } ?? false
    }
}

extension SaleStock {
    fileprivate mutating func distrust() {
        isTrusted = false
        awaitsClaim = false
    }

    /// The ledger says the same, and so it may sell.
    fileprivate mutating func trust() {
        isTrusted = true
        awaitsClaim = false
    }
}
