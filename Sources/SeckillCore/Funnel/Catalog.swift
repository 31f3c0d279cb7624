/// The ledger's sale records, as this node last read them: what the funnel asks instead of the ledger.
///
/// The reconciler refreshes it on every sweep; a sale it does not know is looked for in the ledger, but no more than
/// four times a second whatever is asked. That there is no such sale is said only of a ledger that was read just now:
/// one that cannot be read may hold any.
final class Catalog: Sendable {
    private struct State {
        var records: [SaleID: SaleRecord] = [:]
        /// Sales whose row could not be read. Their last record, if there is one, stays.
        var damaged: Set<SaleID> = []
        /// When somebody last looked for a sale that was not here.
        var triedAt: Duration?
        /// When the last read that succeeded began.
        var readAt: Duration?

        mutating func learn(_ record: SaleRecord) {
            guard (records[record.sale.id]?.revision ?? 0) <= record.revision else { return }
            records[record.sale.id] = record
        }
    }

    private static let missInterval: Duration = .milliseconds(250)
    private let ledger: any OrderLedger
    private let clock: any SaleClock
    private let state = Locked(State())

    init(ledger: any OrderLedger, clock: any SaleClock) {
        self.ledger = ledger
        self.clock = clock
    }

    /// Whether there is such a sale, or nil where the ledger would have to be asked.
    func knows(_ sale: SaleID) -> Bool? {
        let (isThere, readAt) = state.withLock {
            ($0.records[sale] != nil || $0.damaged.contains(sale), $0.readAt)
        }
        if isThere { return true }
        return isWithin(Self.missInterval, readAt) ? false : nil
    }

    /// - Throws: `unavailable` if the ledger was asked a moment ago and did not answer; `damaged` for a sale whose row cannot
    ///   be read.
    func record(of sale: SaleID) async throws -> SaleRecord? {
        if let known = knows(sale), !known { return nil }
        let (record, readAt, isDue) = state.withLock { state in
            let isDue = !isWithin(Self.missInterval, state.triedAt)
            if state.records[sale] == nil, isDue { state.triedAt = clock.uptime }
            return (state.records[sale], state.readAt, isDue)
        }
        if let record { return record }
        if isDue {
            let damaged = try await refresh().damaged
            if damaged.contains(sale) { throw SeckillError(.damaged, "the row of this sale in the ledger is damaged") }
            return state.withLock { $0.records[sale] }
        }
        // Another is reading: what was read just before will do.
        guard isWithin(Self.missInterval * 2, readAt) else {
            throw SeckillError(.unavailable, "the ledger has not said yet which sales there are")
        }
        return nil
    }

    func all() async throws -> [SaleRecord] {
        if state.withLock({ $0.readAt == nil }) { try await refresh() }
        return state.withLock { $0.records.values.sorted { $0.sale.id.text < $1.sale.id.text } }
    }

    /// What the ledger has just answered to an operator's action: no need to ask it again, and nothing that can fail.
    func learn(_ record: SaleRecord) { state.withLock { $0.learn(record) } }

    @discardableResult
    func refresh() async throws -> SaleListing {
        let now = clock.uptime
        let fresh = try await ledger.sales()
        state.withLock { state in
            for record in fresh.records { state.learn(record) }
            state.damaged = Set(fresh.damaged)
            state.readAt = now
        }
        return fresh
    }

    private func isWithin(_ interval: Duration, _ moment: Duration?) -> Bool {
        moment.map { clock.uptime - $0 < interval } ?? false
    }
}
