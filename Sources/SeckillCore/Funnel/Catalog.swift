/// The ledger's sale records, as this node last read them: what the funnel asks instead of the ledger.
///
/// Only what has changed is read again: on every round of the reconciler, and when somebody asks for a sale that is not
/// here, but no more than four times a second whatever is asked. That there is no such sale is said only of a ledger that
/// was read just now: one that cannot be read may hold any.
final class Catalog: Sendable {
    private struct State {
        var records: [SaleID: SaleRecord] = [:]
        /// The keys of `records`, sorted.
        var ids: [SaleID] = []
        /// Sales whose row could not be read. Their last record, if there is one, stays.
        var damaged: Set<SaleID> = []
        /// Sales that have changed since they were last taken.
        var changed: Set<SaleID> = []
        /// The last change of the ledger that was read.
        var change = 0
        /// When a damaged row was last looked for among all rows.
        var allReadAt: Duration?
        /// When somebody last looked for a sale that was not here.
        var triedAt: Duration?
        /// When the last read that succeeded began.
        var readAt: Duration?

        mutating func put(_ record: SaleRecord) {
            changed.insert(record.sale.id)
            if records.updateValue(record, forKey: record.sale.id) == nil {
                ids.insert(record.sale.id, at: position(behind: record.sale.id))
            }
        }

        /// How many ids are not behind `id`.
        func position(behind id: SaleID) -> Int {
            var range = 0..<ids.count
            while !range.isEmpty {
                let middle = range.lowerBound + range.count / 2
                range = ids[middle].text <= id.text ? middle + 1..<range.upperBound : range.lowerBound..<middle
            }
            return range.lowerBound
        }
    }

    private static let missInterval: Duration = .milliseconds(250)
    /// While a row is damaged, all are read at this interval, to find it repaired.
    private static let damageInterval: Duration = .seconds(2)
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

    /// The record of `sale` as it was last read.
    subscript(sale: SaleID) -> SaleRecord? { state.withLock { $0.records[sale] } }

    /// The records of `sales` as they were last read.
    func records(of sales: [SaleID]) -> [SaleRecord?] { state.withLock { state in sales.map { state.records[$0] } } }

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
            let damaged = try await refresh()
            if damaged.contains(sale) { throw SeckillError(.damaged, "the row of this sale in the ledger is damaged") }
            return state.withLock { $0.records[sale] }
        }
        // Another is reading: what was read just before will do.
        guard isWithin(Self.missInterval * 2, readAt) else {
            throw SeckillError(.unavailable, "the ledger has not said yet which sales there are")
        }
        return nil
    }

    /// Up to `limit` sales by id, from behind `sale`, or from the first one.
    func page(after sale: SaleID?, limit: Int) async throws -> [SaleRecord] {
        if state.withLock({ $0.readAt == nil }) { try await refresh() }
        return state.withLock { state in
            let start = sale.map { state.position(behind: $0) } ?? 0
            return state.ids[start...].prefix(max(0, limit)).compactMap { state.records[$0] }
        }
    }

    /// Whether `sale` is over and no store holds it, as far as this node has read.
    func isRetired(_ sale: SaleID) -> Bool { self[sale]?.isRetired(at: clock.now) ?? false }

    /// Takes in what the ledger has just answered to an operator's action. Of two records with one revision, this one may be
    /// the older.
    func learn(_ record: SaleRecord) {
        state.withLock { state in
            guard (state.records[record.sale.id]?.revision ?? 0) < record.revision else { return }
            state.put(record)
        }
    }

    /// The sales that have changed since the last call, by id, or all of them. For one caller.
    func takeChanged(orAll isFirst: Bool) -> [SaleRecord] {
        state.withLock { state in
            defer { state.changed = [] }
            return (isFirst ? Set(state.ids) : state.changed).sorted { $0.text < $1.text }.compactMap {
                state.records[$0]
            }
        }
    }

    /// Reads what has changed in the ledger.
    /// - Returns: all sales whose row is damaged.
    @discardableResult
    func refresh() async throws -> Set<SaleID> {
        let now = clock.uptime
        let asked = state.withLock { state in
            guard !state.damaged.isEmpty, !isWithin(Self.damageInterval, state.allReadAt) else { return state.change }
            state.allReadAt = now
            return 0
        }
        let listing = try await ledger.sales(changedAfter: asked)
        return state.withLock { state in
            state.readAt = now
            let hasAll = asked == 0 || listing.change < asked
            // Another caller may have read more in the meantime.
            guard hasAll || listing.change >= state.change else { return state.damaged }
            state.change = listing.change
            if hasAll { state.damaged = [] }
            for record in listing.records {
                state.damaged.remove(record.sale.id)
                let known = state.records[record.sale.id]
                if known != record, known?.revision ?? 0 <= record.revision { state.put(record) }
            }
            state.damaged.formUnion(listing.damaged)
            return state.damaged
        }
    }

    private func isWithin(_ interval: Duration, _ moment: Duration?) -> Bool {
        moment.map { clock.uptime - $0 < interval } ?? false
    }
}
