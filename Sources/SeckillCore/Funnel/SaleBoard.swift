/// The sales as this node last saw them, and who wants to hear when they look different.
final class SaleBoard: Sendable {
    let changes = Broadcast<SaleStatus>()
    private struct Entry: Sendable {
        var status: SaleStatus
        /// When it last looked different from before, or the earliest time there is.
        var changedAt = Timestamp(milliseconds: .min)
    }

    private let seen = Locked<[SaleID: Entry]>([:])

    func show(_ status: SaleStatus) {
        let isNews = seen.withLock { seen in
            let sale = status.record.sale.id
            guard let last = seen[sale] else {
                seen[sale] = Entry(status: status)
                return true
            }
            let isNews = !last.status.looksLike(status)
            seen[sale] = Entry(status: status, changedAt: isNews ? status.seenAt : last.changedAt)
            return isNews
        }
        if isNews { changes.send([status]) }
    }

    /// Those of `sales` that were ever looked at.
    func statuses(of sales: [SaleID]) -> [SaleStatus] {
        seen.withLock { seen in sales.compactMap { seen[$0]?.status } }
    }

    /// Up to `limit` sales that are not over, those first that changed last.
    func latest(_ limit: Int) -> [SaleStatus] {
        let live = seen.withLock { seen in seen.values.filter { $0.status.state != .closed } }
        let order = live.sorted { a, b in
            (b.changedAt, a.status.record.sale.id.text) < (a.changedAt, b.status.record.sale.id.text)
        }
        return order.prefix(limit).map(\.status)
    }
}

extension SaleStatus {
    /// Whether anybody can see a difference but the time.
    fileprivate func looksLike(_ other: SaleStatus) -> Bool {
        record.sale == other.record.sale && record.stock == other.record.stock && state == other.state
            && record.admission == other.record.admission && stock?.remaining == other.stock?.remaining
            && stock?.version == other.stock?.version
    }
}
