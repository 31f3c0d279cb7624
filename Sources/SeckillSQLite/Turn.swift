internal import GRDB
internal import GRDBSQLite
internal import SeckillCore

/// A call that waits for a connection, with the moment at which it gives up.
final class Turn: Sendable {
    private let deadline: ContinuousClock.Instant?
    private let isCancelled = Locked(false)

    /// - Parameter patience: how long the call may take from now on; nil for as long as it needs.
    init(_ patience: Duration?) { deadline = patience.map { ContinuousClock.now + $0 } }

    func cancel() { isCancelled.withLock { $0 = true } }

    /// Ends the call if its caller was cancelled or has waited too long. While another process holds the file, callers
    /// must not queue up behind each other's waits.
    func begin() throws {
        if isCancelled.withLock({ $0 }) { throw CancellationError() }
        guard let deadline, ContinuousClock.now >= deadline else { return }
        throw SeckillError(.unavailable, "the ledger is locked or too slow")
    }

    /// Runs `body`; SQLite interrupts it at the deadline.
    func run<Value>(on db: Database, _ body: () throws -> Value) throws -> Value {
        try begin()
        guard var deadline else { return try body() }
        return try withUnsafeMutablePointer(to: &deadline) { pointer in
            sqlite3_progress_handler(
                db.sqliteConnection,
                10_000,
                { context in
                    let deadline = context!.assumingMemoryBound(to: ContinuousClock.Instant.self).pointee
                    return ContinuousClock.now < deadline ? 0 : 1
                },
                pointer
            )
            defer { sqlite3_progress_handler(db.sqliteConnection, 0, nil, nil) }
            return try body()
        }
    }
}
