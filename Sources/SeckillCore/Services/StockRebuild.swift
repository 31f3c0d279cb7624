internal import CoreMetrics
internal import Logging

/// Makes the stock store hold what the ledger says, under a new epoch, without losing or doubling one order.
///
/// The protocol was checked on a model with losses, crashes and competing workers; each step leans on the ones before
/// it. From the top again after any failure or unknown outcome. See Docs/Guarantees.md, "The fence".
struct StockRebuild: Sendable {
    /// How a rebuild ended.
    enum Outcome: Sendable {
        /// There was nothing to do.
        case current
        /// Done, by this call.
        case rebuilt
        /// Somebody else is at it, or something changed in between: look again later.
        case busy
    }

    private static let claimLifetime: Duration = .seconds(30)
    private static let batch = 500

    let stock: any StockStore
    let ledger: any OrderLedger
    let recorder: OrderRecorder
    let metrics: FunnelMetrics
    let logger: Logger

    func ensure(_ sale: SaleID) async throws -> Outcome {
        // (a) The store's identity before the ledger's epoch: what is claimed below is what was there before.
        let identity = try await stock.identity()
        guard let record = try await ledger.sale(sale) else { return .current }
        // (b)
        let outcome = try await stock.claim(
            sale,
            epoch: record.epoch,
            sequence: record.sequence,
            identity: identity,
            lifetime: Self.claimLifetime
        )
        guard case .claimed(let claim, let drained) = outcome else {
            guard outcome == .current else { return .busy }
            // A switch that was turned may have reached the ledger and not the store.
            try await stock.update(record.terms)
            return .current
        }
        do {
            return try await rebuild(sale, after: record.epoch, under: claim, drained)
        } catch {
            try? await stock.abandon(claim)
            throw error
        }
    }

    private func rebuild(
        _ sale: SaleID,
        after epoch: Int,
        under claim: StockClaim,
        _ drained: [Reservation]
    ) async throws -> Outcome {
        // (c) What survived in the outbox is honoured.
        for start in stride(from: 0, to: drained.count, by: Self.batch) {
            let batch = Array(drained[start..<min(start + Self.batch, drained.count)])
            for invalid in try await recorder.record(batch) {
                _ = try await recorder.reject(invalid, because: .undeliverable)
            }
        }
        // (d) The compare-and-set: of two rebuilders, one goes on.
        guard let installed = try await ledger.beginEpoch(after: epoch, of: sale) else {
            try await stock.abandon(claim)
            return .busy
        }
        // (e)
        guard try await stock.install(installed, under: claim) else { return .busy }
        metrics.rebuilds.increment()
        logger.notice(
            "stock installed",
            metadata: [
                "seckill.sale": "\(sale)", "seckill.epoch": "\(installed.epoch)",
                "seckill.remaining": "\(installed.remaining)", "seckill.drained": "\(drained.count)",
            ]
        )
        return .rebuilt
    }
}
