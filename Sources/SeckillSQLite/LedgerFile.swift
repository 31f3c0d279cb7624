internal import Dispatch
internal import GRDB
internal import GRDBSQLite
internal import SeckillCore

/// The ledger's file: how it is opened, and the transactions on it. Several processes may have it open.
struct LedgerFile: Sendable {
    /// The resolved path: the same for every name of the file.
    let path: String
    /// The ledger's identity.
    let id: LedgerID
    private let pool: DatabasePool
    /// How long a call may take, the wait for its turn in this process included; and then again for other processes.
    private let patience: Duration
    private let watch: FileWatch
    private let log: LedgerLog
    private let groupedWrites = GroupedWrites()
    /// When the log may be shortened next.
    private let shorteningAt = Locked(ContinuousClock.now)

    /// Opens or creates the file at `path` and proves that it takes a durable commit. Blocks.
    /// - Throws: ``SeckillError`` that says what is wrong and what to do.
    init(path name: String, patience: Duration) throws {
        self.patience = patience
        path = FileSystem.resolve(name)
        do {
            try Self.refuseSeveralNames(path)
            try Self.prepare(path, patience)
            pool = try Self.openPool(path, patience)
            id = try pool.writeWithoutTransaction { db in
                // The pool has set NORMAL, which would lose the last commits with the power.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
                    throw SeckillError(.unavailable, "SQLite refuses to commit durably (synchronous=FULL)")
                }
                try db.inTransaction {
                    try Schema.stamp(db)
                    return .commit
                }
                return try Schema.identity(db)
            }
            log = LedgerLog(path: path, configuration: Self.configuration(patience))
            pool.writeWithoutTransaction(log.observeCommits)
            watch = try FileWatch(path)
        } catch {
            throw SeckillError.opening(path, error)
        }
    }

    /// Two hard links of one file would have a write-ahead log each, and SQLite would mix them up.
    private static func refuseSeveralNames(_ path: String) throws {
        guard let status = FileStatus(path), status.names > 1 else { return }
        throw SeckillError(
            .invalid,
            "the file has \(status.names) names (hard links); remove all but one, or copy the file"
        )
    }

    /// Creates and migrates the tables, before anything is changed in a file that may belong to somebody else.
    private static func prepare(_ path: String, _ patience: Duration) throws {
        let deadline = ContinuousClock.now + patience
        while true {
            let queue = try DatabaseQueue(path: path, configuration: configuration(patience))
            let version = try queue.read { db in try Schema.recognize(db) }
            if version == Schema.version { return }
            if version == 0 { return try queue.write { db in try Schema.migrate(db) } }
            try queue.close()
            do {
                // A server of the older format would go on writing rows that this one takes for damaged.
                return try withExclusiveConnection(to: path) { db in
                    try db.inTransaction {
                        try Schema.migrate(db)
                        return .commit
                    }
                }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                // Perhaps only another process that is about to do the same.
                guard ContinuousClock.now < deadline else {
                    throw SeckillError(
                        .unavailable,
                        "it is of format \(version), and another process has it open; stop every server on it first"
                    )
                }
                pause(milliseconds: .random(in: 5...20))
            }
        }
    }

    /// Runs `body` on a connection that no other process can have beside it.
    /// - Throws: `SQLITE_BUSY` if another process has the file open, even if it does nothing.
    static func withExclusiveConnection<Value>(to path: String, _ body: (Database) throws -> Value) throws -> Value {
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            // Before anything is read. Otherwise SQLite shares the write-ahead log.
            try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
        }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        let value = try queue.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN EXCLUSIVE; COMMIT")
            return try body(db)
        }
        try queue.close()
        return value
    }

    private static func pause(milliseconds: Int) {
        _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(milliseconds))
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
                pause(milliseconds: 10)
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
            // Readers keep SQLite from starting the log over; once it does, the file must not stay as large.
            try db.execute(sql: "PRAGMA journal_size_limit = \(LedgerLog.maxSize)")
        }
        return configuration
    }

    // MARK: Reading

    /// Runs `body` in one transaction that waits for no write to finish.
    ///
    /// Cancellation counts until the transaction begins.
    ///
    /// - Parameter isLimited: whether the read fails with `unavailable` when it takes too long.
    func read<Value: Sendable>(
        isLimited: Bool = true,
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        let turn = Turn(isLimited ? patience : nil)
        return try await withTaskCancellationHandler {
            // Not the pool's own async method: its callers have no deadline while they wait for a reader.
            try await withCheckedThrowingContinuation { continuation in
                pool.asyncRead { [watch] reader in
                    continuation.resume(
                        with: Result {
                            // A reader that SQLite opens now opens whatever has the ledger's name.
                            try watch.checkAtIntervals()
                            let db = try reader.get()
                            return try turn.run(on: db) { try body(db) }
                        }
                        .mapError { SeckillError.ledger($0) }
                    )
                }
            }
        } onCancel: {
            turn.cancel()
        }
    }

    // MARK: Writing

    /// Runs `body` in one transaction, alone among all processes, durable when this returns. Cancellation counts until
    /// the transaction begins.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        let turn = Turn(patience)
        return try await withTaskCancellationHandler {
            // Not the pool's own async methods: those interrupt a running transaction when the caller is cancelled.
            try await withCheckedThrowingContinuation { continuation in
                pool.asyncWriteWithoutTransaction { db in
                    continuation.resume(
                        with: Result {
                            try turn.begin()
                            return try transact(db, body)
                        }
                    )
                }
            }
        } onCancel: {
            turn.cancel()
        }
    }

    /// Runs `body` as ``write(_:)`` does, in a transaction that it may share with others of its kind. For writes that
    /// touch a few rows. A failure undoes nothing of the others, unless the transaction fails as a whole.
    func writeGrouped<Value: Sendable>(_ body: @escaping @Sendable (SaleBooks) throws -> Value) async throws -> Value {
        let turn = Turn(patience)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let write = GroupedWrites.Write(turn: turn) { books in
                    let value = try body(books)
                    return { error in continuation.resume(with: error.map(Result.failure) ?? .success(value)) }
                } fail: { error in
                    continuation.resume(throwing: error)
                }
                do {
                    if try groupedWrites.add(write) { performGroupedWrites() }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            turn.cancel()
        }
    }

    private func performGroupedWrites() {
        pool.asyncWriteWithoutTransaction { db in
            // Behind the batches that came in the meantime, so that each gets its turn.
            if groupedWrites.perform(in: { body in try transact(db, body) }) { performGroupedWrites() }
        }
    }

    private func transact<Value>(_ db: Database, _ body: (Database) throws -> Value) throws -> Value {
        let value: Value
        do {
            try watch.check()
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
        do {
            if try watch.check() > LedgerLog.maxSize { scheduleShorteningOfLog() }
        } catch {
            // The commit is in a file that may have no name any more.
            throw SeckillError(.outcomeUnknown, error.message)
        }
        log.copyIfLong {
            pool.asyncWriteWithoutTransaction { db in log.finish(db) }
        }
        return value
    }

    // MARK: Files

    /// Checks that the ledger's files are the ones that were opened.
    /// - Throws: ``SeckillError`` of code `unavailable` that names the file which is gone.
    func check() async throws { try await offPool { [watch] in _ = try watch.check() } }

    /// SQLite starts the write-ahead log over when no reader needs it. Readers that overlap without a pause never let
    /// it, and the log grows for ever. So a log that has become too large is emptied while writers wait: readers that
    /// begin in that time read the ledger's own file.
    private func scheduleShorteningOfLog() {
        let isDue = shorteningAt.withLock { next in
            guard ContinuousClock.now >= next else { return false }
            next = .now + .seconds(1)
            return true
        }
        guard isDue else { return }
        pool.asyncWriteWithoutTransaction { db in
            // Writers must not wait for a slow reader: the next attempt is a second away.
            sqlite3_busy_timeout(db.sqliteConnection, 50)
            defer { sqlite3_busy_timeout(db.sqliteConnection, Int32(clamping: patience.milliseconds)) }
            _ = try? db.checkpoint(.truncate)
        }
    }
}

/// Runs blocking work away from the threads that tasks share.
func offPool<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Result(catching: work)) }
    }
}
