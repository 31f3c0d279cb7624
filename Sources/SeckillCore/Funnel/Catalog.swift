/// The ledger's sale records, as this node last read them: what the funnel asks instead of the ledger.
///
/// The reconciler refreshes it every second; a sale it does not know is looked for in the ledger, but no more than four
/// times a second whatever is asked.
final class Catalog: Sendable {
    private struct State {
        var records: [SaleID: SaleRecord] = [:]
        var readAt: Duration?
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
        let (isThere, readAt) = state.withLock { ($0.records[sale] != nil, $0.readAt) }
        if isThere { return true }
        guard let readAt, clock.uptime - readAt < Self.missInterval else { return nil }
        return false
    }

    func record(of sale: SaleID) async throws -> SaleRecord? {
        if let record = state.withLock({ $0.records[sale] }) { return record }
        let now = clock.uptime
        let due = state.withLock { state in
            if let readAt = state.readAt, now - readAt < Self.missInterval { return false }
            state.readAt = now
            return true
        }
        if due { try await refresh() }
        return state.withLock { $0.records[sale] }
    }

    func all() async throws -> [SaleRecord] {
        if state.withLock({ $0.readAt == nil }) { try await refresh() }
        return state.withLock { $0.records.values.sorted { $0.sale.id.text < $1.sale.id.text } }
    }

    @discardableResult
    func refresh() async throws -> [SaleRecord] {
        let now = clock.uptime
        let fresh = try await ledger.sales()
        state.withLock { state in
            for record in fresh where (state.records[record.sale.id]?.revision ?? 0) <= record.revision {
                state.records[record.sale.id] = record
            }
            state.readAt = now
        }
        return fresh
    }
}
