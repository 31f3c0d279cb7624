internal import Logging

/// What this node last found of each sale that is not over: whether it can be sold here, and why not. Logs when a trouble
/// begins and when it ends.
final class SaleHealth: Sendable {
    private struct State: Sendable {
        /// Sales whose stock the store has, as the ledger says.
        var trusted: Set<SaleID> = []
        /// Sales whose stock is being installed, or that no sweep has reached yet.
        var missing: Set<SaleID> = []
        var troubles: [SaleID: SaleTrouble] = [:]
        /// When the last look at store and ledger ended, and how.
        var roundAt: Duration?
        var failure: String?

        /// Why what is said here may not be so any more; nil if store and ledger have answered within `patience`.
        func doubt(at now: Duration, patience: Duration) -> String? {
            if let failure { return failure }
            guard let roundAt, now - roundAt <= patience else {
                return "the ledger and the stock store were not checked recently"
            }
            return nil
        }
    }

    private let logger: Logger
    private let state = Locked(State())

    init(logger: Logger) { self.logger = logger }

    /// What an operator must see to.
    subscript(sale: SaleID) -> SaleTrouble? { state.withLock { $0.troubles[sale] } }

    /// A sale that is not over is in the ledger. Changes nothing for one that is known.
    func expect(_ sale: SaleID) {
        state.withLock { state in
            if !state.trusted.contains(sale), state.troubles[sale] == nil { state.missing.insert(sale) }
        }
    }

    /// Notes that the store lacks a sale.
    /// - Returns: whether it had it before.
    func lose(_ sale: SaleID) -> Bool {
        state.withLock { state in
            let wasTrusted = state.trusted.remove(sale) != nil
            if state.troubles[sale] == nil { state.missing.insert(sale) }
            return wasTrusted
        }
    }

    /// Notes what an operator must see to, or that the sale can be sold.
    func note(_ trouble: SaleTrouble?, of sale: SaleID) {
        let before = state.withLock { state in
            let before = state.troubles[sale]
            state.troubles[sale] = trouble
            state.missing.remove(sale)
            if trouble == nil { state.trusted.insert(sale) } else { state.trusted.remove(sale) }
            return before
        }
        log(trouble, after: before, sale)
    }

    /// Forgets a sale that is over.
    func forget(_ sale: SaleID) {
        let before = state.withLock { state in
            state.trusted.remove(sale)
            state.missing.remove(sale)
            return state.troubles.removeValue(forKey: sale)
        }
        log(nil, after: before, sale)
    }

    /// Forgets the damaged sales that are not there any more: a row that was repaired may have another id.
    func forgetDamaged(unless isThere: (SaleID) -> Bool) {
        let damaged = state.withLock { $0.troubles.filter { $0.value == .damaged }.keys }
        for sale in damaged where !isThere(sale) { forget(sale) }
    }

    /// Notes that store and ledger have been asked, and what failed.
    func noteRound(_ failure: (any Error)?, at now: Duration) {
        state.withLock { state in
            state.roundAt = now
            state.failure = failure.map { ($0 as? SeckillError)?.description ?? "\($0)" }
        }
    }

    /// - Parameter patience: how long ago the last look may have ended.
    func readiness(at now: Duration, patience: Duration) -> Readiness {
        state.withLock { state in
            var readiness = Readiness(isReady: state.missing.isEmpty, troubles: state.troubles)
            for sale in state.missing { readiness.troubles[sale] = .rebuilding }
            if state.trusted.isEmpty, !readiness.troubles.isEmpty { readiness.isReady = false }
            if let doubt = state.doubt(at: now, patience: patience) {
                readiness.reasons.append(doubt)
                readiness.isReady = false
            }
            return readiness
        }
    }

    /// Whether store and ledger have been asked within `patience`, and have answered.
    func isKept(at now: Duration, patience: Duration) -> Bool {
        state.withLock { $0.doubt(at: now, patience: patience) == nil }
    }

    private func log(_ trouble: SaleTrouble?, after before: SaleTrouble?, _ sale: SaleID) {
        guard before != trouble else { return }
        if let trouble {
            logger.error("sale closed", metadata: ["seckill.sale": "\(sale)", "seckill.reason": "\(trouble)"])
        } else {
            logger.notice("sale may sell again", metadata: ["seckill.sale": "\(sale)"])
        }
    }
}
