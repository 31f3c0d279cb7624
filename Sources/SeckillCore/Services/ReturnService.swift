internal import CoreMetrics

/// Brings units back on sale: applies the ledger's open returns to the stock store, then closes them.
///
/// A crash between the two applies a return again, which the store notices. A return that the store refuses, because
/// it is in another epoch, stays open for the rebuild to absorb.
struct ReturnService: Sendable {
    private static let batch = 500

    let stock: any StockStore
    let ledger: any OrderLedger
    let soldOut: SoldOutFlags
    let pace: Pace
    let metrics: FunnelMetrics

    func run() async throws {
        try await pace.run("returns") { try await applyAll() }
    }

    func applyAll() async throws {
        var moved: Int
        repeat {
            let open = try await ledger.openReturns(limit: Self.batch)
            let outcomes = try await stock.giveBack(open)
            let made = zip(open, outcomes).filter { $0.1 != .refused }
            if !made.isEmpty { try await ledger.closeReturns(made.map(\.0)) }
            metrics.returned.increment(by: made.reduce(0) { $0 + ($1.1 == .applied ? $1.0.units : 0) })
            moved = open.count == Self.batch ? made.count : 0
        } while moved > 0
    }
}
