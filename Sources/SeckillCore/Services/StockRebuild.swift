internal import CoreMetrics
internal import Logging

/// Makes the stock store hold what the ledger says, under a new epoch, without losing or doubling one order.
///
/// The protocol was checked on models with losses, crashes, competing workers, two stores on one ledger and ledgers that go
/// back; each step relies on the ones before it. It starts from the top after any failure or unknown outcome. See
/// Docs/Guarantees.md, "The fence".
struct StockRebuild: Sendable {
    /// How a rebuild ended.
    enum Outcome: Sendable {
        /// There was nothing to do.
        case current
        /// Done, by this call.
        case rebuilt
        /// Another rebuild is under way, or something changed in between: try again later.
        case busy
        /// The sale stays closed until an operator acts.
        case refused(SaleTrouble)
        /// It was begun, and the sale closed, but not finished.
        case failed(any Error)
    }

    /// A node that dies in a rebuild keeps the sale closed for this long.
    private static let leaseLifetime: Duration = .seconds(6)
    private static let batch = 500

    let stock: any StockStore
    let ledger: any OrderLedger
    let recorder: OrderRecorder
    let clock: any SaleClock
    let metrics: FunnelMetrics
    let health: SaleHealth
    let logger: Logger

    /// Compares the store with the ledger, and rebuilds the sale if they differ and this store is its holder.
    func ensure(_ sale: SaleID) async throws -> Outcome {
        do {
            let outcome = try await attempt(sale)
            switch outcome {
            case .refused(let trouble): health.note(trouble, of: sale)
            case .current, .rebuilt: health.note(nil, of: sale)
            case .busy, .failed: break
            }
            return outcome
        } catch let error as SeckillError where error.code == .damaged {
            health.note(.damaged, of: sale)
            try await close(sale)
            return .refused(.damaged)
        }
    }

    /// Closes a sale in whatever epoch the store holds it.
    func close(_ sale: SaleID) async throws {
        if let epoch = try await stock.snapshot(of: sale)?.epoch { try await stock.distrust(sale, epoch: epoch) }
    }

    private func attempt(_ sale: SaleID) async throws -> Outcome {
        // A record that is out of date is read again: a few times, as others may be at work.
        for _ in 1...3 {
            // (a) The store's identity before the ledger's epoch: what is claimed below is what was there before.
            let identity = try await stock.identity()
            guard let record = try await ledger.sale(sale), !record.isRetired(at: clock.now) else { return .current }
            let otherHolder = record.holder == stock.name ? nil : record.holder
            // A store that may not hold the sale stops selling. Workers go on with its outbox.
            if otherHolder != nil { try await stock.distrust(sale, epoch: record.epoch) }
            // (b)
            switch try await stock.claim(record, identity: identity, lifetime: Self.leaseLifetime) {
            case .busy: return .busy
            case .foreign(let owner): return .refused(.foreign(owner))
            case .ahead(let epoch, let orders):
                if let trouble = try await raise(sale, after: record, above: epoch, orders) { return .refused(trouble) }
            case .current:
                if let otherHolder = try await holder(of: record) {
                    try await stock.distrust(sale, epoch: record.epoch)
                    return .refused(.heldElsewhere(otherHolder))
                }
                // A switch that was turned may have reached the ledger and not the store.
                try await stock.update(record.terms)
                return .current
            case .claimed(let claim):
                do {
                    if let otherHolder = try await holder(of: record) {
                        try await stock.abandon(claim)
                        return .refused(.heldElsewhere(otherHolder))
                    }
                    return try await withLease(claim) { try await rebuild(record, under: claim) }
                } catch let error as CancellationError {
                    try? await stock.abandon(claim)
                    throw error
                } catch {
                    try? await stock.abandon(claim)
                    return .failed(error)
                }
            }
        }
        return .busy
    }

