internal import Dispatch
internal import GRDB
internal import SeckillCore

/// The ledger's file: how it is opened, and the transactions on it. Several processes may have it open.
struct LedgerFile: Sendable {
    private let pool: DatabasePool
    /// How long a transaction waits for its turn, in this process and then for other processes.
    private let patience: Duration

    /// Opens or creates the file at `path` and proves that it takes a durable commit. Blocks.
    /// - Throws: ``SeckillError`` that says what is wrong and what to do.
    init(path: String, patience: Duration) throws {
        self.patience = patience
        do {
            try Self.prepare(path, Self.configuration(patience))
            pool = try Self.openPool(path, patience)
            try pool.writeWithoutTransaction { db in
                // The pool has set NORMAL, which would lose the last commits with the power.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
                    throw SeckillError(.unavailable, "SQLite refuses to commit durably (synchronous=FULL)")
                }
                try db.inTransaction {
                    try Schema.stamp(db)
                    return .commit
                }
            }
        } catch {
            throw SeckillError.opening(path, error)
        }
    }

    /// Creates and migrates the tables, before anything is changed in a file that may belong to somebody else.
    private static func prepare(_ path: String, _ configuration: Configuration) throws {
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.read { db in _ = try Schema.recognize(db) }
        try queue.write { db in try Schema.migrate(db) }
    }

    /// Of several processes that turn a new file to write-ahead logging at once, SQLite lets all but one fail, without
    /// the wait that is set for everything else.
    private static func openPool(_ path: String, _ patience: Duration) throws -> DatabasePool {
        let deadline = ContinuousClock.now + patience
        while true {
            do {
                return try DatabasePool(path: path, configuration: configuration(patience))
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                guard ContinuousClock.now < deadline else { throw error }
                _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(10))
            }
        }
    }

    private static func configuration(_ patience: Duration) -> Configuration {
        var configuration = Configuration()
        configuration.label = "seckill.ledger"
        configuration.busyMode = .timeout(patience.inSeconds)
        configuration.prepareDatabase { db in
            if db.configuration.readonly { return }
            // Without it macOS reports a sync that only reached the drive's cache.
            try db.execute(sql: "PRAGMA fullfsync = ON")
            try db.execute(sql: "PRAGMA cache_size = -65536")
            // Orders land all over the indexes: a longer log copies a page back once where a short one does it often.
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
        }
        return configuration
    }

    /// Runs `body` in one transaction that waits for no other to finish.
    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await pool.read(body)
        } catch {
            throw SeckillError.ledger(error)
        }
    }

    /// Runs `body` in one transaction, alone among all processes, durable when this returns. Cancellation counts until
    /// the transaction begins.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        let isCancelled = Locked(false)
        let deadline = ContinuousClock.now + patience
        return try await withTaskCancellationHandler {
            // Not the pool's own async methods: those interrupt a running transaction when the caller is cancelled.
            try await withCheckedThrowingContinuation { continuation in
                pool.asyncWriteWithoutTransaction { db in
                    continuation.resume(
                        with: Result {
                            if isCancelled.withLock({ $0 }) { throw CancellationError() }
                            // While another process holds the file, callers must not queue up behind each other's waits.
                            guard ContinuousClock.now < deadline else {
                                throw SeckillError(.unavailable, "the ledger is locked or too slow")
                            }
                            return try Self.transact(db, body)
                        }
                    )
                }
            }
        } onCancel: {
            isCancelled.withLock { $0 = true }
        }
    }

    private static func transact<Value>(_ db: Database, _ body: (Database) throws -> Value) throws -> Value {
        let value: Value
        do {
            // Immediate: one that reads first and locks later can be refused without waiting.
            try db.cachedStatement(sql: "BEGIN IMMEDIATE").execute()
            value = try body(db)
        } catch {
            try? db.rollback()
            throw SeckillError.ledger(error)
        }
        do {
            try db.cachedStatement(sql: "COMMIT").execute()
        } catch {
            try? db.rollback()
            throw SeckillError.ledger(error, committing: true)
        }
        return value
    }
}

/// Runs blocking work away from the threads that tasks share.
func offPool<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Result(catching: work)) }
    }
}
