internal import CoreMetrics

/// Brings units back on sale: applies the ledger's pending returns to the stock store, then marks them as applied.
///
/// A crash between the two applies a return again, which the store notices. A return that the store refuses, because
/// it is in another epoch, stays open for the rebuild to absorb. A sale of which the store takes nothing keeps no other
/// sale's units waiting.
struct ReturnService: Sendable {
    private static let batch = 2000

    let stock: any StockStore
    let ledger: any OrderLedger
    let catalog: Catalog
    let pace: Pace
    let metrics: FunnelMetrics

    func run() async throws {
        try await pace.run("returns") { try await applyAll() }
    }

    func applyAll() async throws {
        var attempts = Attempts()
        var refused: Set<SaleID> = []
        var open: [StockReturn]
        repeat {
            open = try await ledger.pendingReturns(limit: Self.batch, excluding: refused)
            var made: [StockReturn] = []
            var units = 0
            let sales = Dictionary(grouping: open, by: \.sale).sorted { $0.key.text < $1.key.text }
            for (sale, returns) in sales {
                if catalog.isRetired(sale) {
                    // No store holds the sale, and none will.
                    made += returns
                    continue
                }
                let isTaken = try await attempts.make {
                    let outcomes = try await stock.giveBack(returns)
                    let taken = zip(returns, outcomes).filter { $0.1 != .refused }
                    made += taken.map(\.0)
                    units += taken.reduce(0) { $0 + ($1.1 == .applied ? $1.0.units : 0) }
                    if taken.count < returns.count { refused.insert(sale) }
                }
                if !isTaken { refused.insert(sale) }
            }
            if !made.isEmpty { try await ledger.markReturnsApplied(made) }
            metrics.returned.increment(by: units)
        } while open.count == Self.batch
        try attempts.end()
    }
}
