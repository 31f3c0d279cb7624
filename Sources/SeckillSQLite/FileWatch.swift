internal import SeckillCore

/// Detects that the ledger's file, or one of the two that SQLite keeps beside it, was removed or replaced.
///
/// SQLite goes on writing to a file that no longer has a name, and nobody would find those orders again.
final class FileWatch: Sendable {
    private static let interval: Duration = .milliseconds(100)

    private let path: String
    private let opened: [String: FileStatus]
    /// When the files were last found to be the right ones; nil if they were not.
    private let checkedAt = Locked<ContinuousClock.Instant?>(.now)

    /// Watches the files of a ledger that SQLite has open: as long as it has, it keeps all three of them.
    init(_ path: String) throws(SeckillError) {
        self.path = path
        var opened: [String: FileStatus] = [:]
        for name in Self.names(path) {
            guard let status = FileStatus(name) else { throw Self.loss(of: name) }
            opened[name] = status
        }
        self.opened = opened
    }

    /// The ledger's file and those that SQLite keeps beside it.
    static func names(_ path: String) -> [String] { [path, "\(path)-wal", "\(path)-shm"] }

    /// Compares the files with those that were opened.
    /// - Returns: The size of the write-ahead log in bytes.
    /// - Throws: ``SeckillError`` of code `unavailable` that names the file which is gone.
    @discardableResult
    func check() throws(SeckillError) -> Int {
        var logSize = 0
        for name in Self.names(path) {
            guard let status = FileStatus(name), let before = opened[name], status.isSameFile(as: before) else {
                checkedAt.withLock { $0 = nil }
                throw Self.loss(of: name)
            }
            if name != path { logSize = max(logSize, status.size) }
        }
        checkedAt.withLock { $0 = .now }
        return logSize
    }

    /// ``check()``, unless it was done a moment ago.
    func checkAtIntervals() throws(SeckillError) {
        let checkedAt = checkedAt.withLock { $0 }
        if let checkedAt, ContinuousClock.now - checkedAt < Self.interval { return }
        try check()
    }

    private static func loss(of name: String) -> SeckillError {
        SeckillError(
            .unavailable,
            "the ledger's file \(name) was removed or replaced: stop every server that uses it, put the file back or "
                + "restore a backup, and start again"
        )
    }
}
