internal import Dispatch
public import Logging
public import SeckillCore

/// The durable stores of one process that needs no server: a directory with a stock journal, a session journal and a
/// lock.
///
/// The lock is the operating system's: it ends with the process, however that ends, so a dead owner never stands in the
/// way, and a living one is named. It is held until ``close()``, or until both stores are gone. Keep the directory on a
/// local disk, beside the ledger it belongs to.
public final class EmbeddedStores: Sendable {
    /// The stock store.
    public let stock: JournalStockStore
    /// The session store.
    public let sessions: JournalSessionStore

    /// Opens the directory at `path`, or makes it, and reads everything back into memory.
    ///
    /// The stock of every sale then waits until it has been compared with the ledger, which
    /// ``SeckillCore/FlashSale/run()`` does first.
    /// - Parameters:
    ///   - path: the directory. Symbolic links are resolved, so two paths of one directory are the same store.
    ///   - ledger: the ledger that the stock belongs to, by ``SeckillCore/OrderLedger/identity()``.
    /// - Throws: ``SeckillCore/SeckillError``: `unavailable` if another process owns the directory, which the message
    ///   names, or the system refuses; `invalid` if the stock belongs to another ledger, or a file is damaged before its
    ///   end, of a later format or something else. Nothing has been changed then, and the message says what to do.
    public static func open(
        at path: String,
        ledger: LedgerID,
        outboxLimit: Int = 1_000_000,
        sessionLimit: Int = 1_000_000,
        clock: any SaleClock = .system,
        random: any RandomSource = .system,
        logger: Logger = Logger(label: "seckill.journal")
    ) async throws -> EmbeddedStores {
        try await open(
            JournalDirectory(
                path: path,
                ledger: ledger,
                files: SystemFiles(),
                clock: clock,
                random: random,
                logger: logger
            ),
            limits: Journal.Limits(),
            outboxLimit: outboxLimit,
            sessionLimit: sessionLimit
        )
    }

    /// Reading takes as long as the files are large: on a thread of its own, not one of the pool's.
    static func open(
        _ directory: JournalDirectory,
        limits: Journal.Limits,
        outboxLimit: Int = 1_000_000,
        sessionLimit: Int = 1_000_000
    ) async throws -> EmbeddedStores {
        try await withCheckedThrowingContinuation { opened in
            DispatchQueue(label: "seckill.journal.open").async {
                opened.resume(
                    with: Result {
                        try EmbeddedStores(directory, limits, outboxLimit: outboxLimit, sessionLimit: sessionLimit)
                    }
                )
            }
        }
    }

    private init(
        _ directory: JournalDirectory,
        _ limits: Journal.Limits,
        outboxLimit: Int,
        sessionLimit: Int
    ) throws {
        var directory = directory
        // Held by both journals: a process that keeps only one of the stores keeps the directory.
        let lock = try directory.lock()
        // Both are read before either is changed, so that a start that is refused has changed nothing.
        var replay = StockReplay()
        let stockFound = try directory.find("stock", .stock) { body throws(ByteReader.Malformed) in
            try replay.apply(&body)
        }
        if let owner = replay.ledger, owner != directory.ledger {
            throw SeckillError(
                .invalid,
                "\(stockFound.path) belongs to the ledger \(owner), and not to \(directory.ledger). Nothing was changed. "
                    + "Give each ledger a directory of its own. If its ledger is gone for good, move the directory away: "
                    + "orders that were acknowledged but not yet recorded are lost, and everybody logs in again."
            )
        }
        var sessionTable = SessionTable()
        let sessionsFound = try directory.find("sessions", .sessions) { body throws(ByteReader.Malformed) in
            try sessionTable.replay(&body)
        }
        stock = JournalStockStore(
            replay.stock(mayLack: stockFound.recovery.mayLack),
            try directory.open(
                stockFound,
                under: lock,
                saying: replay.distrust,
                first: replay.ledger == nil ? .naming(directory.ledger) : Frame()
            ),
            ledger: directory.ledger,
            limits: limits,
            clock: directory.clock,
            outboxLimit: outboxLimit,
            logger: directory.logger
        )
        sessions = JournalSessionStore(
            sessionTable,
            try directory.open(sessionsFound, under: lock),
            limits: limits,
            clock: directory.clock,
            random: directory.random,
            limit: sessionLimit,
            logger: directory.logger
        )
    }

    /// Looks whether the files are still the ones that were opened, and whether they can be written.
    ///
    /// The stores look by themselves before they acknowledge anything, and when a snapshot is read.
    /// - Throws: ``SeckillCore/SeckillError`` of code `unavailable` if a file was removed or replaced, which only a
    ///   restart heals, or if nothing can be written just now.
    public func check() async throws {
        try await stock.journal.check()
        try await sessions.journal.check()
    }

    /// Writes what is left, if the disks take it, and lets go of the directory. Nothing is accepted any more.
    ///
    /// Not needed for anything to be durable: what was acknowledged was so before.
    public func close() async {
        await stock.journal.close()
        await sessions.journal.close()
    }
}
