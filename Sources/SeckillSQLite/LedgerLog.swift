internal import Dispatch
internal import GRDB
internal import GRDBSQLite
internal import SeckillCore

/// The ledger's write-ahead log: how long it is, and how it is copied into the ledger's file.
///
/// SQLite's own way is to copy it within the commit that makes it too long, while every other writer waits for the disk.
/// Here another connection copies most of it beside the writers. The writer's connection copies the rest between two
/// transactions; then its next commit starts the log over.
final class LedgerLog: Sendable {
    /// How long the log becomes before it is copied, in pages: 64 MB. A page that has changed many times by then is
    /// copied once.
    static let interval = 16_384
    /// How large the log's file may stay, in bytes, if readers keep SQLite from starting it over.
    static let maxSize = 128 << 20
    /// What the writer may be left to copy, in pages.
    private static let rest = 1_000

    private struct State {
        var length = 0
        /// At which length the log is copied next.
        var nextLength = LedgerLog.interval
        var isBeingCopied = false
    }

    private let path: String
    private let configuration: Configuration
    private let state = Locked(State())

    init(path: String, configuration: Configuration) {
        self.path = path
        self.configuration = configuration
    }

    /// Hears of every commit of a connection from now on, in place of SQLite, which copies nothing by itself then. This
    /// object must exist for as long as the connection commits.
    func observeCommits(of db: Database) {
        sqlite3_wal_hook(
            db.sqliteConnection,
            { context, _, _, length in
                Unmanaged<LedgerLog>.fromOpaque(context!).takeUnretainedValue().note(length: Int(length))
                return SQLITE_OK
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    private func note(length: Int) {
        state.withLock { state in
            if length < state.length { state.nextLength = Self.interval }
            state.length = length
        }
    }

    /// Copies the log if it is long enough and nobody does so already.
    /// - Parameter finish: calls ``finish(_:)`` on the writer's connection, between two transactions.
    func copyIfLong(then finish: @escaping @Sendable () -> Void) {
        let isDue = state.withLock { state in
            guard state.length >= state.nextLength, !state.isBeingCopied else { return false }
            state.isBeingCopied = true
            return true
        }
        guard isDue else { return }
        DispatchQueue.global().async { [self] in
            // Where it fails, as it does while another process copies, the writer's connection tries alone.
            try? copy()
            finish()
        }
    }

    /// Each round copies what was written during the one before.
    private func copy() throws {
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            var copied = 0
            for _ in 0..<4 where state.withLock({ $0.length }) - copied > Self.rest {
                copied = try db.checkpoint(.passive).checkpointedFrameCount
            }
        }
        try queue.close()
    }

    /// Copies what is left.
    func finish(_ db: Database) {
        _ = try? db.checkpoint(.passive)
        state.withLock { state in
            state.isBeingCopied = false
            // Lower again once the log has been started over, for which readers must have left it.
            state.nextLength = state.length + Self.interval / 4
        }
    }
}
