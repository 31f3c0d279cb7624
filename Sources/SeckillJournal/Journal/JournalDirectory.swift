internal import Logging
internal import SeckillCore

/// The directory of the journals, and how they are opened.
struct JournalDirectory: Sendable {
    /// Resolved by ``lock()``.
    private(set) var path: String
    /// The ledger that the stock belongs to.
    let ledger: LedgerID
    let files: any FileSystem
    let clock: any SaleClock
    let random: any RandomSource
    let logger: Logger

    static func file(_ name: String, in path: String) -> String { "\(path)/\(name).journal" }

    init(
        path: String,
        ledger: LedgerID,
        files: any FileSystem,
        clock: any SaleClock,
        random: any RandomSource,
        logger: Logger
    ) {
        self.path = path
        self.ledger = ledger
        self.files = files
        self.clock = clock
        self.random = random
        self.logger = logger
    }

    var lockPath: String { "\(path)/lock" }

    /// Makes the directory if need be, resolves its path, and takes its lock for this process.
    mutating func lock() throws(SeckillError) -> any FileLock {
        let given = path
        do {
            try files.makeDirectory(path)
            path = try files.resolve(path)
            let lock = try files.lock(lockPath)
            // The last process may have died between giving a name and syncing it, and nothing may build upon a name
            // that can still be lost.
            try files.syncDirectory(parent)
            try files.syncDirectory(path)
            return lock
        } catch {
            guard let holder = error.lockHolder else {
                throw SeckillError(.unavailable, "the journal's directory cannot be used: \(error)")
            }
            let place = given == path ? path : "\(given), which is \(path),"
            throw SeckillError(
                .unavailable,
                "\(place) belongs to \(holder == 0 ? "another process" : "process \(holder)"), which is running. "
                    + "Stop that one, or give this one a directory of its own."
            )
        }
    }

    /// Looks for a journal and hands the body of every frame to `replay`, which says how many entries it holds. Changes
    /// nothing.
    /// - Throws: a ``SeckillError`` that says what to do: `unavailable` if the system refuses, `invalid` if the file is
    ///   not what it should be.
    func find(
        _ name: String,
        _ kind: JournalHeader.Kind,
        replay: (inout ByteReader) throws(ByteReader.Malformed) -> Int
    ) throws -> FoundJournal {
        let start = clock.uptime
        var found = FoundJournal(path: Self.file(name, in: path), kind: kind, time: .zero)
        try orSay("the journal cannot be opened") {
            guard let file = try files.open(found.path, writing: true) else { return }
            (found.file, found.recovery) = try JournalFile.read(file, found.path, kind, replay: replay)
        }
        found.time = clock.uptime - start
        return found
    }

    /// Goes on in the journal that was found, or begins one. Its writer holds `lock`.
    /// - Parameters:
    ///   - lack: see ``JournalFile/recover(_:saying:)``.
    ///   - first: what a new file begins with, and what one that was found must be told.
    func open(
        _ found: FoundJournal,
        under lock: any FileLock,
        saying lack: Frame = Frame(),
        first: Frame = Frame()
    ) throws -> JournalWriter {
        var file = try found.file ?? begin(found.path, found.kind, first)
        if found.file != nil {
            try orSay("the journal cannot be opened") {
                try file.recover(found.recovery, saying: lack)
                if !first.isEmpty { try file.commit(first.sealed(salt: file.salt)) }
            }
        }
        let writer = JournalWriter(
            file,
            path: found.path,
            directory: path,
            lockPath: lockPath,
            files: files,
            lock: lock
        )
        // What a compaction left behind that did not come to its end.
        try? files.remove(writer.successorPath)
        report(found, size: file.end)
        return writer
    }

    private func orSay(_ words: String, _ work: () throws -> Void) throws {
        do {
            try work()
        } catch let error as FileError {
            throw SeckillError(.unavailable, "\(words): \(error)")
        }
    }

    private func begin(_ path: String, _ kind: JournalHeader.Kind, _ first: Frame) throws -> JournalFile {
        let header = JournalHeader(
            kind: kind,
            identity: Base64URL.encode(random.bytes(12)),
            created: clock.now,
            generation: 0
        )
        do {
            // Under another name until it is whole: a crash leaves no half header behind.
            let draft = path + ".new"
            var file = try JournalFile(creating: draft, header, in: files)
            if !first.isEmpty { try file.stage(first) }
            try file.finish()
            try files.rename(draft, to: path)
            try files.syncDirectory(self.path)
            return file
        } catch {
            throw SeckillError(.unavailable, "the journal cannot be made: \(error)")
        }
    }

    private func report(_ found: FoundJournal, size: Int) {
        let recovery = found.recovery
        let metadata: Logger.Metadata = [
            "seckill.journal": "\(found.path)", "seckill.entries": "\(recovery.entries)",
            "seckill.in_doubt": "\(recovery.inDoubt)", "seckill.torn_bytes": "\(recovery.torn)",
            "seckill.bytes": "\(size)", "seckill.milliseconds": "\(found.time.milliseconds)",
        ]
        if recovery.mayLack {
            logger.warning(
                "the journal's end was torn and has been cut; what it may lack is settled by the ledger",
                metadata: metadata
            )
        } else if recovery.inDoubt > 0 {
            logger.notice(
                "journal opened; its last entries may not have been acknowledged, and stand",
                metadata: metadata
            )
        } else {
            logger.info("journal opened", metadata: metadata)
        }
    }

    private var parent: String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
