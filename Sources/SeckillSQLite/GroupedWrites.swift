internal import GRDB
internal import SeckillCore

/// Small writes that wait for a transaction. Many share one, and with it the sync, which costs more than all of them.
///
/// A transaction takes up to ``maxCount`` writes and ends after ``maxDuration``, so that a batch of orders never waits
/// long behind payments; whatever is left waits behind the batch.
final class GroupedWrites: Sendable {
    static let maxCount = 500
    static let maxDuration: Duration = .milliseconds(10)
    static let maxWaiting = 16_384

    /// One write.
    struct Write: Sendable {
        let turn: Turn
        /// Runs within the transaction. What it returns tells the caller how the transaction ended.
        let run: @Sendable (SaleBooks) throws -> @Sendable (_ error: (any Error)?) -> Void
        /// Tells the caller that the write did not happen.
        let fail: @Sendable (any Error) -> Void
    }

    private struct State: Sendable {
        var waiting: [Write] = []
        var isScheduled = false
    }

    private let state = Locked(State())

    /// Adds a write.
    /// - Returns: Whether the caller must schedule a call of ``perform(in:)``.
    /// - Throws: `overloaded` if too many wait.
    func add(_ write: Write) throws(SeckillError) -> Bool {
        try state.withLock { state throws(SeckillError) in
            guard state.waiting.count < Self.maxWaiting else {
                throw SeckillError(.overloaded, "too many calls wait for the ledger")
            }
            state.waiting.append(write)
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
    }

    /// Runs writes that wait, within one call of `transact`.
    /// - Returns: Whether some are left, for which the caller must schedule another call.
    func perform(in transact: ((Database) throws -> Void) throws -> Void) -> Bool {
        let taken = state.withLock { state in
            let taken = Array(state.waiting.prefix(Self.maxCount))
            state.waiting.removeFirst(taken.count)
            return taken
        }
        var group: [Write] = []
        for write in taken {
            do {
                try write.turn.begin()
                group.append(write)
            } catch {
                write.fail(error)
            }
        }
        let begun = group.isEmpty ? 0 : run(group, transact)
        return state.withLock { state in
            state.waiting.insert(contentsOf: group[begun...], at: 0)
            state.isScheduled = !state.waiting.isEmpty
            return state.isScheduled
        }
    }

    /// Runs as many of `group` as the time allows, the first in any case.
    /// - Returns: How many.
    private func run(_ group: [Write], _ transact: ((Database) throws -> Void) throws -> Void) -> Int {
        var ends: [@Sendable (_ error: (any Error)?) -> Void] = []
        do {
            try transact { db in
                let end = ContinuousClock.now + Self.maxDuration
                let books = SaleBooks(db)
                for write in group {
                    ends.append(try Self.runAlone(write, books))
                    if ContinuousClock.now >= end { break }
                }
                try books.save()
            }
            for end in ends { end(nil) }
        } catch {
            // The transaction has failed as a whole; where it failed in the middle, all that was taken ends with it.
            for end in ends { end(error) }
            for write in group[ends.count...] { write.fail(error) }
            return group.count
        }
        return ends.count
    }

    /// Runs one write so that its failure undoes nothing of the others.
    private static func runAlone(
        _ write: Write,
        _ books: SaleBooks
    ) throws -> @Sendable (_ error: (any Error)?) -> Void {
        let db = books.db
        try db.cachedStatement(sql: "SAVEPOINT write").execute()
        do {
            let end = try books.attempt(write.run)
            try db.cachedStatement(sql: "RELEASE write").execute()
            return end
        } catch {
            // A full or failing disk ends the whole transaction.
            guard db.isInsideTransaction else { throw error }
            try db.cachedStatement(sql: "ROLLBACK TO write").execute()
            try db.cachedStatement(sql: "RELEASE write").execute()
            let failure = SeckillError.ledger(error)
            return { _ in write.fail(failure) }
        }
    }
}
