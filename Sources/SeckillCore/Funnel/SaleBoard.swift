/// The sales as this node last saw them, and who wants to hear when they look different.
final class SaleBoard: Sendable {
    let changes = Broadcast<SaleStatus>()
    private let seen = Locked<[SaleID: SaleStatus]>([:])

    func show(_ status: SaleStatus) {
        let isNews = seen.withLock { seen in
            let last = seen.updateValue(status, forKey: status.record.sale.id)
            return last.map { !$0.looksLike(status) } ?? true
        }
        if isNews { changes.send([status]) }
    }
}

extension SaleBoard {
    /// What was last seen of those of `sales` that were ever looked at: nil for one whose stock the store did not have.
    func snapshots(of sales: [SaleID]) -> [SaleID: StockSnapshot?] {
        seen.withLock { seen in
            Dictionary(uniqueKeysWithValues: sales.compactMap { sale in seen[sale].map { (sale, $0.stock) } })
        }
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