    /// The holder of the sale if it is another store. A sale that nobody holds becomes this store's.
    private func holder(of record: SaleRecord) async throws -> StoreName? {
        var record = record
        if record.holder == nil {
            let number = record.takeover + 1
            guard let named = try await ledger.transfer(record.sale.id, to: stock.name, takeover: number) else {
                return nil
            }
            record = named
        }
        return record.holder == stock.name ? nil : record.holder
    }

    /// What to do about a store that is ahead of the record: nothing if the record was only out of date; otherwise the
    /// ledger went back.
    ///
    /// If it lacks orders that the store knows to be recorded, their units may be sold and paid: only an operator may say
    /// that they are lost. If it only lacks epochs, its epoch is raised above the store's, and orders of those epochs are
    /// recorded as lost.
    private func raise(
        _ sale: SaleID,
        after record: SaleRecord,
        above epoch: Int,
        _ orders: Int
    ) async throws -> SaleTrouble? {
        guard let present = try await ledger.sale(sale) else { return nil }
        if orders > present.orders, epoch >= present.restoredEpoch {
            try await stock.distrust(sale, epoch: epoch)
            return .ledgerLostOrders(known: orders, recorded: present.orders)
        }
        guard epoch > present.epoch else { return nil }
        logger.error(
            "the ledger went back: the stock store is in a later epoch, and orders of that epoch are lost",
            metadata: [
                "seckill.sale": "\(sale)", "seckill.epoch": "\(present.epoch)", "seckill.store.epoch": "\(epoch)",
            ]
        )
        _ = try await ledger.raiseEpoch(of: sale, above: epoch, acceptingLoss: false)
        return nil
    }

    /// Renews the lease while `body` runs, and cancels `body` when it is lost.
    private func withLease(
        _ claim: StockClaim,
        _ body: @escaping @Sendable () async throws -> Outcome
    ) async throws -> Outcome {
        try await withThrowingTaskGroup(of: Outcome.self) { group in
            group.addTask(operation: body)
            group.addTask {
                while true {
                    try await clock.sleep(for: Self.leaseLifetime / 3)
                    // One answer that is lost is no reason to stop: the install asks again.
                    if (try? await stock.renew(claim, for: Self.leaseLifetime)) == false { return .busy }
                }
            }
            defer { group.cancelAll() }
            return try await group.next() ?? .busy
        }
    }

    private func rebuild(_ record: SaleRecord, under claim: StockClaim) async throws -> Outcome {
        let sale = record.sale.id
        // (c) What survived in the outbox is honoured.
        var drained = 0
        var cursor: String?
        repeat {
            let page = try await stock.drain(claim, after: cursor, limit: Self.batch)
            let leftover = try await recorder.record(page.reservations)
            for invalid in leftover.invalid { _ = try await recorder.reject(invalid, because: .undeliverable) }
            guard leftover.damaged.isEmpty else {
                throw SeckillError(.damaged, "orders of this sale cannot be recorded")
            }
            drained += page.reservations.count
            cursor = page.next
        } while cursor != nil
        // Not a guard, which the install is: an epoch is not used up for a lease that is over.
        guard try await stock.renew(claim, for: Self.leaseLifetime) else { return .busy }
        // (d) The compare-and-set: of two rebuilders, one goes on.
        let installed: InstalledStock
        switch try await ledger.beginEpoch(after: record.epoch, of: sale, in: stock.name) {
        case .begun(let stock): installed = stock
        case nil, .superseded:
            try await stock.abandon(claim)
            return .busy
        case .heldElsewhere(let holder):
            try await stock.abandon(claim)
            return holder.map { .refused(.heldElsewhere($0)) } ?? .busy
        }
        // (e)
        guard try await stock.install(installed, under: claim) else { return .busy }
        metrics.rebuilds.increment()
        logger.notice(
            "stock installed",
            metadata: [
                "seckill.sale": "\(sale)", "seckill.epoch": "\(installed.epoch)",
                "seckill.remaining": "\(installed.remaining)", "seckill.drained": "\(drained)",
            ]
        )
        return .rebuilt
    }
}
