import SeckillCore

/// A ledger of which a copy can be kept and put back by hand, as an operator does with files.
final class RestorableLedger: DecoratedLedger {
    private let state = Locked((ledger: MemoryOrderLedger(), copy: nil as MemoryOrderLedger?, restores: 0))

    var base: any OrderLedger { state.withLock { $0.ledger } }

    /// Keeps a copy, in the place of an earlier one.
    func backUp() { state.withLock { $0.copy = MemoryOrderLedger(copying: $0.ledger) } }

    /// Puts the copy in the place of the ledger. False if there is none.
    func restore() -> Bool {
        state.withLock { state in
            guard let copy = state.copy else { return false }
            state.ledger = MemoryOrderLedger(copying: copy)
            state.restores += 1
            return true
        }
    }

    /// Counts on from a number that the ledger had not reached before it went back.
    func sales(changedAfter change: Int) async throws -> SaleListing {
        let first = state.withLock { $0.restores } * 1_000_000
        var listing = try await base.sales(changedAfter: max(0, change - first))
        listing.change += first
        return listing
    }
}
