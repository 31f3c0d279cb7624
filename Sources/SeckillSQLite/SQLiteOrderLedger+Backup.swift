internal import GRDB
internal import SeckillCore

extension SQLiteOrderLedger {
    /// Copies this ledger, as it is at one instant, to a new file.
    ///
    /// Servers go on writing while the copy is made, and it ends however busy they are. The file has its name only when
    /// it is complete and on the disk; only its owner may read it.
    ///
    /// - Throws: ``SeckillError`` that says what is wrong and what to do: `invalid` if there is a file of that name.
    public func backup(to path: String) async throws { try await Self.backup(from: self.path, to: path) }

    /// Copies the ledger at `path`, whether servers use it or not; see ``backup(to:)``.
    public static func backup(from path: String, to target: String) async throws {
        try await offPool {
            let (path, target) = (FileSystem.resolve(path), FileSystem.resolve(target))
            do {
                try LedgerCopy.refuseExisting(target)
                let temporary = LedgerCopy.temporaryName(beside: target)
                defer { LedgerCopy.removeAll(temporary) }
                try LedgerCopy.copy(path, to: temporary)
                // Unlike a renaming, this fails if another backup of that name was made in the meantime.
                try FileSystem.link(temporary, as: target)
                try FileSystem.remove(temporary)
                try FileSystem.sync(FileSystem.split(target).directory)
            } catch let error as FileSystemError {
                throw SeckillError(.unavailable, "backup \(target): \(error)")
            } catch {
                throw SeckillError.opening(path, error)
            }
        }
    }
}

/// Copies of a ledger's file that appear under their names only when they are complete.
enum LedgerCopy {
    static func refuseExisting(_ path: String) throws {
        for name in [path] + companions(of: path) where FileStatus(name) != nil {
            throw SeckillError(.invalid, "there is a file \(name) already; name another, or move it away")
        }
    }

    /// A name that no other copy uses, in the same directory.
    static func temporaryName(beside path: String) -> String {
        "\(path).partial-\(UInt64.random(in: 0 ... .max))"
    }

    /// What SQLite may keep beside a file.
    static func companions(of path: String) -> [String] { ["\(path)-wal", "\(path)-shm", "\(path)-journal"] }

    /// Removes a file and what SQLite keeps beside it.
    static func removeAll(_ path: String) {
        for name in [path] + companions(of: path) { try? FileSystem.remove(name) }
    }

    /// Copies what the ledger at `path` holds at one instant to a new file, and syncs it.
    ///
    /// All in one step: between two steps SQLite would start over whenever somebody has written.
    static func copy(_ path: String, to target: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let source = try DatabaseQueue(path: path, configuration: configuration)
        try FileSystem.create(target)
        let destination = try DatabaseQueue(path: target)
        try source.unsafeRead { db in
            guard try Schema.recognize(db) > 0 else {
                throw SeckillError(.invalid, "it is empty; name another path")
            }
            try destination.writeWithoutTransaction { copy in
                try db.backup(to: copy)
                // One file: no write-ahead log that could be forgotten.
                try copy.execute(sql: "PRAGMA journal_mode = DELETE")
            }
        }
        try source.close()
        try destination.close()
        try FileSystem.sync(target)
    }
}
