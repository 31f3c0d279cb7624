internal import Logging

/// Watches over the stock store: installs what is missing, brings changed terms, confirms sold-out flags, and compares the
/// counts of store and ledger, which tell that something was lost or altered without being noticed.
struct Reconciler: Sendable {
    /// What is kept from one sweep to the next.
    struct State: Sendable {
        var schedule = SweepSchedule()
        /// Whether the schedule has all sales.
        fileprivate var hasBegun = false
        /// Sales that were rebuilt lately, or must be.
        fileprivate var rebuilds: [SaleID: Rebuild] = [:]
    }

    fileprivate struct Rebuild: Sendable {
        var backoff = Backoff()
        /// When the sale is compared again; nil if that can wait for its turn.
        var retryAt: Duration?
    }

    private enum Verdict {
        /// Store and ledger agree.
        case agrees
        /// The store has nothing that it trusts, or another epoch.
        case missing
        /// The store's counts contradict the ledger.
        case contradicts(String)
    }

    /// How soon a sale that an operator must see to is compared again, and how much later for each other such sale.
    private static let recheckInterval: Duration = .seconds(2)
    private static let recheckIntervalOfEach: Duration = .milliseconds(2)

    fileprivate static func recheckInterval(of count: Int) -> Duration {
        max(recheckInterval, recheckIntervalOfEach * count)
    }

    /// Rebuilds wait for the ledger most of the time, and it takes many in one transaction.
    private static let rebuildsAtOnce = 32

    let stock: any StockStore
    let ledger: any OrderLedger
    let rebuild: StockRebuild
    let catalog: Catalog
    let requested: Locked<Set<SaleID>>
    let soldOut: SoldOutFlags
    let board: SaleBoard
    let health: SaleHealth
    let clock: any SaleClock
    let pace: Pace
    let logger: Logger

    func run() async throws {
        var state = State()
        try await pace.run("reconciler") { try await sweep(&state) }
    }

    /// Looks at the sales that are due, and at all that are suspect.
    func sweep(_ state: inout State) async throws {
        repeat { try await round(&state) } while state.schedule.hasSuspects && !Task.isCancelled
    }

    private func round(_ state: inout State) async throws {
        var attempts = Attempts()
        let uptime = clock.uptime
        for sale in requested.withLock({ exchange(&$0, with: []) }) { state.schedule.touch(sale, at: uptime) }
        let round = state.schedule.round(at: clock.now, uptime: uptime)
        let retries = state.retries(at: uptime, besides: round.sales)
        let due = round.sales + retries
        // The snapshots are read between two reads of the ledger: the one before says what the store must know, the one
        // after what the ledger must.
        let before = catalog.records(of: due)
        var snapshots: [StockSnapshot?] = []
        let isSeen = try await attempts.make { snapshots = try await stock.snapshots(of: due) }
        var damaged: Set<SaleID> = []
        let isRead = try await attempts.make { damaged = try await catalog.refresh() }
        let changed = catalog.takeChanged(orAll: !state.hasBegun)
        if isRead { state.hasBegun = true }
        state.schedule.note(changed, at: clock.now, uptime: uptime)
        for record in changed where !record.isClosed(at: clock.now) { health.expect(record.sale.id) }
        // Not before: a node that has just read its sales is not ready until it has looked at them.
        health.noteRound(attempts.failure, at: clock.uptime)
        for sale in damaged where health[sale] != .damaged || due.contains(sale) {
            health.note(.damaged, of: sale)
            _ = try await attempts.make { try await rebuild.close(sale) }
        }
        if isRead { health.forgetDamaged { damaged.contains($0) || catalog[$0] != nil } }
        guard isSeen, isRead else { return try attempts.end() }
        state.schedule.finish(round)
        var suspects: [SaleID] = []
        for (index, sale) in due.enumerated() where !damaged.contains(sale) {
            guard let record = catalog[sale] else { continue }
            _ = try await attempts.make {
                if try await !look(at: record, before[index], snapshots[index], &state) { suspects.append(sale) }
            }
        }
        try await rebuildAll(suspects, &state, &attempts)
        try attempts.end()
    }

    /// False if the sale must be rebuilt.
    private func look(
        at record: SaleRecord,
        _ before: SaleRecord?,
        _ snapshot: StockSnapshot?,
        _ state: inout State
    ) async throws -> Bool {
        let sale = record.sale.id
        board.show(SaleStatus(record, snapshot, at: clock.now))
        if record.isClosed(at: clock.now) {
            health.forget(sale)
            if record.isRetired(at: clock.now) {
                if let epoch = snapshot?.epoch { try await stock.retire(sale, epoch: epoch) }
                state.schedule.remove(sale)
                return true
            }
            // It sells nothing here in any case.
            if let holder = record.holder, holder != stock.name { return true }
        }
        switch verdict(record, before, snapshot) {
        case .agrees:
            guard let snapshot, health[sale] == nil else { return false }
            if !record.isClosed(at: clock.now) { health.note(nil, of: sale) }
            state.confirm(sale, at: clock.uptime)
            try await confirm(record, snapshot)
            try await retireIfOver(record, snapshot)
            return true
        case .missing: break
        case .contradicts(let what):
            logger.error(
                "sale closed for a rebuild",
                metadata: ["seckill.sale": "\(sale)", "seckill.reason": "\(what)"]
            )
            try await stock.distrust(sale, epoch: record.epoch)
        }
        // What happened to one sale may have happened to all.
        if !record.isClosed(at: clock.now), health.lose(sale), !state.schedule.hasSuspects {
            state.schedule.suspect(try await catalog.page(after: nil, limit: .max), at: clock.now)
        }
        return !state.isDue(sale, at: clock.uptime)
    }

