internal import GRDB
internal import SeckillCore

extension SQLiteOrderLedger {
    /// Epochs that a restored ledger passes over: more than can have begun since its backup was made.
    private static let skippedEpochs = 10_000

    /// Puts a backup in the place of the ledger at `path`, and accepts that what was recorded since is lost.
    ///
    /// Every sale is raised to an epoch above any that can have begun since the backup, so that no store sells what the
    /// ledger does not know; purchase links from before are void. No server may use the ledger. The file that was there
    /// is kept as `path.before-restore`. A crash leaves either the old ledger or the restored one.
    ///
    /// - Parameter backup: a file that ``backup(to:)`` wrote, or a copy of the ledger's file.
    /// - Throws: ``SeckillError`` that says what is wrong and what to do; then nothing has changed.
    public static func restore(from backup: String, to path: String) async throws {
        try await offPool {
            let (backup, path) = (FileSystem.resolve(backup), FileSystem.resolve(path))
            guard backup != path else {
                throw SeckillError(.invalid, "backup \(backup): it is the ledger itself; name another path")
            }
            let temporary = LedgerCopy.temporaryName(beside: path)
            defer { LedgerCopy.removeAll(temporary) }
            do {
                try LedgerCopy.copy(backup, to: temporary)
                try prepare(temporary)
            } catch {
                throw failure("backup \(backup)", backup, error)
            }
            do {
                try replace(path, by: temporary)
            } catch {
                throw failure("ledger \(path)", path, error)
            }
        }
    }

    /// Accepts that the ledger at `path` lacks orders which a store knows: an older copy of its file was put back by
    /// hand. Raises every sale's epoch as ``restore(from:to:)`` does. Servers may use the ledger.
    ///
    /// Sales whose row is damaged stay as they are.
    /// - Throws: ``SeckillError`` that says what is wrong and what to do.
    public static func acceptLoss(path: String) async throws {
        guard FileStatus(FileSystem.resolve(path)) != nil else {
            throw SeckillError(.unavailable, "ledger \(path): there is no such file; name another path")
        }
        let file = try await offPool { try LedgerFile(path: path, patience: .seconds(5)) }
        try await file.write { db in try raiseEpochs(db) }
    }

    /// Brings a copy to the present format and raises its epochs.
    private static func prepare(_ copy: String) throws {
        let queue = try DatabaseQueue(path: copy)
        try queue.write { db in
            for problem in try String.fetchAll(db, sql: "PRAGMA integrity_check(1)") where problem != "ok" {
                throw SeckillError(.invalid, "it is damaged (\(problem)); use another backup")
            }
            try Schema.migrate(db)
            try raiseEpochs(db)
        }
        try queue.close()
        try FileSystem.sync(copy)
    }

    private static func raiseEpochs(_ db: Database) throws {
        for row in try SaleBook.rows(db) {
            guard let book = try? SaleBook(row, db), book.isIntact else { continue }
            let above = min(book.record.epoch + skippedEpochs, StockSnapshot.maxEpoch) - 1
            try book.raiseEpoch(above: above, acceptingLoss: true)
            try book.save()
        }
    }

    private static func replace(_ path: String, by temporary: String) throws {
        if FileStatus(path) != nil {
            try emptyLog(path)
            let kept = unusedName("\(path).before-restore")
            try FileSystem.link(path, as: kept)
            // A damaged ledger's log stays. It must not be taken for the restored one's.
            for suffix in ["-wal", "-shm", "-journal"] where FileStatus(path + suffix) != nil {
                try FileSystem.rename(path + suffix, to: kept + suffix)
            }
        }
        try FileSystem.rename(temporary, to: path)
        try FileSystem.sync(FileSystem.split(path).directory)
    }

    private static func unusedName(_ name: String) -> String {
        if FileStatus(name) == nil { return name }
        return (2...).lazy.map { "\(name)-\($0)" }.first { FileStatus($0) == nil }!
    }

    /// Writes the log into the ledger's file, alone: this fails while any other process has the ledger open.
    private static func emptyLog(_ path: String) throws {
        do {
            try LedgerFile.withExclusiveConnection(to: path) { db in _ = try db.checkpoint(.truncate) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            throw SeckillError(.unavailable, "a server uses it; stop every server on it first")
        } catch let error as DatabaseError where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) {
            // Perhaps why it is to be replaced.
            return
        }
    }

    private static func failure(_ what: String, _ path: String, _ error: any Error) -> any Error {
        guard let error = error as? FileSystemError else { return SeckillError.opening(path, error) }
        return SeckillError(.unavailable, "\(what): \(error)")
    }
}