    private func verdict(_ record: SaleRecord, _ before: SaleRecord?, _ snapshot: StockSnapshot?) -> Verdict {
        guard let snapshot, snapshot.epoch == record.epoch, record.holder == stock.name else { return .missing }
        return Self.loss(snapshot, before, record).map { .contradicts($0) } ?? .agrees
    }

    /// What store and ledger contradict each other in, or nil: sums that hold at any instant of an epoch.
    static func loss(_ snapshot: StockSnapshot, _ before: SaleRecord?, _ after: SaleRecord) -> String? {
        if let before, before.epoch == snapshot.epoch, snapshot.sequence < before.recorded {
            return "the store has \(snapshot.sequence) orders of this epoch and the ledger \(before.recorded)"
        }
        if snapshot.settled > after.recorded {
            return "\(snapshot.settled) orders have left the outbox, and the ledger has \(after.recorded) of them"
        }
        if snapshot.installed != after.installed {
            return "the store's counts add up to \(snapshot.installed) units, and \(after.installed) were installed"
        }
        if snapshot.revision > after.revision {
            return "the store has terms of revision \(snapshot.revision), and the ledger is at \(after.revision)"
        }
        return nil
    }

    private func confirm(_ record: SaleRecord, _ snapshot: StockSnapshot) async throws {
        if snapshot.revision < record.revision { try await stock.update(record.terms) }
        if snapshot.remaining == 0 {
            soldOut.set(for: record.sale.id, version: snapshot.version)
        } else {
            soldOut.clear(for: record.sale.id, version: snapshot.version)
        }
    }

    /// Retires a sale that will never sell again, once all its orders are in the ledger: from then on it costs nothing.
    private func retireIfOver(_ record: SaleRecord, _ snapshot: StockSnapshot) async throws {
        guard record.isOver(at: clock.now), snapshot.pending == 0, snapshot.revision == record.revision else { return }
        _ = try await ledger.transfer(record.sale.id, to: nil, takeover: record.takeover + 1)
    }

    // MARK: Rebuilding

    private func rebuildAll(_ sales: [SaleID], _ state: inout State, _ attempts: inout Attempts) async throws {
        let waiting = Locked(sales[...])
        let ended = Locked<[Ended]>([])
        await withDiscardingTaskGroup { group in
            for _ in 0..<min(sales.count, Self.rebuildsAtOnce) {
                group.addTask {
                    while let sale = waiting.withLock({ $0.popFirst() }) {
                        let result = await ensured(sale)
                        ended.withLock { $0.append(result) }
                    }
                }
            }
        }
        for end in ended.withLock(\.self) {
            _ = try await attempts.make {
                if let failure = end.failure { throw failure }
                if let outcome = end.outcome { try state.note(outcome, of: end.sale, at: clock.uptime) }
            }
        }
    }

    private func ensured(_ sale: SaleID) async -> Ended {
        do {
            return Ended(sale: sale, outcome: try await rebuild.ensure(sale))
        } catch {
            return Ended(sale: sale, failure: error)
        }
    }

    /// How a rebuild ended, or what kept it from being begun.
    private struct Ended: Sendable {
        var sale: SaleID
        var outcome: StockRebuild.Outcome?
        var failure: (any Error)?
    }
}

extension Reconciler.State {
    /// Sales to compare again although it is not their turn.
    fileprivate func retries(at now: Duration, besides sales: [SaleID]) -> [SaleID] {
        let due = rebuilds.filter { $0.value.retryAt.map { $0 <= now } ?? false }.keys
        return Set(due).subtracting(sales).sorted { $0.text < $1.text }
    }

    /// Whether a sale that must be rebuilt may be now. If not, it is compared again when it may.
    fileprivate mutating func isDue(_ sale: SaleID, at now: Duration) -> Bool {
        guard let rebuild = rebuilds[sale] else { return true }
        let dueAt = max(rebuild.backoff.dueAt, rebuild.retryAt ?? .zero)
        rebuilds[sale]?.retryAt = dueAt
        return dueAt <= now
    }

    fileprivate mutating func confirm(_ sale: SaleID, at now: Duration) {
        guard let rebuild = rebuilds[sale] else { return }
        rebuilds[sale]?.retryAt = nil
        if rebuild.backoff.isOver(at: now) { rebuilds[sale] = nil }
    }

    /// - Throws: why the rebuild failed.
    fileprivate mutating func note(_ outcome: StockRebuild.Outcome, of sale: SaleID, at now: Duration) throws {
        var rebuild = rebuilds[sale] ?? Reconciler.Rebuild()
        defer { rebuilds[sale] = rebuild }
        switch outcome {
        case .current, .busy: rebuild.retryAt = now
        case .rebuilt:
            rebuild.backoff.note(at: now)
            // To see what was installed, and show it.
            rebuild.retryAt = now
        case .failed(let error):
            rebuild.backoff.note(at: now)
            rebuild.retryAt = rebuild.backoff.dueAt
            throw error
        case .refused: rebuild.retryAt = now + Reconciler.recheckInterval(of: rebuilds.count)
        }
    }
}
